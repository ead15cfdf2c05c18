/**
 * Metrics for Prometheus: its text format 0.0.4, or OpenMetrics 1.0.0 for clients that ask for it. The two differ in the name of a
 * counter's family, in whole numbers of `le`, and in the last line.
 * NOT here: timestamps, `_created`, exemplars.
 */
import type { HistogramValue } from '../counters/histogram-buckets.js';
import { labelNames, type Metric, type MetricsInput } from './metric.js';
import { METRICS } from './metrics.js';

type TextFormat = 'prometheus' | 'openmetrics';

/** The `Content-Type` of each format. */
export const CONTENT_TYPES: Readonly<Record<TextFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** The format for an `Accept` header: OpenMetrics only when it is named. Weights are ignored: either will do. */
export function acceptedFormat(accept: string | undefined): TextFormat {
  return accept?.includes('application/openmetrics-text') ? 'openmetrics' : 'prometheus';
}

/** All metrics as text. */
export function metricsText(input: MetricsInput, format: TextFormat = 'prometheus'): string {
  const lines: string[] = [];
  for (const metric of METRICS) writeMetric(lines, metric, input, format);
  if (format === 'openmetrics') lines.push('# EOF');
  return `${lines.join('\n')}\n`;
}

function writeMetric(lines: string[], metric: Metric, input: MetricsInput, format: TextFormat): void {
  const { name, type, unit } = metric;
  const open = format === 'openmetrics';
  const family = open && type === 'counter' ? name.replace(/_total$/, '') : name;
  lines.push(`# HELP ${family} ${escapeHelp(metric.help, open)}`, `# TYPE ${family} ${type}`);
  if (open && unit !== undefined) lines.push(`# UNIT ${family} ${unit}`);
  const names = labelNames(metric);
  for (const [values, value] of metric.read(input)) {
    const labels = names.map((label, index) => `${label}="${escapeLabel(values[index] ?? '')}"`);
    if (typeof value === 'number') lines.push(`${name}${braced(labels)} ${formatNumber(value)}`);
    else writeHistogram(lines, name, labels, value, open);
  }
}

function writeHistogram(
  lines: string[],
  name: string,
  labels: readonly string[],
  { bounds, counts, sum }: HistogramValue,
  open: boolean,
): void {
  let total = 0;
  for (const [index, count] of counts.entries()) {
    total += count;
    const bound = bounds[index] ?? Number.POSITIVE_INFINITY;
    const le = open && Number.isInteger(bound) ? `${bound}.0` : formatNumber(bound);
    lines.push(`${name}_bucket${braced([...labels, `le="${le}"`])} ${total}`);
  }
  lines.push(`${name}_sum${braced(labels)} ${formatNumber(sum)}`, `${name}_count${braced(labels)} ${total}`);
}

function braced(labels: readonly string[]): string {
  return labels.length === 0 ? '' : `{${labels.join(',')}}`;
}

function formatNumber(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}

function escapeLabel(text: string): string {
  return text.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n');
}

function escapeHelp(text: string, open: boolean): string {
  return open ? escapeLabel(text) : text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
}
