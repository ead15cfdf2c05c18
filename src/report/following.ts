/**
 * The figures of clients that were followed (observe/clients/followed-clients.ts): which transports they use, how they move from one to
 * another, whether those that tried TLS come back to it, after which failures they stay away and how long, and which queries follow an
 * answer with TC.
 */
import { type Cells, type Counts, numberAt, ratio } from './cell-reading.js';
import { AFTER, AWAY_BOUNDS, BLOCKS, HANDSHAKE_NAMES, SETS, TRANSPORT_NAMES } from './measures.js';

export interface Following {
  /** Seconds: the longest time for which clients were followed; a day at most, since their hashes have another key on the next day. */
  readonly window: number;
  /** 1 client in this many was followed at last. */
  readonly one_in: number;
  /** Messages and handshakes of clients for whom there was no place. */
  readonly not_followed: number;
  /** Clients by the transports that they used on a day, such as `udp+tls`; those of UDP alone are in `clients` only. */
  readonly used: Counts;
  readonly moves: readonly Move[];
  /** Clients on a day: that tried TLS, completed a handshake, and began another one later. */
  readonly tried_tls: number;
  readonly completed_tls: number;
  readonly came_back_to_tls: number;
  /** By the end of the handshake, such as `full` or `alert`; ends that did not occur are left out. */
  readonly after_handshakes: Readonly<Record<string, AfterHandshakes>>;
  readonly truncation: Truncation;
}

/** From the transport of one message to that of the client's next one. */
interface Move {
  readonly from: string;
  readonly to: string;
  readonly times: number;
  /** Those that did so at least once on a day. */
  readonly clients: number;
}

interface AfterHandshakes {
  /** Handshakes that ended so. */
  readonly handshakes: number;
  /** Handshakes after which the client has asked in the clear. */
  readonly asked_in_clear: number;
  /** Handshakes after which the client began another one, later. */
  readonly came_back: number;
  /** The latter, by the upper bound of the time until then: `10 s`, `1 h`. */
  readonly came_back_within: Counts;
  readonly mean_seconds_away: number | null;
  /** Handshakes that ended while others of the client were under way: nobody stayed away. */
  readonly beside_others: number;
  /** Handshakes after which the client did not come back on this day, or has not come back yet. */
  readonly away: number;
}

interface Truncation {
  /** Answers with TC over UDP to clients that are followed. */
  readonly answers: number;
  /** Queries of the same client over `tcp`, `starttls` and `tls` that followed one within ten seconds. */
  readonly retried: Counts;
  /** Answers that none has followed. */
  readonly not_retried: number;
}

export function followingOf(cells: Cells): Following {
  const { firstUses, moves, movers, tries, followed } = BLOCKS;
  const [tried, again, complete, notFollowed] = tries.labels.map((_, i) => numberAt(cells, tries, i));
  return {
    window: numberAt(cells, followed),
    one_in: Math.max(1, numberAt(cells, followed, 1)),
    not_followed: notFollowed!,
    used: usedTransports((index) => numberAt(cells, firstUses, index)),
    moves: moves.labels.flatMap((label, i) => {
      const times = numberAt(cells, moves, i);
      const [from = '', to = ''] = label.split('.');
      return times === 0 ? [] : [{ from, to, times, clients: numberAt(cells, movers, i) }];
    }),
    tried_tls: tried!,
    completed_tls: complete!,
    came_back_to_tls: again!,
    after_handshakes: Object.fromEntries(
      HANDSHAKE_NAMES.flatMap((name, end) => {
        const after = afterHandshakes(cells, end);
        return after.handshakes === 0 ? [] : [[name, after] as const];
      }),
    ),
    truncation: truncationOf(cells),
  };
}

/** Clients that used a set of transports and no other: those that came to it, less those that went on to a larger one. */
function usedTransports(firstUse: (index: number) => number): Counts {
  const transports = TRANSPORT_NAMES.length;
  const used = SETS.map((name, set) => {
    let clients = 0;
    for (const bit of TRANSPORT_NAMES.keys()) {
      const isIn = (set & (1 << bit)) !== 0;
      clients += isIn ? firstUse((set & ~(1 << bit)) * transports + bit) : -firstUse(set * transports + bit);
    }
    return [name, clients] as const;
  });
  // Clients of UDP alone are not counted. Those that went on from there make that number negative.
  return Object.fromEntries(used.filter(([, clients]) => clients > 0));
}

function afterHandshakes(cells: Cells, end: number): AfterHandshakes {
  const at = (label: string): number => numberAt(cells, BLOCKS.after, end * AFTER.length + AFTER.indexOf(label));
  const within = AWAY_BOUNDS.map((bound, bucket) => [bound, at(`b${bucket}`)] as const);
  const cameBack = within.reduce((sum, [, count]) => sum + count, 0);
  return {
    handshakes: at('ended'),
    asked_in_clear: at('in_clear'),
    came_back: cameBack,
    came_back_within: Object.fromEntries(within.filter(([, count]) => count > 0)),
    mean_seconds_away: ratio(at('sum'), cameBack),
    beside_others: at('beside'),
    // If a report begins in the middle of a day, it knows of some clients only that they came back.
    away: Math.max(0, at('ended') - cameBack - at('beside')),
  };
}

function truncationOf(cells: Cells): Truncation {
  const [answers, ...counts] = BLOCKS.retries.labels.map((_, i) => numberAt(cells, BLOCKS.retries, i));
  const names = BLOCKS.retries.labels.slice(1);
  return {
    answers: answers!,
    retried: Object.fromEntries(names.map((name, i) => [name, counts[i]!] as const).filter(([, count]) => count > 0)),
    not_retried: Math.max(0, answers! - counts.reduce((sum, count) => sum + count, 0)),
  };
}
