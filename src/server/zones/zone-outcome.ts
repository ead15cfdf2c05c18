/** The outcome of a load or reload for each zone; for the log, the control socket and the metrics. */
import type { Diagnostic } from '../../zone/diagnostics.js';
import type { SecondaryStatus } from '../secondaries/secondary-host.js';
import type { KeptZone } from './kept-zone.js';

export type ZoneOutcomeKind =
  /** Served for the first time. */
  | 'added'
  /** Its new content is served. */
  | 'loaded'
  /** Its files have the same content: nothing was done. */
  | 'unchanged'
  /** Its files have errors: the old content is served. */
  | 'kept'
  /** Its files have errors, and there is no old content: it is answered with SERVFAIL. */
  | 'failed'
  /** Its file is gone: it is not served any more. */
  | 'removed';

/** Plain data. */
export interface ZoneOutcome {
  /** In presentation format; the file's path when the name is unknown. */
  readonly name: string;
  readonly file: string;
  readonly result: ZoneOutcomeKind;
  /** The serials that were served before, and are served now. */
  readonly before?: number | undefined;
  readonly after?: number | undefined;
  readonly diagnostics: readonly Diagnostic[];
  /** All, including those that are not listed. */
  readonly errors: number;
  readonly warnings: number;
  /** The time that loading took. */
  readonly milliseconds: number;
}

/** Numbers of zones with each outcome. */
export type OutcomeCounts = Readonly<Record<ZoneOutcomeKind, number>>;

export function countOutcomes(outcomes: readonly ZoneOutcome[]): OutcomeCounts {
  const counts = { added: 0, loaded: 0, unchanged: 0, kept: 0, failed: 0, removed: 0 };
  for (const { result } of outcomes) counts[result]++;
  return counts;
}

/** `2 loaded, 1 kept`, or `nothing changed`. */
export function outcomeText(counts: OutcomeCounts): string {
  const parts = Object.entries(counts).filter(([kind, count]) => count > 0 && kind !== 'unchanged');
  return parts.map(([kind, count]) => `${count} ${kind}`).join(', ') || 'nothing changed';
}

/** The part of an outcome that says that nothing was loaded. */
export const NOTHING_DONE = { diagnostics: [], errors: 0, warnings: 0, milliseconds: 0 };

/** A zone among other nameservers; plain data. */
interface ZoneTies {
  readonly role: KeptZone['role'];
  /** `empty`: it was never transferred. `expired`: its primaries have been silent for too long. */
  readonly state: KeptZone['state'];
  /** Serial of the file, or of the primary's version. */
  readonly sourceSerial: number;
  /** The remote that gave the version. */
  readonly origin?: string | undefined;
  /** Differences that IXFR can send. */
  readonly history: number;
  /** Octets of differences that are stored behind the last whole version. */
  readonly journal: number;
  /** Changes that wait. */
  readonly pending: number;
  /** undefined: it has no primaries. */
  readonly secondary?: SecondaryStatus | undefined;
  /** undefined: it is not signed here. */
  readonly signing?: SigningSummary | undefined;
}

/** A summary of the signing of a zone; `adotd ctl dnssec status` says more. Plain data. */
export interface SigningSummary {
  /** Name of the policy that is in force; undefined: none. */
  readonly policy: string | undefined;
  /** As DnssecStatus has it. */
  readonly state: string;
  readonly isFrozen: boolean;
  readonly keys: number;
  /** Seconds since 1970: when there is something to do next. */
  readonly next: number | undefined;
}

/** The status of a zone; plain data. */
export interface ZoneStatus {
  /** In presentation format; the file's path when the name is unknown. */
  readonly name: string;
  /** '' for a zone that is in no file. */
  readonly file: string;
  /** `kept`: the old content is served, since the files have errors. `failed`: answered with SERVFAIL. */
  readonly state: 'served' | 'kept' | 'failed';
  readonly serial: number;
  readonly records: number;
  /** Octets of its image. */
  readonly octets: number;
  readonly signed: boolean;
  /** Seconds since 1970: when the first RRset loses its last signature; undefined without signatures. */
  readonly signaturesExpire: number | undefined;
  /** When the content that is served was loaded (seconds since 1970), and the time that this took. */
  readonly loadedAt: number;
  readonly milliseconds: number;
  /** Of the last attempt to load it. */
  readonly diagnostics: readonly Diagnostic[];
  /** Known to a running server only. */
  readonly ties?: ZoneTies | undefined;
}

/** The names of zones, also of those that have errors; without files whose zone is unknown. */
export function knownNames(zones: readonly ZoneStatus[]): string[] {
  return zones.flatMap(({ name, file }) => (name === file && file.includes('/') ? [] : [name]));
}
