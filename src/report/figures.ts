/** The figures of a report: what the numbers of a time, and of any number of servers, come to. */
import {
  BLOCKS,
  type Block,
  END_NAMES,
  FAMILY_NAMES,
  HANDSHAKE_NAMES,
  KIND_NAMES,
  PATH_NAMES,
  STRIDE,
  SUM_AT,
  TRANSPORT_NAMES,
} from './measures.js';

type Cells = ReadonlyMap<number, number>;
type Counts = Readonly<Record<string, number>>;

/** Of one transport. Octets are those of DNS messages alone. */
interface TransportFigures {
  readonly queries: number;
  /** Of all queries, 0 to 1. */
  readonly share: number;
  readonly ipv4: number;
  readonly ipv6: number;
  readonly octets_in: number;
  readonly octets_out: number;
  readonly truncated: number;
  readonly padded: number;
  readonly padding_octets: number;
  /** By kind of answer, such as `nxdomain`; those of 0 are left out. */
  readonly answers: Counts;
  /** Microseconds of CPU a query without handshakes, and with them; null: it is not known. */
  readonly cpu_per_query: number | null;
  readonly cpu_per_query_with_handshakes: number | null;
}

/** Of the sessions of one path. */
interface PathFigures {
  readonly opened: number;
  readonly ipv4: number;
  readonly ipv6: number;
  /** Octets of TCP's payload; on `starttls` and `tls` they are records of TLS. */
  readonly octets_in: number;
  readonly octets_out: number;
  readonly closed_by_client: Counts;
  readonly closed_by_server: Counts;
  /** Means of sessions that have ended; null: there are none. */
  readonly queries_per_session: number | null;
  readonly seconds_per_session: number | null;
  /** Seconds between queries of a session. */
  readonly mean_pause: number | null;
}

interface HandshakeFigures {
  readonly full: number;
  readonly resumed: number;
  readonly failed: number;
  /** Why; connections that closed without an octet are `nothing_sent`, and do not count as failed. */
  readonly failures: Counts;
  readonly mean_seconds: number | null;
}

export interface Figures {
  readonly queries: number;
  /** Seconds that servers ran, added up. */
  readonly seconds: number;
  readonly transports: Readonly<Record<string, TransportFigures>>;
  readonly paths: Readonly<Record<string, PathFigures>>;
  readonly handshakes: Readonly<Record<string, HandshakeFigures>>;
  /** Of all complete handshakes. */
  readonly alpn_dot: number;
  readonly server_name: number;
  readonly starttls: Counts;
  readonly connections_refused: number;
  /** Seconds of CPU by kind of thread. */
  readonly cpu: Counts;
  /** Microseconds of CPU a handshake; null: it is not known. */
  readonly cpu_per_handshake: number | null;
  /** Octets of resident memory: the most. */
  readonly memory: number;
}

/** Microseconds: with less CPU than this, the clock of the system, which counts hundredths of a second, tells too little. */
const LEAST_CPU = 500_000;
/** Ends of sessions that are the client's doing; all others are the server's. */
const BY_CLIENT: readonly string[] = ['client', 'broken', 'handshake_failed', 'malformed', 'plaintext'];
/** It is no end of a connection. */
const GOES_ON = 'upgraded';
const COMPLETE: readonly string[] = ['full', 'resumed'];
const NOTHING_SENT = 'nothing_sent';
const FAMILIES = FAMILY_NAMES.length;
const MICROSECONDS = 1e6;

export function figuresOf(cells: Cells): Figures {
  const at = ({ id }: Block, index = 0): number => cells.get(id + index) ?? 0;
  const queries = TRANSPORT_NAMES.reduce(
    (sum, _, transport) => sum + bothFamilies(cells, BLOCKS.queries, transport),
    0,
  );
  const cpu = cpuOf(cells);
  const transports = TRANSPORT_NAMES.map((_, transport) => transportFigures(cells, transport, queries, cpu));
  return {
    queries,
    seconds: at(BLOCKS.seconds),
    transports: byName(TRANSPORT_NAMES, transports),
    paths: byName(
      PATH_NAMES,
      PATH_NAMES.map((_, path) => pathFigures(cells, path)),
    ),
    handshakes: byName(
      PATH_NAMES.slice(1),
      PATH_NAMES.slice(1).map((_, i) => handshakeFigures(cells, i + 1)),
    ),
    alpn_dot: at(BLOCKS.hello),
    server_name: at(BLOCKS.hello, 1),
    starttls: countsOf(cells, BLOCKS.upgrades, 0, BLOCKS.upgrades.labels),
    connections_refused: at(BLOCKS.refused),
    cpu: Object.fromEntries(BLOCKS.cpu.labels.map((name, i) => [name, at(BLOCKS.cpu, i) / MICROSECONDS])),
    cpu_per_handshake: ratio(cpu.handshakes, handshakesComputed(cells)),
    memory: at(BLOCKS.memory),
  };
}

/** Microseconds of CPU of the answering threads by what they did, without handshakes, and in handshakes; undefined: not known. */
interface CpuShares {
  /** By transport. */
  readonly transports: readonly (number | undefined)[];
  readonly handshakes: number | undefined;
}

/**
 * The CPU of the threads for UDP is that of UDP. That of the threads for streams is divided by the time that sessions of each path took
 * there, of which some turns are timed, and by the time of handshakes, all of which are timed. So waking up and accepting is divided alike.
 */
function cpuOf(cells: Cells): CpuShares {
  const at = ({ id }: Block, index: number): number => cells.get(id + index) ?? 0;
  const [udp, streams] = [at(BLOCKS.cpu, 2), at(BLOCKS.cpu, 3)];
  const work = BLOCKS.work.labels.map((_, i) => at(BLOCKS.work, i));
  const all = work.reduce((sum, one) => sum + one, 0);
  const share = (index: number): number | undefined =>
    all > 0 && streams >= LEAST_CPU ? (streams * work[index]!) / all : undefined;
  return {
    transports: [udp >= LEAST_CPU ? udp : undefined, ...PATH_NAMES.map((_, path) => share(path))],
    handshakes: share(PATH_NAMES.length),
  };
}

function transportFigures(cells: Cells, transport: number, all: number, cpu: CpuShares): TransportFigures {
  const at = ({ id }: Block, index: number): number => cells.get(id + index) ?? 0;
  const queries = bothFamilies(cells, BLOCKS.queries, transport);
  const own = cpu.transports[transport];
  const path = transport - 1;
  const handshakes =
    path < 1 || cpu.handshakes === undefined
      ? 0
      : cpu.handshakes * (computedOf(cells, path) / Math.max(1, handshakesComputed(cells)));
  return {
    queries,
    share: all > 0 ? queries / all : 0,
    ipv4: at(BLOCKS.queries, transport * FAMILIES),
    ipv6: at(BLOCKS.queries, transport * FAMILIES + 1),
    octets_in: bothFamilies(cells, BLOCKS.octetsIn, transport),
    octets_out: bothFamilies(cells, BLOCKS.octetsOut, transport),
    truncated: bothFamilies(cells, BLOCKS.truncated, transport),
    padded: at(BLOCKS.padded, transport),
    padding_octets: at(BLOCKS.padding, transport),
    answers: countsOf(cells, BLOCKS.kinds, transport * STRIDE, KIND_NAMES),
    cpu_per_query: ratio(own, queries),
    cpu_per_query_with_handshakes: ratio(own === undefined ? undefined : own + handshakes, queries),
  };
}

function pathFigures(cells: Cells, path: number): PathFigures {
  const at = ({ id }: Block, index: number): number => cells.get(id + index) ?? 0;
  const ends = Object.entries(countsOf(cells, BLOCKS.ends, path * STRIDE, END_NAMES)).filter(
    ([end]) => end !== GOES_ON,
  );
  const mean = (block: Block, scale: number): number | null => {
    const from = path * STRIDE;
    let count = 0;
    for (let bucket = 0; bucket < SUM_AT; bucket++) count += at(block, from + bucket);
    return count === 0 ? null : at(block, from + SUM_AT) / scale / count;
  };
  return {
    opened: bothFamilies(cells, BLOCKS.opened, path),
    ipv4: at(BLOCKS.opened, path * FAMILIES),
    ipv6: at(BLOCKS.opened, path * FAMILIES + 1),
    octets_in: bothFamilies(cells, BLOCKS.streamIn, path),
    octets_out: bothFamilies(cells, BLOCKS.streamOut, path),
    closed_by_client: Object.fromEntries(ends.filter(([end]) => BY_CLIENT.includes(end))),
    closed_by_server: Object.fromEntries(ends.filter(([end]) => !BY_CLIENT.includes(end))),
    queries_per_session: mean(BLOCKS.sessionQueries, 1),
    seconds_per_session: mean(BLOCKS.sessionTimes, MICROSECONDS),
    mean_pause: mean(BLOCKS.pauses, MICROSECONDS),
  };
}

/** Handshakes of a path by how they ended, both families together. */
function endsOfHandshakes(cells: Cells, path: number): Counts {
  const first = (path - 1) * FAMILIES;
  const [one, other] = [first, first + 1].map((i) => countsOf(cells, BLOCKS.handshakes, i * STRIDE, HANDSHAKE_NAMES));
  const names = HANDSHAKE_NAMES.filter((name) => one?.[name] !== undefined || other?.[name] !== undefined);
  return Object.fromEntries(names.map((name) => [name, (one?.[name] ?? 0) + (other?.[name] ?? 0)]));
}

function handshakeFigures(cells: Cells, path: number): HandshakeFigures {
  const { full = 0, resumed = 0, ...failures } = endsOfHandshakes(cells, path);
  const { [NOTHING_SENT]: _, ...failed } = failures;
  const sum = cells.get(BLOCKS.handshakeTimes.id + path * STRIDE + SUM_AT) ?? 0;
  return {
    full,
    resumed,
    failed: Object.values(failed).reduce((all, count) => all + count, 0),
    failures,
    mean_seconds: full + resumed > 0 ? sum / MICROSECONDS / (full + resumed) : null,
  };
}

/** Complete handshakes of a path. Those that fail are computed in part; they are few, or nothing is as usual. */
function computedOf(cells: Cells, path: number): number {
  const ends = endsOfHandshakes(cells, path);
  return COMPLETE.reduce((sum, name) => sum + (ends[name] ?? 0), 0);
}

function handshakesComputed(cells: Cells): number {
  return PATH_NAMES.slice(1).reduce((sum, _, i) => sum + computedOf(cells, i + 1), 0);
}

function bothFamilies(cells: Cells, { id }: Block, index: number): number {
  return FAMILY_NAMES.reduce((sum, _, family) => sum + (cells.get(id + index * FAMILIES + family) ?? 0), 0);
}

/** The numbers from `from` on that are not 0, by name. */
function countsOf(cells: Cells, { id }: Block, from: number, names: readonly string[]): Counts {
  const counts = names.map((name, i) => [name, cells.get(id + from + i) ?? 0] as const);
  return Object.fromEntries(counts.filter(([name, count]) => name !== '' && count > 0));
}

function ratio(value: number | undefined, count: number): number | null {
  return value === undefined || count === 0 ? null : value / count;
}

function byName<T>(names: readonly string[], values: readonly T[]): Record<string, T> {
  return Object.fromEntries(names.map((name, i) => [name, values[i]!]));
}
