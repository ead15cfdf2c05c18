/** A probe's report as text: a table with a column for each transport, and lines that belong to no transport. */

import { ClientErrorCode } from '../client/errors.js';
import type {
  EdnsReport,
  EncryptedReport,
  Failure,
  PaddingReport,
  ProbeReport,
  StreamReport,
  TransportReport,
  UpgradeAttempt,
} from '../client/probe/probe-report.js';
import { counted } from '../errors.js';

const COLUMNS = ['UDP', 'TCP', 'STARTTLS', 'TLS'] as const;
/** The width of the first column, also in the lines below the table. */
const LABEL = 13;

type Cell = string | undefined;

export function probeToText(report: ProbeReport): string {
  const { udp, tcp, starttls, tls } = report;
  const streams = (cell: (one: StreamReport) => Cell): Cell[] => [undefined, cell(tcp), cell(starttls), cell(tls)];
  const encrypted = (cell: (one: EncryptedReport) => Cell): Cell[] => [undefined, undefined, cell(starttls), cell(tls)];
  const rows: (readonly [string, ...Cell[]])[] = [
    ['', ...COLUMNS],
    ['answers', ...[udp, tcp, starttls, tls].map(answers)],
    ['first answer', ...[udp, tcp, starttls, tls].map(({ times }) => times && duration(total(times)))],
    ['TLS', ...encrypted(({ version }) => version)],
    ['ALPN', ...encrypted(({ works, alpn }) => (works ? (alpn ?? 'none') : undefined))],
    ['resumption', ...encrypted(({ resumed }) => yes(resumed))],
    ['padding', ...encrypted(({ padding }) => padding && paddingText(padding))],
    [
      'keepalive',
      ...streams(({ works, keepalive }) =>
        works ? (keepalive === undefined ? 'not said' : duration(keepalive)) : undefined,
      ),
    ],
    ['pipelining', ...streams(({ pipelining }) => pipelining && `${pipelining.answered} of ${pipelining.asked}`)],
    ['order', ...streams(({ pipelining }) => pipelining && (pipelining.overtaking ? 'as ready' : 'as asked'))],
    [
      'when idle',
      ...streams(
        ({ idle }) =>
          idle && (idle.closed ? `${idle.closed} ${duration(idle.waited)}` : `open ${duration(idle.waited)}`),
      ),
    ],
    ['when closed', ...streams(({ farewell }) => farewell)],
  ];
  return [heading(report), '', ...table(rows), '', ...lines(report), ''].join('\n');
}

function heading({ given, address, port, tlsPort, zone, credentials }: ProbeReport): string {
  const where = given === address ? given : `${given} (${address})`;
  const parts = [
    `port ${port}, TLS ${tlsPort}`,
    zone && `zone ${zone}`,
    credentials.name && `asked as ${credentials.name}`,
  ];
  return `${where}: ${parts.filter(Boolean).join(', ')}`;
}

function table(rows: readonly (readonly [string, ...Cell[]])[]): string[] {
  const shown = rows.filter(([label, ...cells]) => label === '' || cells.some((cell) => cell !== undefined));
  const widths = COLUMNS.map((_, column) => Math.max(...shown.map((row) => (row[column + 1] ?? '-').length)));
  return shown.map(([label, ...cells]) => {
    const texts = widths.map((width, column) => (cells[column] ?? '-').padEnd(width));
    return `${label.padEnd(LABEL)}${texts.join('  ')}`.trimEnd();
  });
}

/** Whether the transport answers; if not, the code of the failure in words. */
function answers({ works, failure }: TransportReport): string {
  if (works) return 'yes';
  const why = failure?.code.replace('CLIENT_', '').replaceAll('_', ' ').toLowerCase() ?? 'unknown';
  return `no: ${why}`;
}

/** The details of a failure that the table lacks, such as the protocol that is on the port in place of DNS. */
function reason({ code, message }: Failure): Cell {
  return code === ClientErrorCode.REFUSED ? undefined : message;
}

function total(times: NonNullable<TransportReport['times']>): number {
  return Object.values(times).reduce((sum: number, one: number) => sum + one, 0);
}

const duration = (milliseconds: number): string =>
  milliseconds < 1000 ? `${milliseconds.toFixed(1)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;

const yes = (value: boolean | undefined): Cell => (value === undefined ? undefined : value ? 'yes' : 'no');

function paddingText({ answers: all, padded, lengths }: PaddingReport): string {
  if (padded === 0) return 'no';
  const block = [468, 128].find((size) => lengths.every((length) => length % size === 0));
  const some = padded < all ? `, ${padded} of ${all}` : '';
  return `${block === undefined ? 'to no block' : `to ${block}`}${some}`;
}

function lines(report: ProbeReport): string[] {
  const { udp, tcp, starttls, tls, edns, credentials, signals } = report;
  const line = (label: string, text: Cell): string[] => (text === undefined ? [] : [`${label.padEnd(LABEL)}${text}`]);
  const certificate = tls.certificate ?? starttls.certificate;
  const versions = tls.versions?.map(({ version, works, resumed }) => {
    const resumption = resumed === undefined ? '' : resumed ? ', resumed' : ', not resumed';
    const how = works ? `yes${resumption}` : 'no';
    return `${version.replace('TLSv', '')} ${how}`;
  });
  const obsolete = tls.obsolete === undefined ? [] : [`1.1 and older ${tls.obsolete ? 'yes' : 'no'}`];
  return [
    ...[udp, tcp, tls].flatMap(({ failure }) => line('failure', failure && reason(failure))),
    ...line('STARTTLS', starttlsText(report)),
    ...line('TLS versions', versions && [...versions, ...obsolete].join('; ')),
    ...line('without ALPN', tls.withoutAlpn === undefined ? undefined : tls.withoutAlpn ? 'served' : 'not served'),
    ...line(
      'certificate',
      certificate &&
        `${certificate.subject || 'no subject'}; ${certificate.names.join(', ') || 'no names'}; until ${certificate.notAfter ?? 'no date'}`,
    ),
    ...line(
      'pin',
      certificate &&
        `${certificate.pin ?? 'no key that can be read'}${credentials.accepted === undefined ? '' : credentials.accepted ? ' (acceptable)' : ' (not acceptable)'}`,
    ),
    ...credentials.tlsa.flatMap(({ owner, verdict, records, validated }) =>
      line('TLSA', `${owner} ${verdict}${verified(validated)}: ${records.join(', ')}`),
    ),
    ...signals.bindings.flatMap(({ owner, verdict, records, validated }) =>
      line('SVCB', `${owner} ${verdict}${verified(validated)}: ${records.join(', ')}`),
    ),
    ...line('OOTS', signals.oots?.length ? `with any answer: ${signals.oots.join(', ')}` : undefined),
    ...line('EDNS', edns && ednsText(edns)),
    ...line('equal', answersText(report)),
    ...report.notes.flatMap((note) => line('note', note)),
    ...report.problems.flatMap((problem) => line('problem', problem)),
    ...line('verdict', verdictText(report)),
  ];
}

/** Says whether DNSSEC verified records, if that was asked for. */
function verified(validated: boolean | undefined): string {
  return validated === undefined ? '' : validated ? ', verified' : ', NOT verified';
}

function verdictText({ ok, tls, starttls, problems }: ProbeReport): string {
  if (ok) return 'encrypted transport works, answers are equal';
  if (!tls.works && !starttls.works) return 'not fit for encrypted DNS';
  return `encrypted transport works, but there ${problems.length === 1 ? 'is a problem' : `are ${problems.length} problems`}`;
}

function starttlsText({ starttls, tcp }: ProbeReport): string {
  const meaning = {
    any: 'every first query is upgraded',
    dummy: 'only the dummy query is upgraded',
    query: 'only real queries are upgraded',
    off: 'not offered',
    blocked: 'offered, but the handshake fails',
    dropped: 'first queries with TO bring no answer, those without do',
    unknown: tcp.works ? `not found out: ${starttls.dummy?.failure?.message ?? 'unknown'}` : 'no answer over TCP',
  }[starttls.mode];
  const text = (one: UpgradeAttempt | undefined): Cell => one?.text && `; the dummy query is answered with ${one.text}`;
  return `${starttls.mode}: ${meaning}${text(starttls.dummy) ?? ''}`;
}

function ednsText(edns: EdnsReport): string {
  if (!edns.supported) return edns.supported === false ? 'not supported' : 'not found out';
  const parts = [
    edns.size !== undefined && `takes ${edns.size} octets`,
    edns.longest && `longest answer ${edns.longest.octets}${edns.longest.truncated ? ' (truncated)' : ''}`,
    edns.versionOne !== undefined && `version 1: ${edns.versionOne}`,
    edns.ignoresUnknown !== undefined && (edns.ignoresUnknown ? 'unknown ignored' : 'unknown not ignored'),
    edns.cookie && `cookie ${edns.cookie}`,
    `NSID ${edns.nsid ?? 'none'}`,
    edns.tlsOk !== undefined && `TO over UDP ${edns.tlsOk ? 'set' : 'not set'}`,
  ];
  return parts.filter(Boolean).join('; ');
}

function answersText({ answers: { equal, questions } }: ProbeReport): string {
  const transports = new Set(questions.flatMap(({ compared }) => compared));
  const rcodes = [...new Set(questions.map(({ rcode }) => rcode ?? 'no answer'))].join(', ');
  const truncated = questions.filter((question) => question.truncated.length > 0).length;
  const cut = truncated === 0 ? '' : `; ${counted(truncated, 'question')} with truncated answers`;
  return `${equal ? 'yes' : 'no'}: ${counted(questions.length, 'question')} over ${counted(transports.size, 'transport')}: ${rcodes}${cut}`;
}
