/** docs/metrics.md: every metric with what it says, made from the table. */
import { labelNames, type Metric } from './metric.js';
import { METRIC_GROUPS } from './metrics.js';

const INTRODUCTION = `# Metrics

What \`GET /metrics\` shows, in Prometheus' text format and, to who asks for it, OpenMetrics. This page is written by
\`npm run docs\` from the table that the metrics are made from.

Counters begin at zero with the process. What a thread has counted stays when it dies and is started again; but its sessions were
opened and never closed: \`adotd_sessions_open\`, which is counted apart, is right. Label values are from lists that do not grow with what clients send; \`zone\` is the one that grows with the
configuration, up to \`metrics.zones\`.
`;

/** The page. */
export function metricsMarkdown(): string {
  const parts = [INTRODUCTION];
  for (const [title, metrics] of METRIC_GROUPS) {
    parts.push(`## ${title}\n`, '| metric | type | labels | meaning |\n|---|---|---|---|', ...metrics.map(row), '');
  }
  return parts.join('\n');
}

function row(metric: Metric): string {
  const labels = labelNames(metric).map((name) => `\`${name}\`: ${metric.labels?.[name]}`);
  return `| \`${metric.name}\` | ${metric.type} | ${labels.join('; ')} | ${metric.help} |`;
}
