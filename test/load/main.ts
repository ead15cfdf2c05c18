/**
 * node scripts/run-ts.mjs test/load/main.ts [--sessions N] [--stalled N] [--slow N] [--kind tls|starttls|tcp] [--idle SECONDS]
 *
 * Opens many sessions to a server of its own and lets them idle out (10,000 by default; a process may have no more
 * descriptors than `ulimit -n`); then as many stalled handshakes and slow readers at once (2,000 each). Prints memory and
 * descriptors; exit status 1 when something was not answered or is not given back. Needs dist/ to be built.
 */
import { parseArgs } from 'node:util';
import type { SessionKind } from './client.js';
import { openSessions, readSlowly, stallHandshakes, until, witness } from './scenarios.js';
import { type LoadServer, residentOctets, startLoadServer } from './server.js';

const { values } = parseArgs({
  options: {
    sessions: { type: 'string', default: '10000' },
    stalled: { type: 'string', default: '2000' },
    slow: { type: 'string', default: '2000' },
    kind: { type: 'string' },
    idle: { type: 'string', default: '60' },
    rounds: { type: 'string', default: '2' },
  },
});
const CONFIG = `sessions: { max: 19000, idle_timeout: ${values.idle}, idle_timeout_min: ${values.idle} }\nlog: { level: warn }\n`;
/** Octets that the heap may have grown by when all sessions are gone: lists that were long once. */
const SLACK = 2_000_000;

const mebi = (octets: number): string => `${(octets / 1048576).toFixed(1)} MiB`;

async function idle(server: LoadServer, count: number, kind: SessionKind | undefined): Promise<boolean> {
  const began = performance.now();
  const before = await server.memory();
  const resident = residentOctets(server.pid);
  const clients = await openSessions(count, server, kind);
  const opened = (performance.now() - began) / 1000;
  const idling = residentOctets(server.pid);
  const during = await server.memory();
  const swept = residentOctets(server.pid);
  const per = (octets: number): string => `${((octets - resident) / count / 1024).toFixed(1)} KiB`;
  console.log(
    `${count} sessions in ${opened.toFixed(1)} s; each: resident ${per(idling)} (${per(swept)} after a collection), ` +
      `heap ${((during.heapUsed - before.heapUsed) / count).toFixed(0)} octets`,
  );
  const open = server.descriptors();
  const gone = await until(() => clients.every(({ socket }) => socket.closed), 120_000);
  const clean = clients.filter(({ ended, broken }) => ended && !broken).length;
  return (await givenBack(server, before)) && gone && clean === count && open >= count;
}

async function givenBack(server: LoadServer, before: NodeJS.MemoryUsage): Promise<boolean> {
  const closed = await until(() => server.descriptors() <= descriptors, 120_000);
  const after = await server.memory();
  const grown = after.heapUsed + after.external - before.heapUsed - before.external;
  console.log(
    `afterwards: heap grown by ${mebi(grown)}, ${server.descriptors()} descriptors (${descriptors} at first), ` +
      `resident ${mebi(residentOctets(server.pid))}`,
  );
  return closed && grown < SLACK;
}

async function press(server: LoadServer, stalled: number, slow: number): Promise<boolean> {
  const before = await server.memory();
  let most = 0;
  const { asked, slowest, failures } = await witness(server, async () => {
    const ends = await Promise.all([stallHandshakes(stalled, server), readSlowly(slow, server)]);
    for (let look = 0; look < 40; look++) {
      await until(() => false, 100);
      most = Math.max(most, residentOctets(server.pid));
    }
    for (const end of ends) end();
  });
  console.log(
    `${stalled} stalled handshakes, ${slow} slow readers: ${asked} questions of another client, ` +
      `${failures.length} failed, the slowest took ${slowest.toFixed(0)} ms; resident at most ${mebi(most)} ` +
      `(${mebi(before.rss)} before)`,
  );
  for (const failure of failures.slice(0, 5)) console.log(failure);
  return (await givenBack(server, before)) && failures.length === 0;
}

await using server = await startLoadServer({ config: CONFIG });
await Promise.all((await openSessions(200, server)).map((client) => client.close()));
await until(() => false, 500);
const descriptors = server.descriptors();
let sound = true;
for (let round = 0; round < Number(values.rounds); round++) {
  sound = (await idle(server, Number(values.sessions), values.kind as SessionKind | undefined)) && sound;
}
for (let round = 0; round < Number(values.rounds); round++) {
  sound = (await press(server, Number(values.stalled), Number(values.slow))) && sound;
}
console.log(sound ? 'everything was answered and given back' : 'something was lost or kept');
process.exitCode = sound ? 0 : 1;
