/** A report as text for a terminal. */
import { type Comparison, comparedTimes, comparisonTable } from './comparison.js';
import type { Report } from './make-report.js';
import { reportTables, type Table, timeText } from './report-tables.js';
import { notesOn } from './report-words.js';

export function reportText(report: Report): string {
  const { from, to, words, sources } = report;
  const servers = sources.map(({ server }) => server);
  const lines = [
    `${timeText(from)} to ${timeText(to)}, ${servers.length === 1 ? 'server' : 'servers'} ${servers.join(', ')}`,
    ...notesOn(sources),
    '',
    words,
    ...reportTables(report).flatMap((table) => ['', ...tableLines(table)]),
  ];
  return `${lines.join('\n')}\n`;
}

export function comparisonText(comparison: Comparison): string {
  const lines = [...comparedTimes(comparison), '', comparison.words, '', ...tableLines(comparisonTable(comparison))];
  return `${lines.join('\n')}\n`;
}

/** The first column to the left, numbers to the right, words as they are. */
function tableLines({ head, rows, isLastText }: Table): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const cell = (text: string, column: number): string => {
    if (column === 0) return text.padEnd(widths[0]!);
    return isLastText && column === head.length - 1 ? text : text.padStart(widths[column]!);
  };
  return all.map((row) => row.map(cell).join('  ').trimEnd());
}
