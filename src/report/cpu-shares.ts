/** The parts of the CPU of the answering threads that each transport, and handshakes, have used. */
import { type Cells, numberAt } from './cell-reading.js';
import { BLOCKS, PATH_NAMES } from './measures.js';

/** Microseconds of CPU of the answering threads, by their work; undefined: not known. */
export interface CpuShares {
  /** By transport, without handshakes. */
  readonly transports: readonly (number | undefined)[];
  readonly handshakes: number | undefined;
}

/** Microseconds: with less CPU than this, the clock of the system, which counts hundredths of a second, tells too little. */
const LEAST_CPU = 500_000;
/** Kinds of threads in BLOCKS.cpu. */
const UDP = 2;
const STREAMS = 3;

/**
 * The CPU of the threads for UDP is that of UDP. That of the threads for streams is divided in proportion to the time that sessions of each
 * path took there, of which some turns are timed, and by the time of handshakes, all of which are timed. So waking up and accepting is
 * divided alike.
 */
export function cpuShares(cells: Cells): CpuShares {
  const [udp, streams] = [numberAt(cells, BLOCKS.cpu, UDP), numberAt(cells, BLOCKS.cpu, STREAMS)];
  const work = BLOCKS.work.labels.map((_, i) => numberAt(cells, BLOCKS.work, i));
  const all = work.reduce((sum, one) => sum + one, 0);
  const share = (index: number): number | undefined =>
    all > 0 && streams >= LEAST_CPU ? (streams * work[index]!) / all : undefined;
  return {
    transports: [udp >= LEAST_CPU ? udp : undefined, ...PATH_NAMES.map((_, path) => share(path))],
    handshakes: share(PATH_NAMES.length),
  };
}
