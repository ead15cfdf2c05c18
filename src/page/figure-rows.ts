/** Rows of the tables of figures: their texts, without the page that shows them. */
import { type Point, PointColumn, type RunningOverview } from './contract.js';
import { countText, microsecondsText, numberText, octetsText, rateText, shareText, shortTimeText } from './format.js';
import { rateNow } from './points.js';
import type { Row } from './table.js';

type Figures = RunningOverview['figures'];

/** Seconds over which a rate of now is a mean. */
const NOW = 5;

/** Names of transports, and where points have their queries. */
export const TRANSPORTS = [
  ['udp', PointColumn.UDP],
  ['tcp', PointColumn.TCP],
  ['starttls', PointColumn.STARTTLS],
  ['tls', PointColumn.TLS],
] as const;

const LABELS: Readonly<Record<string, string>> = { udp: 'UDP', tcp: 'TCP', starttls: 'STARTTLS', tls: 'TLS' };
export const label = (name: string): string => LABELS[name] ?? name;
/** The count of clients that close before they send anything: they do not count as failed. */
const NOTHING_SENT = 'nothing_sent';

export const TRANSPORT_HEADS = [
  { head: 'Transport', kind: 'text' },
  { head: 'Now', title: `Queries a second, over the last ${NOW} seconds` },
  { head: 'Queries' },
  { head: 'Share' },
  { head: 'IPv4' },
  { head: 'IPv6' },
  { head: 'Truncated' },
  { head: 'Octets in', title: 'DNS messages alone' },
  { head: 'Octets out', title: 'DNS messages alone' },
  { head: 'Padded', title: 'Responses with padding' },
] as const;

/** `live`: points of the last minutes, for the rate of now. */
export function transportRows({ transports }: Figures, live: readonly Point[]): Row[] {
  return TRANSPORTS.map(([name, column]) => {
    const one = transports[name];
    const counts = [one?.ipv4, one?.ipv6, one?.truncated].map((count) => countText(count ?? 0));
    return {
      swatch: name,
      cells: [
        label(name),
        rateText(rateNow(live, column, NOW)),
        countText(one?.queries ?? 0),
        shareText(one?.share ?? 0),
        ...counts,
        octetsText(one?.octets_in ?? 0),
        octetsText(one?.octets_out ?? 0),
        countText(one?.padded ?? 0),
      ],
    };
  });
}

export const COST_HEADS = [
  { head: 'Transport', kind: 'text' },
  { head: 'CPU a query' },
  { head: 'With handshakes' },
  { head: 'Times UDP', title: 'With handshakes, as a multiple of UDP' },
] as const;

/**
 * Queries of a transport with streams below which its CPU is marked as an estimate: one turn in 61 is timed, and a thousand that are timed
 * tell it within some percent.
 */
const ENOUGH = 61_000;

export function costRows({ transports }: Figures): Row[] {
  const udp = transports.udp?.cpu_per_query ?? null;
  return TRANSPORTS.map(([name]) => {
    const {
      queries = 0,
      cpu_per_query: alone = null,
      cpu_per_query_with_handshakes: whole = null,
    } = transports[name] ?? {};
    const about = (text: string): string => (name !== 'udp' && queries < ENOUGH && text !== '–' ? `~ ${text}` : text);
    const times = udp === null || whole === null || udp === 0 ? '–' : `× ${numberText(whole / udp)}`;
    return {
      swatch: name,
      cells: [
        label(name),
        about(microsecondsText(alone === 0 ? null : alone)),
        about(microsecondsText(whole)),
        about(times),
      ],
    };
  });
}

/** The CPU time, and the memory, as a note. */
export function costNote({ cpu, cpu_per_handshake: handshake }: Figures, memory: number): string {
  const parts = Object.entries(cpu).map(([name, seconds]) => `${name} ${shortTimeText(seconds)}`);
  const known = handshake === null ? '' : ` A handshake costs ${microsecondsText(handshake)}.`;
  return `CPU time of threads: ${parts.join(', ')}.${known} Memory ${octetsText(memory)}. A dash: too little was used to tell. ~: few turns were timed.`;
}

export const SESSION_HEADS = [
  { head: 'Path', kind: 'text' },
  { head: 'Open' },
  { head: 'Opened' },
  { head: 'Mean length', title: 'Of sessions that have ended' },
  { head: 'Queries each', title: 'Of sessions that have ended' },
  { head: 'Ended', kind: 'long' },
] as const;

const OPEN: Readonly<Record<string, number>> = {
  tcp: PointColumn.OPEN_TCP,
  starttls: PointColumn.OPEN_STARTTLS,
  tls: PointColumn.OPEN_TLS,
};

/** `now`: the newest point; undefined: there is none. */
export function sessionRows({ paths }: Figures, now: Point | undefined): Row[] {
  return Object.entries(paths).map(([name, path]) => {
    const { opened, seconds_per_session: seconds, queries_per_session: queries } = path;
    return {
      swatch: name,
      cells: [
        label(name),
        now === undefined ? '–' : countText(now[OPEN[name] ?? -1] ?? 0),
        countText(opened),
        shortTimeText(seconds),
        queries === null ? '–' : numberText(queries),
        `by clients ${reasonsText(path.closed_by_client)}, by us ${reasonsText(path.closed_by_server)}`,
      ],
    };
  });
}

/** `12 (client 10, broken 2)` */
function reasonsText(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts).filter(([, count]) => count > 0);
  const sum = entries.reduce((all, [, count]) => all + count, 0);
  if (sum === 0) return '0';
  return `${countText(sum)} (${entries.map(([name, count]) => `${words(name)} ${countText(count)}`).join(', ')})`;
}

export const HANDSHAKE_HEADS = [
  { head: 'Path', kind: 'text' },
  { head: 'Full' },
  { head: 'Resumed' },
  { head: 'Mean time' },
  { head: 'Failed' },
  { head: 'Why', kind: 'long' },
] as const;

export function handshakeRows({ handshakes }: Figures): Row[] {
  return Object.entries(handshakes).map(([name, { full, resumed, failed, failures, mean_seconds: mean }]) => {
    const reasons = Object.entries(failures).map(([why, count]) =>
      why === NOTHING_SENT ? `closed without a word ${countText(count)}` : `${words(why)} ${countText(count)}`,
    );
    return {
      swatch: name,
      cells: [
        label(name),
        countText(full),
        countText(resumed),
        shortTimeText(mean),
        { text: countText(failed), look: failed > 0 ? 'bad' : '' },
        reasons.join(', ') || '–',
      ],
    };
  });
}

/** As the report names it, in words. */
function words(name: string): string {
  return name.replaceAll('_', ' ');
}
