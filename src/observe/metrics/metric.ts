/**
 * A metric as a row: what it is called, what it says, and where its numbers come from. What is shown to Prometheus
 * (prometheus.ts) and to people (reference.ts) follows from the rows, which are in metrics/.
 */
import type { HistogramValue } from '../counters/histogram-buckets.js';
import type { ProcessFacts } from './process-facts.js';
import type { ServerFacts } from './server-facts.js';

/** What metrics are read from. */
export interface MetricsInput {
  readonly server: ServerFacts;
  readonly process: ProcessFacts;
  /** Zones that have time series of their own. */
  readonly zoneLimit: number;
}

interface Described {
  /** With the unit, and for counters `_total`, at its end: Prometheus' conventions. */
  readonly name: string;
  /** One sentence or two. */
  readonly help: string;
  /** The unit that the name ends with. */
  readonly unit?: 'seconds' | 'bytes';
  /** Names of the labels, and for people what values there are. */
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

/** The only series of a metric without labels; none where the number is not known. */
export function single(value: number | undefined): readonly (readonly [readonly string[], number])[] {
  return value === undefined ? [] : [[[], value]];
}
