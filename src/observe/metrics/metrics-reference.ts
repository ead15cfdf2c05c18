/** docs/metrics.md: every metric with its meaning, made from the table. */
import { labelNames, type Metric } from './metric.js';
import { METRIC_GROUPS } from './metrics.js';

const INTRODUCTION = `# Metrics

\`GET /metrics\` shows these metrics, in the text format of Prometheus or, if the client asks for it, in OpenMetrics. \`npm run docs\`
writes this page from the table of the metrics.

Counters begin at zero when the process starts. When a thread dies and is replaced, its counts stay, and its sessions and handshakes are
counted as \`lost\`. No client can make the number of label values grow. Only
\`zone\` grows with the configuration, up to \`metrics.zones\`.
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
