/** The counts of a server as the numbers of a row of evidence (report/measures.ts): all since the start, and the difference of two. */
import { Kind, Transport } from '../../answer/facts.js';
import { Followed } from '../../observe/clients/followed-clients.js';
import { Flag, RCODES } from '../../observe/counters/counter-layout.js';
import type { Counters } from '../../observe/counters/counters.js';
import type { HistogramValue } from '../../observe/counters/histogram-buckets.js';
import { GROUPS, SUITES } from '../../observe/counters/tls-suites.js';
import { BLOCKS, type Block, isMaximum, STRIDE, SUM_AT } from '../../report/measures.js';
import { Family, HandshakeEnd, SessionEnd, SessionEvent, SessionPath } from '../../session/session-end.js';
import { WORK_SAMPLE } from '../../transport/epoll/stream-loop.js';
import { TransportEvent } from '../../transport/transport.js';

/** Numbers by id. */
export type Cells = Map<number, number>;

/** Seconds of CPU by kind of thread, and octets of resident memory. */
interface ProcessUse {
  readonly cpu: Readonly<Record<'control' | 'loader' | 'udp' | 'stream', number>>;
  readonly memory: number;
  /** Seconds that the server has run. */
  readonly running: number;
}

const MICROSECONDS = 1e6;
const FAMILIES = Object.values(Family);
const TRANSPORTS = Object.values(Transport);
const PATHS = Object.values(SessionPath);

/** All that was counted since the start. */
export function countedCells(counters: Counters, { cpu, memory, running }: ProcessUse): Cells {
  const cells: Cells = new Map();
  const put = ({ id }: Block, index: number, value: number): void => {
    cells.set(id + index, Math.round(value));
  };
  put(BLOCKS.seconds, 0, running);
  for (const transport of TRANSPORTS) putTransport(put, counters, transport);
  for (const path of PATHS) putPath(put, counters, path);
  putHandshakes(put, counters);
  for (const [index, seconds] of [cpu.control, cpu.loader, cpu.udp, cpu.stream].entries())
    put(BLOCKS.cpu, index, seconds * MICROSECONDS);
  put(BLOCKS.work, PATHS.length, counters.handshakeWork * MICROSECONDS);
  for (const event of [SessionEvent.UPGRADE_OFFERED, SessionEvent.UPGRADED, SessionEvent.UPGRADE_DECLINED])
    put(BLOCKS.upgrades, event, counters.sessionEvents(event));
  put(BLOCKS.refused, 0, counters.events(TransportEvent.TCP_REFUSED));
  put(BLOCKS.refused, 1, counters.events(TransportEvent.TCP_ERROR));
  put(BLOCKS.memory, 0, memory);
  putFollowed(put, counters.followed);
  return cells;
}

type Put = (block: Block, index: number, value: number) => void;

function putTransport(put: Put, counters: Counters, transport: Transport): void {
  for (const family of FAMILIES) {
    const index = transport * FAMILIES.length + family;
    const flagged = (flag: number): number => {
      const byIpv6 = counters.flagged(transport, flag | Flag.IPV6);
      return family === Family.IPV6 ? byIpv6 : counters.flagged(transport, flag) - byIpv6;
    };
    put(BLOCKS.queries, index, flagged(0));
    put(BLOCKS.truncated, index, flagged(Flag.TRUNCATED));
    put(BLOCKS.octetsIn, index, counters.asked(transport, family));
    put(BLOCKS.octetsOut, index, counters.answered(transport, family));
  }
  put(BLOCKS.dropped, transport, counters.kind(transport, Kind.DROPPED));
  put(BLOCKS.padded, transport, counters.padded(transport));
  put(BLOCKS.padding, transport, counters.padding(transport));
  const { compared, different } = counters.comparisons(transport);
  put(BLOCKS.compared, transport, compared);
  put(BLOCKS.different, transport, different);
  const times = counters.respondTimes(transport);
  put(BLOCKS.timed, transport, countOf(times));
  put(BLOCKS.respond, transport, times.sum * MICROSECONDS);
  for (const kind of Object.values(Kind)) put(BLOCKS.kinds, transport * STRIDE + kind, counters.kind(transport, kind));
  for (let rcode = 0; rcode < RCODES; rcode++)
    put(BLOCKS.rcodes, transport * STRIDE + rcode, counters.rcode(transport, rcode));
}

function putPath(put: Put, counters: Counters, path: SessionPath): void {
  for (const family of FAMILIES) {
    const index = path * FAMILIES.length + family;
    put(BLOCKS.streamIn, index, counters.received(path, family));
    put(BLOCKS.streamOut, index, counters.sent(path, family));
    put(BLOCKS.opened, index, counters.opened(path, family));
    if (path === SessionPath.TCP) continue;
    const block = (index - FAMILIES.length) * STRIDE;
    for (const end of Object.values(HandshakeEnd))
      put(BLOCKS.handshakes, block + end, counters.handshakes(path, end, family));
  }
  put(BLOCKS.open, path, counters.open(path));
  put(BLOCKS.work, path, counters.work(path).seconds * WORK_SAMPLE * MICROSECONDS);
  for (const end of Object.values(SessionEnd)) put(BLOCKS.ends, path * STRIDE + end, counters.ends(path, end));
  const at = path * STRIDE;
  putHistogram(put, BLOCKS.sessionTimes, at, counters.sessionTimes(path), MICROSECONDS);
  putHistogram(put, BLOCKS.sessionQueries, at, counters.sessionQueries(path), 1);
  putHistogram(put, BLOCKS.pauses, at, counters.pauses(path), MICROSECONDS);
  putHistogram(put, BLOCKS.roundTrips, at, counters.roundTrips(path), MICROSECONDS);
  putHistogram(put, BLOCKS.firstAnswers, at, counters.firstAnswers(path), MICROSECONDS);
  putHistogram(put, BLOCKS.handshakeTimes, at, counters.handshakeTimes(path), MICROSECONDS);
}

/** Sums of the counts of both paths inside TLS. */
function putHandshakes(put: Put, counters: Counters): void {
  const inside = [SessionPath.STARTTLS, SessionPath.TLS];
  const sum = (read: (one: SessionPath) => number): number => inside.reduce((all, one) => all + read(one), 0);
  for (const index of SUITES.keys())
    put(
      BLOCKS.suites,
      index,
      sum((one) => counters.suites(one, index)),
    );
  for (const index of GROUPS.keys())
    put(
      BLOCKS.groups,
      index,
      sum((one) => counters.groups(one, index)),
    );
  put(
    BLOCKS.hello,
    0,
    sum((one) => counters.dot(one)),
  );
  put(
    BLOCKS.hello,
    1,
    sum((one) => counters.named(one)),
  );
}

function putFollowed(put: Put, words: Float64Array): void {
  const blocks = [
    [BLOCKS.firstUses, Followed.FIRST_USES],
    [BLOCKS.moves, Followed.MOVES],
    [BLOCKS.movers, Followed.MOVERS],
    [BLOCKS.tries, Followed.TRIES],
    [BLOCKS.retries, Followed.RETRIES],
    [BLOCKS.after, Followed.AFTER],
  ] as const;
  for (const [block, at] of blocks)
    for (const [index, label] of block.labels.entries()) if (label !== '') put(block, index, words[at + index]!);
}

function putHistogram(put: Put, block: Block, at: number, { counts, sum }: HistogramValue, scale: number): void {
  for (const [bucket, count] of counts.entries()) put(block, at + bucket, count);
  put(block, at + SUM_AT, sum * scale);
}

function countOf({ counts }: HistogramValue): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/** The counts between two moments; none is negative, and those that are 0 are left out. Maxima are those of the later moment. */
export function cellsBetween(before: ReadonlyMap<number, number>, after: ReadonlyMap<number, number>): Cells {
  const cells: Cells = new Map();
  for (const [id, value] of after) {
    const change = isMaximum(id) ? value : value - (before.get(id) ?? 0);
    if (change > 0) cells.set(id, change);
  }
  return cells;
}
