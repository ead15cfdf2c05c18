/** The tables of a report, as text in cells: for a terminal and for a page. */
import type { Following } from './following.js';
import type { Report } from './make-report.js';
import { percent } from './report-words.js';

export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Whether the last column has words; all others but the first have numbers. */
  readonly isLastText: boolean;
}

export function reportTables(report: Report): Table[] {
  const { following } = report.figures;
  const always = [transportTable(report), sessionTable(report), handshakeTable(report), clientTable(report)];
  const others = [usedTable(following), moveTable(following), afterTable(following), truncationTable(following)];
  return [...always, ...others.filter(({ rows }) => rows.length > 0)];
}

function transportTable({ figures: { transports } }: Report): Table {
  return {
    title: 'Transports',
    head: [
      'transport',
      'queries',
      'share',
      'IPv6',
      'octets in',
      'octets out',
      'TC',
      'padded',
      'compared',
      'differ',
      'CPU µs',
      'with handshakes',
    ],
    rows: Object.entries(transports).map(([name, one]) => [
      name,
      String(one.queries),
      percent(one.share),
      one.queries === 0 ? '' : percent(one.ipv6 / one.queries),
      String(one.octets_in),
      String(one.octets_out),
      String(one.truncated),
      String(one.padded),
      String(one.compared),
      String(one.different),
      decimal(one.cpu_per_query),
      decimal(one.cpu_per_query_with_handshakes),
    ]),
    isLastText: false,
  };
}

function sessionTable({ figures: { paths } }: Report): Table {
  return {
    title: 'Sessions',
    head: [
      'sessions',
      'opened',
      'octets in',
      'octets out',
      'queries each',
      'seconds each',
      'pause s',
      'RTT ms',
      'answer ms',
      'ended',
    ],
    rows: Object.entries(paths).map(([name, one]) => [
      name,
      String(one.opened),
      String(one.octets_in),
      String(one.octets_out),
      decimal(one.queries_per_session),
      decimal(one.seconds_per_session),
      decimal(one.mean_pause),
      milliseconds(one.mean_round_trip),
      milliseconds(one.mean_first_answer),
      `client: ${counts(one.closed_by_client)}; server: ${counts(one.closed_by_server)}`,
    ]),
    isLastText: true,
  };
}

function handshakeTable({ figures: { handshakes } }: Report): Table {
  return {
    title: 'Handshakes',
    head: ['handshakes', 'full', 'resumed', 'failed', 'mean ms', 'why'],
    rows: Object.entries(handshakes).map(([name, one]) => [
      name,
      String(one.full),
      String(one.resumed),
      String(one.failed),
      milliseconds(one.mean_seconds),
      counts(one.failures),
    ]),
    isLastText: true,
  };
}

function clientTable({ figures, clients }: Report): Table {
  return {
    title: 'Clients',
    head: ['clients', ...Object.keys(figures.transports), 'all'],
    rows: clients.map((day) => [
      day.keys > 1 ? `${day.day} (${day.keys} keys: at most)` : day.day,
      ...Object.values(day.clients).map(String),
      String(day.all),
    ]),
    isLastText: false,
  };
}

function usedTable({ used, one_in }: Following): Table {
  return {
    title: one_in > 1 ? `Transports that clients used (1 client in ${one_in})` : 'Transports that clients used',
    head: ['clients used', 'clients'],
    rows: Object.entries(used).map(([names, clients]) => [names, String(clients)]),
    isLastText: false,
  };
}

function moveTable({ moves }: Following): Table {
  return {
    title: 'Moves from one transport to another',
    head: ['from', 'to', 'clients', 'times'],
    rows: moves.map(({ from, to, clients, times }) => [from, to, String(clients), String(times)]),
    isLastText: false,
  };
}

function afterTable({ after_handshakes }: Following): Table {
  return {
    title: 'What clients did after a handshake',
    head: ['it ended', 'handshakes', 'then in clear', 'came back', 'away s', 'stayed away', 'back within'],
    rows: Object.entries(after_handshakes).map(([name, one]) => [
      name,
      String(one.handshakes),
      String(one.asked_in_clear),
      String(one.came_back),
      decimal(one.mean_seconds_away),
      String(one.away),
      counts(one.came_back_within, ': '),
    ]),
    isLastText: true,
  };
}

function truncationTable({ truncation: { answers, retried, not_retried } }: Following): Table {
  const row = ['udp', String(answers), counts(retried), String(not_retried)];
  return {
    title: 'Answers with TC, and the retries',
    head: ['TC over', 'answers', 'retried over', 'not retried'],
    rows: answers === 0 ? [] : [row],
    isLastText: false,
  };
}

/** `2026-11-30T12:00Z`. */
export function timeText(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 16)}Z`;
}

function decimal(value: number | null): string {
  return value === null ? '' : value >= 100 ? String(Math.round(value)) : value.toPrecision(3);
}

function milliseconds(seconds: number | null): string {
  return decimal(seconds === null ? null : seconds * 1000);
}

function counts(all: Readonly<Record<string, number>>, between = ' '): string {
  const texts = Object.entries(all).map(([name, count]) => `${name}${between}${count}`);
  return texts.length === 0 ? 'none' : texts.join(', ');
}
