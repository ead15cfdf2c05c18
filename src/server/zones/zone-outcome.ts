/** What a load or reload did to each zone, for the log, the control socket and the metrics. */
import type { Diagnostic } from '../../zone/diagnostics.js';

export type ZoneOutcomeKind =
  /** Served for the first time. */
  | 'added'
  /** Served anew. */
  | 'loaded'
  /** Its files are as they were: nothing was done. */
  | 'unchanged'
  /** Its files have errors: it is served as it was. */
  | 'kept'
  /** Its files have errors, and there is nothing to serve: answered with SERVFAIL. */
  | 'failed'
  /** Its file is gone: served no more. */
  | 'removed';

/** Plain data. */
export interface ZoneOutcome {
  /** In presentation format; the file when nobody knows. */
  readonly name: string;
  readonly file: string;
  readonly result: ZoneOutcomeKind;
  /** Serial that was served before, and that is served now. */
  readonly before?: number | undefined;
  readonly after?: number | undefined;
  readonly diagnostics: readonly Diagnostic[];
  /** How many there were; some may not be listed. */
  readonly errors: number;
  readonly warnings: number;
  /** Time that loading took. */
  readonly milliseconds: number;
}

/** How many zones had which outcome. */
export type OutcomeCounts = Readonly<Record<ZoneOutcomeKind, number>>;

export function countOutcomes(outcomes: readonly ZoneOutcome[]): OutcomeCounts {
  const counts = { added: 0, loaded: 0, unchanged: 0, kept: 0, failed: 0, removed: 0 };
  for (const { result } of outcomes) counts[result]++;
  return counts;
}

/** `2 loaded, 1 kept`; `nothing changed` when that is so. */
export function outcomeText(counts: OutcomeCounts): string {
  const parts = Object.entries(counts).filter(([kind, count]) => count > 0 && kind !== 'unchanged');
  return parts.map(([kind, count]) => `${count} ${kind}`).join(', ') || 'nothing changed';
}

/** What an outcome has where nothing was loaded. */
export const NOTHING_DONE = { diagnostics: [], errors: 0, warnings: 0, milliseconds: 0 };

/** What is known of a zone; plain data. */
export interface ZoneStatus {
  /** In presentation format; the file when nobody knows. */
  readonly name: string;
  readonly file: string;
  /** `kept`: served as it was, its files have errors. `failed`: answered with SERVFAIL. */
  readonly state: 'served' | 'kept' | 'failed';
  readonly serial: number;
  readonly records: number;
  /** Octets of its image. */
  readonly octets: number;
  readonly signed: boolean;
  /** When what is served was loaded: seconds since 1970; and how long that took. */
  readonly loadedAt: number;
  readonly milliseconds: number;
  /** Of the last attempt to load it. */
  readonly diagnostics: readonly Diagnostic[];
}
