/**
 * The numbers of a row of evidence. Each has an id, which never changes its meaning. Rows are stored and exchanged, also between
 * versions, so an id is not used again, and a block leaves room for labels that come later.
 */
import { Kind, Transport } from '../answer/facts.js';
import { Family, HandshakeEnd, SessionEnd, SessionPath } from '../session/session-end.js';

/** Ids are below this. */
export const MAX_ID = 4096;

/** How a number of two rows becomes one: the sum, or the larger. */
type Merging = 'sum' | 'max';

export interface Block {
  readonly name: string;
  /** The id of its first number; the others follow it in the order of the labels. */
  readonly id: number;
  /** A label that is empty stands for an id that is not used. */
  readonly labels: readonly string[];
  readonly merging: Merging;
}

const namesOf = (table: Readonly<Record<string, number>>): string[] => {
  const names: string[] = [];
  for (const [name, value] of Object.entries(table)) names[value] = name.toLowerCase();
  return Array.from(names, (name) => name ?? '');
};
const indexes = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i));
/** All combinations, the last table fastest; each table has room for `room` names. */
function combined(first: readonly string[], second: readonly string[], room = second.length): string[] {
  return first.flatMap((one) => Array.from({ length: room }, (_, i) => (second[i] ? `${one}.${second[i]}` : '')));
}

export const TRANSPORT_NAMES = namesOf(Transport);
export const PATH_NAMES = namesOf(SessionPath);
export const FAMILY_NAMES = namesOf(Family);
export const KIND_NAMES = namesOf(Kind);
export const END_NAMES = namesOf(SessionEnd);
export const HANDSHAKE_NAMES = namesOf(HandshakeEnd);
/** Buckets of a histogram, in the order of its bounds. The sum stands behind them. */
const BUCKETS = Array.from({ length: 24 }, (_, i) => `b${i}`);
const HISTOGRAM = [...BUCKETS, 'sum'];
const BY_TRANSPORT = combined(TRANSPORT_NAMES, FAMILY_NAMES);
const BY_PATH = combined(PATH_NAMES, FAMILY_NAMES);
/** The buckets of the times until the next handshake, by their upper bounds. */
export const AWAY_BOUNDS = [
  '1 s',
  '10 s',
  '1 min',
  '5 min',
  '15 min',
  '1 h',
  '3 h',
  '6 h',
  '12 h',
  '1 d',
  'more',
] as const;
/** The counts of handshakes that ended in one way (observe/clients/followed-clients.ts). */
export const AFTER = [...AWAY_BOUNDS.map((_, i) => `b${i}`), 'sum', 'ended', 'in_clear', 'beside', ''];
/** Sets of transports by their bits: `none`, `udp`, `tcp`, `udp+tcp` and so on. */
export const SETS = Array.from(
  { length: 1 << TRANSPORT_NAMES.length },
  (_, set) => TRANSPORT_NAMES.filter((_, i) => (set & (1 << i)) !== 0).join('+') || 'none',
);
/** Room for 32 names of a table that grows. */
const ROOM = 32;

const block = (name: string, id: number, labels: readonly string[], merging: Merging = 'sum'): Block => {
  return { name, id, labels, merging };
};

/** All of them; octets, numbers, and times in microseconds. */
export const BLOCKS = {
  /** Seconds that the server ran. */
  seconds: block('seconds', 0, ['running']),
  queries: block('queries', 8, BY_TRANSPORT),
  octetsIn: block('octets_in', 16, BY_TRANSPORT),
  octetsOut: block('octets_out', 24, BY_TRANSPORT),
  truncated: block('truncated', 32, BY_TRANSPORT),
  dropped: block('dropped', 40, TRANSPORT_NAMES),
  padded: block('padded', 44, TRANSPORT_NAMES),
  padding: block('padding_octets', 48, TRANSPORT_NAMES),
  streamIn: block('stream_octets_in', 56, BY_PATH),
  streamOut: block('stream_octets_out', 64, BY_PATH),
  opened: block('sessions_opened', 72, BY_PATH),
  /** Microseconds of CPU. */
  cpu: block('cpu', 80, ['control', 'loader', 'udp', 'stream']),
  /** Microseconds, an estimate by a sample: turns of sessions without handshakes; and handshakes, all of them. */
  work: block('work', 88, [...PATH_NAMES, 'handshakes']),
  upgrades: block('starttls', 96, ['offered', 'upgraded', 'declined']),
  refused: block('connections', 100, ['refused', 'broken']),
  /** Responses that were timed, and the microseconds that they took. */
  timed: block('responses_timed', 104, TRANSPORT_NAMES),
  respond: block('respond', 108, TRANSPORT_NAMES),
  /** Answers that were compared with those over another transport, and those that differed. */
  compared: block('answers_compared', 112, TRANSPORT_NAMES),
  different: block('answers_different', 116, TRANSPORT_NAMES),
  kinds: block('answers', 128, combined(TRANSPORT_NAMES, KIND_NAMES, ROOM)),
  ends: block('sessions_closed', 256, combined(PATH_NAMES, END_NAMES, ROOM)),
  handshakes: block('handshakes', 384, combined(BY_PATH.slice(2), HANDSHAKE_NAMES, ROOM)),
  suites: block('suites', 512, indexes(ROOM)),
  groups: block('groups', 544, indexes(ROOM)),
  hello: block('hello', 576, ['dot', 'named']),
  sessionTimes: block('session_seconds', 640, combined(PATH_NAMES, HISTOGRAM, ROOM)),
  sessionQueries: block('session_queries', 736, combined(PATH_NAMES, HISTOGRAM, ROOM)),
  pauses: block('pauses', 832, combined(PATH_NAMES, HISTOGRAM, ROOM)),
  handshakeTimes: block('handshake_seconds', 928, combined(PATH_NAMES, HISTOGRAM, ROOM)),
  rcodes: block('rcodes', 1024, combined(TRANSPORT_NAMES, indexes(24), ROOM)),
  /** Clients that are followed: their first use of a transport on a day, by the set of the transports before. */
  firstUses: block('first_uses', 1152, combined(SETS, TRANSPORT_NAMES)),
  /** Changes from the transport of a client's message to that of its next one: how often, and how many clients. */
  moves: block('moves', 1216, combined(TRANSPORT_NAMES, TRANSPORT_NAMES)),
  movers: block('clients_moved', 1232, combined(TRANSPORT_NAMES, TRANSPORT_NAMES)),
  /** Clients that tried TLS on a day, tried again later, completed a handshake; and messages and handshakes that could not be followed. */
  tries: block('tries_of_tls', 1248, ['tried', 'again', 'complete', 'not_followed']),
  /** Answers with TC over UDP, and queries on streams that followed. */
  retries: block('truncation', 1252, ['answers', 'tcp', 'starttls', 'tls']),
  /** Handshakes of clients that are followed: by their end, and the times until the next one. */
  after: block('after_handshake', 1280, combined(HANDSHAKE_NAMES, AFTER, AFTER.length)),
  /** Of a sample of sessions that had an answer: the round trip, and the time until the first answer. */
  roundTrips: block('round_trips', 1536, combined(PATH_NAMES, HISTOGRAM, ROOM)),
  firstAnswers: block('first_answers', 1632, combined(PATH_NAMES, HISTOGRAM, ROOM)),
  /** The most at the end of a minute. */
  open: block('sessions_open', 2048, PATH_NAMES, 'max'),
  memory: block('memory', 2052, ['resident'], 'max'),
  /** Seconds for which clients were followed; and the number of clients of which one is followed. */
  followed: block('followed', 2056, ['seconds', 'one_in'], 'max'),
} as const satisfies Readonly<Record<string, Block>>;

const NAMES = new Map<number, string>();
const IDS = new Map<string, number>();
const MAXIMA = new Set<number>();
for (const { name, id, labels, merging } of Object.values(BLOCKS)) {
  for (const [index, label] of labels.entries()) {
    if (label === '') continue;
    NAMES.set(id + index, `${name}.${label}`);
    IDS.set(`${name}.${label}`, id + index);
    if (merging === 'max') MAXIMA.add(id + index);
  }
}

/** The name of a number, such as `queries.udp.ipv4`; undefined: this version knows none. */
export function nameOf(id: number): string | undefined {
  return NAMES.get(id);
}

export function idOf(name: string): number | undefined {
  return IDS.get(name);
}

export function isMaximum(id: number): boolean {
  return MAXIMA.has(id);
}

export function isCpu(id: number): boolean {
  return id >= BLOCKS.cpu.id && id < BLOCKS.cpu.id + BLOCKS.cpu.labels.length;
}

/** Where a histogram has its sum, behind its first bucket. */
export const SUM_AT = BUCKETS.length;
/** Ids from one histogram, or table that grows, to the next. */
export const STRIDE = ROOM;
