// Workers of the data plane that throw or loop on demand: they run misbehaving-worker.mjs around the real programs.
import { spawner } from '../../build/server/plane/spawn-thread.js';
import { STREAM_WORKER, UDP_WORKER } from '../../build/server/thread-programs.js';

const spawn = spawner(new URL('./misbehaving-worker.mjs', import.meta.url), 64);

export function misbehavingWorkers() {
  /** Of the running threads, by their counters: a thread that is started again has those of the one before. */
  const misdeeds = { udp: new Map(), stream: new Map() };
  const spawnKind = (kind, program) => (data, events) => {
    const misdeed = new Int32Array(new SharedArrayBuffer(4));
    misdeeds[kind].set(data.counters, misdeed);
    return spawn({ ...data, kind, program: program.href, misdeed }, events);
  };
  return {
    spawn: { udp: spawnKind('udp', UDP_WORKER), stream: spawnKind('stream', STREAM_WORKER) },
    misbehave: (kind, number, misdeed) => void Atomics.store([...misdeeds[kind].values()][number], 0, misdeed),
  };
}
