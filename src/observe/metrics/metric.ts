/**
 * A metric as a row: its name, its meaning, and the function that reads its numbers. The text for Prometheus (prometheus.ts) and for people
 * (metrics-reference.ts) follows from the rows.
 */
import type { HistogramValue } from '../counters/histogram-buckets.js';
import type { ProcessFacts } from './process-facts.js';
import type { ServerFacts } from './server-facts.js';

/** The sources of all metrics. */
export interface MetricsInput {
  readonly server: ServerFacts;
  readonly process: ProcessFacts;
  /** How many zones have time series of their own. */
  readonly zoneLimit: number;
}

interface Described {
  /** With the unit, and for counters `_total`, at its end: Prometheus' conventions. */
  readonly name: string;
  /** One sentence or two. */
  readonly help: string;
  /** The unit that the name ends with. */
  readonly unit?: 'seconds' | 'bytes';
  /** Names of the labels, each with a text about its values. */
  readonly labels?: Readonly<Record<string, string>>;
}

export type Metric = Described &
  (
    | { readonly type: 'counter' | 'gauge'; read(input: MetricsInput): Iterable<readonly [readonly string[], number]> }
    | { readonly type: 'histogram'; read(input: MetricsInput): Iterable<readonly [readonly string[], HistogramValue]> }
  );

/** Names of a metric's labels. */
export function labelNames({ labels = {} }: Metric): readonly string[] {
  return Object.keys(labels);
}

/** The only series of a metric without labels; none when the number is unknown. */
export function single(value: number | undefined): readonly (readonly [readonly string[], number])[] {
  return value === undefined ? [] : [[[], value]];
}
