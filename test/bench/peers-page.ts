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
  return `Every server has one worker (NSD \`server-count: 1\`, Knot one \`udp-workers\` and \`tcp-workers\`, BIND \`-n 1\`, PowerDNS one
receiver and one distributor thread, caches as by default) and is pinned to the first CPU; dnsperf, the load, has the second. Rate
limits and query logs are off, minimal responses on, UDP payload 1232, all on 127.0.0.1. The zone has 100,000 names and 1,000
delegations; of the queries 70 % are hits, 10 % NXDOMAIN, 5 % NODATA, 5 % wildcards, 5 % referrals, 5 % MX at the apex, asked without EDNS but for
the signed zone (DO) and the answers of a given size. All servers of a part are up at the same time, idle but for the one that
is asked; each load runs for ${seconds} s on one after the other, ${turns} times over (in the smaller parts for less), after a time to warm up.

The figure is the CPU time of the server per answered query: user and system, all its threads and processes, by the
scheduler's clock in /proc. What the CPU's interrupts do for the sender is in neither. For TCP and TLS what the connections
themselves cost, measured in each turn with connections of one query, is taken off. A ratio is the median of the turns' ratios.
It all took ${Math.round(elapsed / 60)} minutes.`;
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
