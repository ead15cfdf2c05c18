/**
 * A report as comma-separated values (RFC 4180): a line for each minute or hour of all sources together, and a column for each number that
 * is not 0 in all of them. CPU, work and times of histograms are in microseconds, as in the rows.
 */
import type { Comparison } from './comparison.js';
import { cellsByTime, type Report } from './make-report.js';
import { nameOf } from './measures.js';

export function reportCsv({ sources, from, to, step }: Pick<Report, 'sources' | 'from' | 'to' | 'step'>): string {
  const rows = [...cellsByTime(sources, { from, to }, step)];
  const ids = [...new Set(rows.flatMap(([, cells]) => [...cells.keys()]))].sort((a, b) => a - b);
  const head = ['time', 'at', 'period', ...ids.map((id) => nameOf(id) ?? '')];
  const lines = rows.map(([at, cells]) => [
    new Date(at * 1000).toISOString().replace('.000', ''),
    at,
    step,
    ...ids.map((id) => cells.get(id) ?? 0),
  ]);
  return [head, ...lines].map((line) => `${line.join(',')}\r\n`).join('');
}

/** A line for each figure; one that is not known is empty. */
export function comparisonCsv({ rows }: Comparison): string {
  const lines = rows.map(({ name, unit, before, after, change }) => [
    name,
    unit,
    before ?? '',
    after ?? '',
    change ?? '',
  ]);
  return [['figure', 'unit', 'before', 'after', 'change'], ...lines].map((line) => `${line.join(',')}\r\n`).join('');
}
