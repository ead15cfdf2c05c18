/**
 * Histograms as words of a Float64Array: one for each bucket, one for values above the last bound, one for the sum. A word counts its
 * own bucket only; prometheus.ts adds them up, since Prometheus wants cumulative counts.
 */

/** Upper bounds, inclusive and rising, in the unit of the values. */
type Bounds = readonly number[];

/** Octets of messages: powers of two up to 512; 1232 fits everywhere (RFC 9715), 4096 is the largest UDP payload. */
export const SIZES: Bounds = [32, 64, 128, 256, 512, 1232, 4096, 16_384, 65_535];

/** Seconds that respond() takes: from a quarter of a microsecond up to a second, to show pauses of the thread. */
export const RESPOND_TIMES: Bounds = [
  0.25e-6, 0.5e-6, 1e-6, 2e-6, 4e-6, 8e-6, 16e-6, 32e-6, 64e-6, 128e-6, 256e-6, 1e-3, 4e-3, 16e-3, 64e-3, 1,
];

/** Seconds that sessions are open: a single exchange, then idle times, then resolvers that stay for hours. */
export const SESSION_TIMES: Bounds = [0.01, 0.1, 1, 2.5, 5, 10, 15, 30, 60, 300, 900, 3600, 14_400];

/** Seconds that TLS handshakes take: computing, and one to three round trips. */
export const HANDSHAKE_TIMES: Bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** Seconds of the round trips of connections: within a building, a country, a continent, around the world, and by satellite. */
export const ROUND_TRIPS: Bounds = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 1];

/** Seconds between two queries of a session, or two runs of them: from bursts to the longest idle times that servers have. */
export const PAUSES: Bounds = [0.01, 0.1, 0.5, 1, 2.5, 5, 10, 15, 30, 60, 120, 300];

/** Queries of a session: none, where a client only looks; one, where it does not reuse its sessions; then powers of ten. */
export const SESSION_QUERIES: Bounds = [0, 1, 2, 5, 10, 100, 1000, 10_000, 100_000];

/** Seconds that signed versions of zones take: one change of a small zone, up to a million names. */
export const SIGNING_TIMES: Bounds = [0.001, 0.0025, 0.01, 0.025, 0.1, 0.25, 1, 2.5, 10, 30, 60, 300];

/** Words that a histogram takes. */
export function histogramWords(bounds: Bounds): number {
  return bounds.length + 2;
}

/** The counts of a histogram. */
export interface HistogramValue {
  readonly bounds: Bounds;
  /** One for each bound, and one for values above the last; not cumulative. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** The histogram whose words begin at `at`. */
export function readHistogram(words: Float64Array, at: number, bounds: Bounds): HistogramValue {
  const last = at + bounds.length + 1;
  return { bounds, counts: [...words.subarray(at, last)], sum: words[last]! };
}

/** Counts `value` in the histogram at `at`. For rare events; sizes have a table (SIZE_BUCKET). */
export function observe(words: Float64Array, at: number, bounds: Bounds, value: number): void {
  let bucket = 0;
  while (bucket < bounds.length && value > bounds[bucket]!) bucket++;
  words[at + bucket]!++;
  words[at + bounds.length + 1]! += value;
}

/** All bounds but the last are multiples of it. */
const STEP_BITS = 4;

/** The bucket of SIZES for a message of n octets, by (n + 15) >> 4. */
const SIZE_BUCKET: Uint8Array = Uint8Array.from({ length: (65_536 >> STEP_BITS) + 1 }, (_, step) => {
  const bucket = SIZES.findIndex((bound) => step << STEP_BITS <= bound);
  return bucket < 0 ? SIZES.length - 1 : bucket;
});

/** The bucket of SIZES for a message of `octets`, 0 to 65,535. */
export function sizeBucket(octets: number): number {
  return SIZE_BUCKET[(octets + (1 << STEP_BITS) - 1) >> STEP_BITS]!;
}
