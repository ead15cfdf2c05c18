/**
 * A report as one page: HTML that needs nothing else, no script and no request. Plots are SVG in the page. Its colours follow those of the
 * reader's system, light or dark.
 */
import { type Comparison, comparedTimes, comparisonTable } from './comparison.js';
import type { Report } from './make-report.js';
import { plotOfQueries, plotOfValues } from './report-plots.js';
import { reportTables, type Table, timeText } from './report-tables.js';
import { notesOn } from './report-words.js';

const STYLE = `
:root { color-scheme: light dark; --ink: #1c1c1e; --paper: #ffffff; --line: #d0d0d5;
  --udp: #4477aa; --tcp: #bb7700; --starttls: #aa3377; --tls: #117733; }
@media (prefers-color-scheme: dark) { :root { --ink: #ececf0; --paper: #16161a; --line: #44444c;
  --udp: #77aadd; --tcp: #eeaa55; --starttls: #dd77bb; --tls: #55bb88; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem;
  margin: 0 auto; padding: 1rem; }
table { border-collapse: collapse; font-size: 0.9rem; }
th, td { padding: 0.2rem 0.6rem; text-align: right; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child, td.text { text-align: left; }
.wide { overflow-x: auto; }
svg { width: 100%; height: auto; }
svg text { fill: var(--ink); font-size: 12px; }
.udp { fill: var(--udp); } .tcp { fill: var(--tcp); } .starttls { fill: var(--starttls); } .tls { fill: var(--tls); }
.axis { stroke: var(--line); }
`;

export function reportHtml(report: Report): string {
  const { from, to, words, sources, figures } = report;
  const servers = sources.map(({ server }) => server).join(', ');
  const title = `DNS over TLS on ${servers}`;
  const costs = Object.entries(figures.transports).flatMap(([name, { cpu_per_query_with_handshakes: cpu }]) =>
    cpu === null ? [] : [{ name, value: cpu }],
  );
  const notes = notesOn(sources).map((note) => `<p>${escaped(note)}</p>`);
  return page(
    title,
    `<p>${timeText(from)} to ${timeText(to)}</p>
${notes.join('\n')}<p>${escaped(words)}</p>
<h2>Queries by transport</h2>
${plotOfQueries(report)}
${costs.length > 0 ? `<h2>CPU a query, with handshakes, in microseconds</h2>\n${plotOfValues(costs)}` : ''}
${reportTables(report).map(htmlTable).join('\n')}`,
  );
}

export function comparisonHtml(comparison: Comparison): string {
  const times = comparedTimes(comparison).map((line) => `<p>${escaped(line)}</p>`);
  return page(
    'DNS over TLS, before and after',
    `${times.join('\n')}
<p>${escaped(comparison.words)}</p>
${htmlTable(comparisonTable(comparison))}`,
  );
}

function page(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escaped(title)}</h1>
${content}
</main>
</body>
</html>
`;
}

function htmlTable({ title, head, rows, isLastText }: Table): string {
  const cell = (text: string, column: number): string =>
    isLastText && column === head.length - 1 ? `<td class="text">${escaped(text)}</td>` : `<td>${escaped(text)}</td>`;
  const lines = rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`);
  const heads = head.map((text) => `<th scope="col">${escaped(text)}</th>`).join('');
  return `<h2>${escaped(title)}</h2>
<div class="wide"><table>
<thead><tr>${heads}</tr></thead>
<tbody>
${lines.join('\n')}
</tbody>
</table></div>`;
}

function escaped(text: string): string {
  const marks: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replace(/[&<>"]/g, (mark) => marks[mark] ?? mark);
}
