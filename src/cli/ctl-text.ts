/** The output of `adotd ctl` for people. */
import { counted } from '../errors.js';
import type { Summary } from '../observe/counters/summary.js';
import type { CatalogStatus } from '../server/catalogs/consumed-catalogs.js';
import type { ServerStatus } from '../server/control/control-target.js';
import type { ReloadOutcome } from '../server/reload.js';
import type { RoundResult } from '../server/secondaries/secondary-host.js';
import { outcomeText, type ZoneOutcome, type ZoneStatus } from '../server/zones/zone-outcome.js';
import type { SessionsReport } from '../session/session-report.js';
import { endpointText } from '../transport/address.js';
import type { Endpoint } from '../transport/transport.js';
import { type Diagnostic, formatDiagnostic } from '../zone/diagnostics.js';

/** Digits of a pin that are shown. */
const SHOWN = 16;

/** `now`: seconds since 1970. */
export function statusText(status: ServerStatus, now: number): string {
  const { plane, zones, reloads, certificates, addresses } = status;
  const none = plane.obstacle === undefined ? 'none' : `none: ${plane.obstacle}`;
  const threads = plane.path === 'threads' ? `${plane.udpWorkers} for UDP, ${plane.streamWorkers} for streams` : none;
  const restarts = plane.restarts > 0 ? `, ${plane.restarts} started again after they died` : '';
  const list = (endpoints: readonly Endpoint[]): string =>
    endpoints.map(({ address, port }) => endpointText(address, port)).join(' ') || 'none';
  const notes = [
    `${zones.served} served`,
    `${zones.failed} failed`,
    `${zones.kept} kept as they were`,
    ...(zones.waiting > 0 ? [`${zones.waiting} not transferred yet`] : []),
  ];
  const last = reloads.last === undefined ? '' : `, the last ${duration(now - reloads.last)} ago`;
  const rows = [
    [
      'server',
      `adotd ${status.version}, process ${status.process}, ${status.state}, up ${duration(now - status.since)}`,
    ],
    ['config', status.config ?? 'none'],
    ['udp', list(addresses.udp)],
    ['tcp', list(addresses.tcp)],
    ['tls', list(addresses.tls)],
    ['threads', threads + restarts],
    ['streams', streamsText(plane)],
    ['zones', `${notes.join(', ')}; ${counted(zones.records, 'record')}`],
    ['reloads', `${reloads.done}, ${reloads.failed} of them with errors${last}`],
    ...certificates.map((certificate) => [
      'certificate',
      `${certificate.file}: ${certificate.subject || 'no subject'}, ${validity(certificate, now)}`,
    ]),
    ...status.keysWaiting.map((wait) => ['key waits', waitText(wait, now)]),
    ['watching', status.watching ? 'yes' : 'no: files are read at SIGHUP and `adotd ctl reload`'],
    ['log level', status.logLevel],
    ['memory', octets(status.memory)],
    ['health', status.health],
    ...(status.restart.length === 0
      ? []
      : [['RESTART', `needed, so that these changes take effect: ${status.restart.join(', ')}`]]),
    ...status.problems.map((problem) => ['PROBLEM', problem]),
  ];
  return table(rows, '  ');
}

/** `ns1.example. ab12…: until all secondaries show its TLSA record: second 192.0.2.1:53: serial 7`. */
function waitText({ name, pin, waitsFor, until, behind }: ServerStatus['keysWaiting'][number], now: number): string {
  const texts = {
    zone: 'until its zone has the TLSA record',
    secondaries: `until all secondaries show the TLSA record${behind.length === 0 ? '' : `: ${behind.join('; ')}`}`,
    time: `for another ${duration((until ?? now) - now)}: resolvers may have an answer without its TLSA record`,
  };
  return `${name} ${pin.slice(0, SHOWN)}…: ${texts[waitsFor]}`;
}

function streamsText({ streams, streamsObstacle, tlsEngine }: ServerStatus['plane']): string {
  if (streams === 'epoll') {
    return tlsEngine === undefined ? 'epoll' : `epoll, ${counted(tlsEngine.open, 'connection')} in the TLS engine`;
  }
  return streamsObstacle === undefined ? 'node:net and node:tls' : `node:net and node:tls: ${streamsObstacle}`;
}

/** `begins` and `expires`: seconds since 1970. */
function validity({ begins, expires }: ServerStatus['certificates'][number], now: number): string {
  if (begins > now) return `NOT VALID for another ${duration(begins - now)}`;
  return expires <= now ? `EXPIRED ${duration(now - expires)} ago` : `expires in ${duration(expires - now)}`;
}

export function zonesText(zones: readonly ZoneStatus[], now: number): string {
  const head = ['zone', 'state', 'serial', 'records', 'size', 'signatures', 'loaded', 'took', 'file'];
  // Of a zone that is in no file, the second table says when it came.
  const loaded = ({ file, loadedAt }: ZoneStatus): string =>
    loadedAt > 0 ? `${duration(now - loadedAt)} ago` : file === '' ? '-' : 'never';
  const rows = zones.map((zone) => [
    zone.name,
    zone.state,
    zone.state === 'failed' ? '-' : String(zone.serial),
    String(zone.records),
    octets(zone.octets),
    signaturesText(zone.signaturesExpire, now),
    loaded(zone),
    zone.file === '' ? '-' : milliseconds(zone.milliseconds),
    zone.file === '' ? '-' : zone.file,
  ]);
  return (
    table([head, ...rows], '  ') +
    tiesText(zones, now) +
    signingText(zones, now) +
    diagnosticsText(zones.flatMap(({ diagnostics }) => diagnostics))
  );
}

/** A further table for zones that come from elsewhere, are changed here, or have a history. */
function tiesText(zones: readonly ZoneStatus[], now: number): string {
  const rows = zones.flatMap(({ name, serial, ties }) => {
    if (ties === undefined || (ties.role === 'file' && ties.history + ties.journal + ties.pending === 0)) return [];
    const { role, state, sourceSerial, history, journal, pending, secondary } = ties;
    const origin = ties.origin ?? secondary?.primaries.join(', ');
    return [
      [
        name,
        role,
        state,
        sourceSerial === serial ? '-' : String(sourceSerial),
        `${counted(history, 'change')}, ${octets(journal)}`,
        String(pending),
        origin ?? '-',
        secondary?.checked === undefined ? '-' : `${duration(now - secondary.checked)} ago`,
        secondary?.refresh === undefined ? '-' : `in ${duration(secondary.refresh - now)}`,
        secondary?.expires === undefined ? '-' : `in ${duration(secondary.expires - now)}`,
        secondary?.error ?? '-',
      ],
    ];
  });
  if (rows.length === 0) return '';
  const head = [
    'zone',
    'comes from',
    'state',
    'its serial',
    'journal',
    'pending',
    'primary',
    'contact',
    'refresh',
    'expires',
    'error',
  ];
  return `\n${table([head, ...rows], '  ')}`;
}

/** A further table for zones that are signed here. */
function signingText(zones: readonly ZoneStatus[], now: number): string {
  const rows = zones.flatMap(({ name, ties }) => {
    if (ties?.signing === undefined) return [];
    const { policy, state, isFrozen, keys, next } = ties.signing;
    const due = next === undefined ? '-' : next <= now ? 'now' : `in ${duration(next - now)}`;
    return [[name, isFrozen ? `${state}, frozen` : state, policy ?? '-', String(keys), due]];
  });
  const head = ['zone', 'signing', 'policy', 'keys', 'next step'];
  return rows.length === 0 ? '' : `\n${table([head, ...rows], '  ')}`;
}

/** `12 d 3 h left`, `EXPIRED`, or `-` without signatures. */
function signaturesText(expire: number | undefined, now: number): string {
  if (expire === undefined) return '-';
  return expire < now ? 'EXPIRED' : `${duration(expire - now)} left`;
}

/** The consumed catalogs, and their oddities. */
export function catalogsText(catalogs: readonly CatalogStatus[]): string {
  if (catalogs.length === 0) return 'no catalog is consumed\n';
  const head = ['catalog', 'state', 'serial', 'members', 'going'];
  const rows = catalogs.map(({ zone, state, serial, members, going }) =>
    [zone, state, serial ?? '-', members, going].map(String),
  );
  const notes = catalogs.flatMap(({ zone, lines }) => lines.map((line) => `${zone} ${line}\n`));
  return table([head, ...rows], '  ') + (notes.length === 0 ? '' : `\n${notes.join('')}`);
}

/** Warnings that people read; --json has all. A guess. */
const WARNINGS_LISTED = 20;

export function outcomeLines(outcome: ReloadOutcome): string {
  const { zones, counts, errors, warnings, certificates } = outcome;
  const unchanged = counts.unchanged > 0 ? `, ${counts.unchanged} unchanged` : '';
  const config = outcome.config;
  const lines = [
    ...zones.map(zoneLine),
    ...errors.map((error) => `error: ${error}`),
    ...warnings.slice(0, WARNINGS_LISTED).map((warning) => `warning: ${warning}`),
    ...(warnings.length > WARNINGS_LISTED
      ? [`and ${counted(warnings.length - WARNINGS_LISTED, 'more warning')}; see --json`]
      : []),
    ...(config && config.changed.length > 0 ? [`config: changed ${config.changed.join(', ')}`] : []),
    ...(config && config.restart.length > 0
      ? [`config: changed but needs a restart: ${config.restart.join(', ')}`]
      : []),
    ...(certificates === 'replaced' || certificates === 'kept' ? [`certificates ${certificates}`] : []),
    `zones: ${outcomeText(counts)}${unchanged}, in ${milliseconds(outcome.milliseconds)}`,
  ];
  return `${lines.join('\n')}\n`;
}

function zoneLine({ name, result, before, after, milliseconds: took, diagnostics }: ZoneOutcome): string {
  const serial =
    after === undefined
      ? ''
      : before === undefined || before === after
        ? `, serial ${after}`
        : `, serial ${before} to ${after}`;
  const time = took > 0 ? `, ${milliseconds(took)}` : '';
  return `${name} ${result}${serial}${time}${diagnostics.map((one) => `\n  ${formatDiagnostic(one)}`).join('')}`;
}

export function summaryTable(summary: Summary): string {
  const rows = Object.entries(summary).flatMap(([group, counts]) =>
    Object.entries(counts).map(([name, count]) => [group, name, String(count)]),
  );
  return rows.length === 0 ? 'no queries yet\n' : table(rows, '  ', [2]);
}

export function sessionsText({ open, byPath, draining, longest }: SessionsReport): string {
  const paths = Object.entries(byPath).map(([path, count]) => `${count} ${path}`);
  const summary = `${open} open: ${paths.join(', ')}; ${draining} of them closing\n`;
  if (longest.length === 0) return summary;
  const head = ['client', 'served by', 'state', 'age', 'idle', 'queries'];
  const rows = longest.map((session) => [
    endpointText(session.client, session.port),
    session.path,
    session.state,
    milliseconds(session.age),
    milliseconds(session.idle),
    String(session.queries),
  ]);
  return `${summary}\nidle longest:\n${table([head, ...rows], '  ')}`;
}

function diagnosticsText(diagnostics: readonly Diagnostic[]): string {
  return diagnostics.length === 0 ? '' : `\n${diagnostics.map(formatDiagnostic).join('\n')}\n`;
}

/** Columns as wide as their longest cell; the columns in `right` are aligned to the right. */
function table(rows: readonly (readonly string[])[], gap: string, right: readonly number[] = []): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (right.includes(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join(gap)
      .trimEnd(),
  );
  return lines.map((line) => `${line}\n`).join('');
}

/** `3 d 4 h`, `12 min`, `5 s`: the two largest units. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const units = [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
  ] as const;
  const first = units.findIndex(([, size]) => whole >= size);
  if (first < 0) return '0 s';
  const parts: string[] = [];
  let rest = whole;
  for (const [unit, size] of units.slice(first, first + 2)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count} ${unit}`);
  }
  return parts.join(' ');
}

/** `1.5 ms`, `320 ms`, `12 s`. */
function milliseconds(time: number): string {
  if (time >= 10_000) return duration(time / 1000);
  return `${time < 10 ? time.toFixed(1) : Math.round(time)} ms`;
}

/** `640 B`, `12.3 kB`, `45.0 MB`. */
function octets(count: number): string {
  if (count < 1000) return `${count} B`;
  const exponent = Math.min(3, Math.floor(Math.log10(count) / 3));
  return `${(count / 1000 ** exponent).toFixed(1)} ${['B', 'kB', 'MB', 'GB'][exponent]}`;
}

/** Says how a check of a secondary zone ended, and why each primary that failed could not be used. */
export function transferText(zone: string, { isConfirmed, isNew, serial, failures }: RoundResult): string {
  const has = serial === undefined ? 'it has never been transferred' : `serial ${serial} stays`;
  const found = isNew ? `transferred, serial ${serial} now` : `serial ${serial} is the newest`;
  const lines = [`${zone}: ${isConfirmed ? found : `no primary could be used, ${has}`}`, ...failures];
  return `${lines.join('\n  ')}\n`;
}
