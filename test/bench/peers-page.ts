/** The page of the repository that shows the comparison; made from the results, never edited. */
import type { Results } from './peers-results.js';
import { type Table, tablesOf } from './peers-tables.js';

/** When servers began to rest before loads with a rate. */
const RESTED = '2026-12-01';

/** Since this day adotd sends each message in a TLS record of its own. */
const RECORD_A_MESSAGE = '2026-11-30';

/** The page as Markdown. */
export function renderPage(results: Results): string {
  const { date, command, machine, versions, adotd, failures } = results;
  const tables = tablesOf(results);
  const last = tables.at(-1);
  const parts = [
    '# Benchmark',
    `<!-- Written by \`${command}\`; do not edit. The figures are in benchmark.json. -->`,
    `adotd beside other authoritative servers, on ${date.slice(0, 10)}. Run it yourself:`,
    `\`\`\`sh\n${command}\n\`\`\``,
    ...(last === undefined ? [] : [section({ ...last, title: 'Targets' })]),
    '## Machine and servers',
    list(Object.entries(machine)),
    list(Object.entries(versions)),
    '## Method',
    method(results),
    `adotd ran with its defaults and one thread of each kind (${adotd.plane || 'threads not known'}):`,
    `\`\`\`sh\n${adotd.command}\n\`\`\``,
    `\`\`\`yaml\n${adotd.config}\n\`\`\``,
    ...(failures.length === 0 ? [] : ['Missing, failed or different:', failures.map(oneLine).join('\n')]),
    ...tables.slice(0, -1).map(section),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function method({ date, turns, seconds, elapsed }: Results): string {
  return `Every server has one worker (NSD \`server-count: 1\`; Knot one each of \`udp-workers\`, \`tcp-workers\` and \`background-workers\`;
BIND \`-n 1\`; PowerDNS one receiver and one distributor thread) and is pinned to the first CPU. dnsperf makes the load on the second CPU.
Rate limits and query logs are off, minimal responses are on (PowerDNS has no such setting), the UDP payload is 1232, and caches and socket
buffers have their defaults. Everything runs on 127.0.0.1. Of the queries, 70 % are hits, 10 % NXDOMAIN, 5 % NODATA, 5 % wildcards, 5 %
referrals and 5 % MX at the apex. Queries have EDNS only for the signed zone (DO) and for answers of a given size. All servers of a part
run at the same time, and only the measured one is busy. After a time to warm up${date < RESTED ? '' : ', and 20 s of rest before loads with a rate'}, each load runs on one server after the other for
${seconds} s (less in the smaller parts, longer where few queries come). All of this is done ${turns} times.

The figure is the CPU time of the server per answered query, user and kernel, of all its threads and processes, by the scheduler's clock
in /proc. It is measured while all connections are open and the load is running, so it contains no handshakes. On loopback the kernel
does the work of receiving in the time of the sender: half of the network's work counts for dnsperf, with every server. A ratio is the median
of the ratios of the turns. A query counts as lost after 1 s. At 500 outstanding queries, UDP loses only the first ones: the default socket
buffer, which some servers keep, has room for about 280.

Loads with a rate show what it costs to be woken. dnsperf sends at such a rate in bursts: at 1,000 queries a second mostly two at once, at 20,000 about
ten, more on a busy machine; the mean batch and the wake-ups per query tell. The scheduler's clock counts nanoseconds. The ticks that tell user from kernel are hundredths of a second, and
miss most of the short times for which such a server runs: at these rates that split is only a hint.

Inside TLS, adotd sends each message in a record of its own (protocol.md says why). All records of a read leave by one system call; with
\`streams: node\` each needs one, and a pipelined query costs three to four times as much.${date < RECORD_A_MESSAGE ? ' The figures of this page are older: with shared records.' : ''}

Everything took ${Math.round(elapsed / 60)} minutes.`;
}

function section({ title, note, rows }: Table): string {
  return [`## ${title}`, note, markdownTable(rows)].filter((part) => part !== '').join('\n\n');
}

/** A table whose first row is the head; bars in cells are escaped. */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows;
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...body.map(line)].join('\n');
}

const list = (entries: readonly (readonly [string, string])[]): string =>
  entries.map(([name, value]) => `- ${name}: ${value}`).join('\n');

const oneLine = (text: string): string => `- ${text.split('\n')[0]?.slice(0, 300) ?? ''}`;
