/** A report as text for a terminal. */
import type { Report } from './make-report.js';
import { percent } from './report-words.js';

export function reportText(report: Report): string {
  const { from, to, words, figures, sources } = report;
  const { transports, paths, handshakes } = figures;
  const unstored = sources.filter(({ stored }) => !stored).map(({ server }) => server);
  const parts = [
    `${time(from)} to ${time(to)}, ${sources.length === 1 ? 'server' : 'servers'} ${sources.map(({ server }) => server).join(', ')}`,
    ...unstored.map((server) => `${server} has no state: what was before its last start is not known.`),
    '',
    words,
    '',
    ...table([
      ['transport', 'queries', 'share', 'IPv6', 'octets in', 'octets out', 'TC', 'padded', 'CPU µs', 'with handshakes'],
      ...Object.entries(transports).map(([name, one]) => [
        name,
        String(one.queries),
        percent(one.share),
        one.queries === 0 ? '' : percent(one.ipv6 / one.queries),
        String(one.octets_in),
        String(one.octets_out),
        String(one.truncated),
        String(one.padded),
        decimal(one.cpu_per_query),
        decimal(one.cpu_per_query_with_handshakes),
      ]),
    ]),
    '',
    ...table([
      ['sessions', 'opened', 'octets in', 'octets out', 'queries each', 'seconds each', 'pause s', 'ended'],
      ...Object.entries(paths).map(([name, one]) => [
        name,
        String(one.opened),
        String(one.octets_in),
        String(one.octets_out),
        decimal(one.queries_per_session),
        decimal(one.seconds_per_session),
        decimal(one.mean_pause),
        `client: ${counts(one.closed_by_client)}; server: ${counts(one.closed_by_server)}`,
      ]),
    ]),
    '',
    ...table([
      ['handshakes', 'full', 'resumed', 'failed', 'mean ms', 'why'],
      ...Object.entries(handshakes).map(([name, one]) => [
        name,
        String(one.full),
        String(one.resumed),
        String(one.failed),
        one.mean_seconds === null ? '' : decimal(one.mean_seconds * 1000),
        counts(one.failures),
      ]),
    ]),
    '',
    ...clientTable(report),
  ];
  return `${parts.join('\n')}\n`;
}

function clientTable({ figures, clients }: Report): string[] {
  return table([
    ['clients', ...Object.keys(figures.transports), 'all'],
    ...clients.map((day) => [
      day.keys > 1 ? `${day.day} (${day.keys} keys: at most)` : day.day,
      ...Object.values(day.clients).map(String),
      String(day.all),
    ]),
  ]);
}

function time(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/:00\.000Z$/, 'Z');
}

function decimal(value: number | null): string {
  return value === null ? '' : value >= 100 ? String(Math.round(value)) : value.toPrecision(3);
}

function counts(all: Readonly<Record<string, number>>): string {
  const texts = Object.entries(all).map(([name, count]) => `${name} ${count}`);
  return texts.length === 0 ? 'none' : texts.join(', ');
}

/** Lines of a table: the first column to the left, numbers to the right, the last one as it is. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => {
        if (column === 0) return cell.padEnd(widths[0]!);
        const isText = column === row.length - 1 && /[a-z]/.test(rows[1]?.[column] ?? '');
        return isText ? cell : cell.padStart(widths[column]!);
      })
      .join('  ')
      .trimEnd(),
  );
}
