/** The page of the repository that shows the comparison; made from the results, never edited. */
import type { Results } from './peers-results.js';
import { type Table, tablesOf } from './peers-tables.js';

/** The page as Markdown. */
export function renderPage(results: Results): string {
  const { date, command, machine, versions, adotd, turns, seconds, failures, elapsed } = results;
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
    method(turns, seconds, elapsed),
    `adotd as it is by default, with one thread of each kind (${adotd.plane || 'threads not known'}):`,
    `\`\`\`sh\n${adotd.command}\n\`\`\``,
    `\`\`\`yaml\n${adotd.config}\n\`\`\``,
    ...(failures.length === 0 ? [] : ['Missing, failed or different:', failures.map(oneLine).join('\n')]),
    ...tables.slice(0, -1).map(section),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function method(turns: number, seconds: number, elapsed: number): string {
  return `Every server has one worker (NSD \`server-count: 1\`, Knot one of \`udp-workers\`, \`tcp-workers\` and \`background-workers\`,
BIND \`-n 1\`, PowerDNS one receiver and one distributor thread) and is pinned to the first CPU; dnsperf, the load, has the
second. Rate limits and query logs are off, minimal responses on (PowerDNS has no such setting), UDP payload 1232, caches and
socket buffers as by default, all on 127.0.0.1. Of the queries 70 % are hits, 10 % NXDOMAIN, 5 % NODATA, 5 % wildcards, 5 % referrals and
5 % MX at the apex; they have no EDNS but for the signed zone (DO) and the answers of a given size. All servers of a part are
up at the same time, idle but for the one that is asked. After a time to warm up, each load runs on one server after the
other for ${seconds} s (less in the smaller parts), and all that ${turns} times over.

The figure is the CPU time of the server per answered query: user and kernel, all its threads and processes, by the
scheduler's clock in /proc, between two moments at which all connections are up and the load is going on. So it holds no
handshakes. On loopback the kernel's work of receiving is done in the time of who sends: half of the network's work is dnsperf's, for
all servers alike. A ratio is the median of the turns' ratios. Queries count as lost after 1 s; what UDP loses at 500 outstanding are
the first ones: the system's default socket buffer, which some servers keep, has room for about 280.

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
