/** The figures of a report: computed from the numbers of a time and of any number of servers. */
import { type Cells, type Counts, countsOf, MICROSECONDS, numberAt, ofFamilies, ratio } from './cell-reading.js';
import { type CpuShares, cpuShares } from './cpu-shares.js';
import { type Following, followingOf } from './following.js';
import { completeHandshakes, type HandshakeFigures, handshakeFigures } from './handshake-figures.js';
import { BLOCKS, type Block, END_NAMES, KIND_NAMES, PATH_NAMES, STRIDE, SUM_AT, TRANSPORT_NAMES } from './measures.js';

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
  /** Answers that were made again as for another transport and compared, and those that were not the same. */
  readonly compared: number;
  readonly different: number;
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
  /** Seconds, of a sample: the round trip of TCP, and the time from the connection, or its upgrade, until the first answer. */
  readonly mean_round_trip: number | null;
  readonly mean_first_answer: number | null;
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
  readonly following: Following;
}

/** Ends of sessions that are the client's doing; all others are the server's. */
const BY_CLIENT: readonly string[] = ['client', 'broken', 'handshake_failed', 'malformed', 'plaintext'];
/** It is no end of a connection. */
const GOES_ON = 'upgraded';
/** The paths inside TLS. */
const INSIDE = PATH_NAMES.slice(1);
const IPV4 = 0;
const IPV6 = 1;

export function figuresOf(cells: Cells): Figures {
  const queries = TRANSPORT_NAMES.reduce((sum, _, transport) => sum + ofFamilies(cells, BLOCKS.queries, transport), 0);
  const cpu = cpuShares(cells);
  return {
    queries,
    seconds: numberAt(cells, BLOCKS.seconds),
    transports: byName(TRANSPORT_NAMES, (transport) => transportFigures(cells, transport, queries, cpu)),
    paths: byName(PATH_NAMES, (path) => pathFigures(cells, path)),
    handshakes: byName(INSIDE, (index) => handshakeFigures(cells, index + 1)),
    alpn_dot: numberAt(cells, BLOCKS.hello),
    server_name: numberAt(cells, BLOCKS.hello, 1),
    starttls: countsOf(cells, BLOCKS.upgrades, 0, BLOCKS.upgrades.labels),
    connections_refused: numberAt(cells, BLOCKS.refused),
    cpu: byName(BLOCKS.cpu.labels, (thread) => numberAt(cells, BLOCKS.cpu, thread) / MICROSECONDS),
    cpu_per_handshake: ratio(cpu.handshakes, completeHandshakes(cells)),
    memory: numberAt(cells, BLOCKS.memory),
    following: followingOf(cells),
  };
}

function transportFigures(cells: Cells, transport: number, all: number, cpu: CpuShares): TransportFigures {
  const queries = ofFamilies(cells, BLOCKS.queries, transport);
  const own = cpu.transports[transport];
  const path = transport - 1;
  const handshakes =
    path < 1 || cpu.handshakes === undefined
      ? 0
      : cpu.handshakes * (completeHandshakes(cells, path) / Math.max(1, completeHandshakes(cells)));
  return {
    queries,
    share: all > 0 ? queries / all : 0,
    ipv4: ofFamilies(cells, BLOCKS.queries, transport, IPV4),
    ipv6: ofFamilies(cells, BLOCKS.queries, transport, IPV6),
    octets_in: ofFamilies(cells, BLOCKS.octetsIn, transport),
    octets_out: ofFamilies(cells, BLOCKS.octetsOut, transport),
    truncated: ofFamilies(cells, BLOCKS.truncated, transport),
    padded: numberAt(cells, BLOCKS.padded, transport),
    padding_octets: numberAt(cells, BLOCKS.padding, transport),
    compared: numberAt(cells, BLOCKS.compared, transport),
    different: numberAt(cells, BLOCKS.different, transport),
    answers: countsOf(cells, BLOCKS.kinds, transport * STRIDE, KIND_NAMES),
    cpu_per_query: ratio(own, queries),
    cpu_per_query_with_handshakes: ratio(own === undefined ? undefined : own + handshakes, queries),
  };
}

function pathFigures(cells: Cells, path: number): PathFigures {
  const ends = Object.entries(countsOf(cells, BLOCKS.ends, path * STRIDE, END_NAMES)).filter(
    ([end]) => end !== GOES_ON,
  );
  const mean = (block: Block, scale: number): number | null => {
    const from = path * STRIDE;
    let count = 0;
    for (let bucket = 0; bucket < SUM_AT; bucket++) count += numberAt(cells, block, from + bucket);
    return ratio(numberAt(cells, block, from + SUM_AT) / scale, count);
  };
  return {
    opened: ofFamilies(cells, BLOCKS.opened, path),
    ipv4: ofFamilies(cells, BLOCKS.opened, path, IPV4),
    ipv6: ofFamilies(cells, BLOCKS.opened, path, IPV6),
    octets_in: ofFamilies(cells, BLOCKS.streamIn, path),
    octets_out: ofFamilies(cells, BLOCKS.streamOut, path),
    closed_by_client: Object.fromEntries(ends.filter(([end]) => BY_CLIENT.includes(end))),
    closed_by_server: Object.fromEntries(ends.filter(([end]) => !BY_CLIENT.includes(end))),
    queries_per_session: mean(BLOCKS.sessionQueries, 1),
    seconds_per_session: mean(BLOCKS.sessionTimes, MICROSECONDS),
    mean_pause: mean(BLOCKS.pauses, MICROSECONDS),
    mean_round_trip: mean(BLOCKS.roundTrips, MICROSECONDS),
    mean_first_answer: mean(BLOCKS.firstAnswers, MICROSECONDS),
  };
}

function byName<T>(names: readonly string[], read: (index: number) => T): Record<string, T> {
  return Object.fromEntries(names.map((name, index) => [name, read(index)]));
}
