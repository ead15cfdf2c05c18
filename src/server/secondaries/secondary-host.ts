/** The settings of the secondary zones, their calls to the server, and the facts that they report: plain data. */
import type { SecondaryFacts } from '../../observe/metrics/secondary-facts.js';
import type { RefreshFacts } from '../../transfer/in/zone-refresh.js';
import type { Difference } from '../../zone/changes/difference.js';
import type { PrimarySettings, TransferLimits } from './primary-settings.js';

/** A secondary zone, as plain data. */
export interface SecondaryZone {
  /** As zoneKey() makes it. */
  readonly key: string;
  /** In wire format. */
  readonly apex: Uint8Array;
  /** Names of remotes, in the order in which they are asked. */
  readonly from: readonly string[];
  /** Of the version that is served. */
  readonly facts: RefreshFacts | undefined;
  /** Whether it is signed here: then its primaries' records are its content only. */
  readonly isSignedHere: boolean;
}

/** All that the service is told, as plain data. */
export interface SecondarySettings {
  readonly zones: readonly SecondaryZone[];
  readonly primaries: readonly PrimarySettings[];
  readonly limits: TransferLimits;
  /** Addresses of the resolvers that host names of primaries are looked up with; none: those of the system. */
  readonly resolver: readonly string[];
  /** As in the configuration. */
  readonly nsec3MaxIterations: number;
}

/** A version as the primary has it. */
interface ReceivedWhole {
  readonly form: 'version';
  readonly image: Uint8Array;
  /** From the version before; undefined: the whole zone was transferred. */
  readonly differences: readonly Difference[] | undefined;
  /** The records of a zone that was transferred whole, as a run, in shared memory. */
  readonly run: Uint8Array | undefined;
}

/** The transferred records of a zone, to be stored and served. */
export type ReceivedRecords =
  | ReceivedWhole
  /** The content of a zone that is signed here. */
  | { readonly form: 'content'; readonly image: Uint8Array }
  /** The change that leads to it from the content before. */
  | { readonly form: 'change'; readonly difference: Difference };

/** Images are compiled, in shared memory. */
export type ReceivedVersion = ReceivedFacts & ReceivedRecords;

interface ReceivedFacts {
  /** The primary's serial. */
  readonly serial: number;
  /** The remote that gave it. */
  readonly origin: string;
  readonly facts: RefreshFacts;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** The functions of the server that the service needs. */
export interface SecondaryHost {
  /** The image that is served as the zone; undefined: none. */
  image(zone: string): Promise<Uint8Array | undefined>;
  /** Stores a version, and serves it. Rejects when it cannot be stored: then the version before stays. */
  adopt(zone: string, version: ReceivedVersion): Promise<void>;
  /** A primary confirmed the version: these facts are to be stored. */
  confirm(zone: string, facts: RefreshFacts): Promise<void>;
  /** The version has expired: it must not be served. */
  expire(zone: string): Promise<void>;
  /** A version that had expired is valid again. */
  renew(zone: string): Promise<void>;
  log(level: LogLevel, fields: object, text: string): void;
}

/** The result of a round of a zone. */
export interface RoundResult {
  /** Whether a primary confirmed the version that is served now, or gave it. */
  readonly isConfirmed: boolean;
  /** undefined: there is no version. */
  readonly serial: number | undefined;
  /** Whether a new version came. */
  readonly isNew: boolean;
  /** The error of each primary that failed. */
  readonly failures: readonly string[];
}

/** The status of a secondary zone. Times are in seconds since 1970. */
export interface SecondaryStatus {
  readonly primaries: readonly string[];
  readonly serial: number | undefined;
  readonly origin: string | undefined;
  /** When a primary last confirmed the version. */
  readonly checked: number | undefined;
  readonly expires: number | undefined;
  readonly expired: boolean;
  /** When it is checked next; undefined: now. */
  readonly refresh: number | undefined;
  /** Rounds in a row without success. */
  readonly failures: number;
  /** Of the last round that failed. */
  readonly error: string | undefined;
}

/** Counts of the service since its start, and of its zones now. */
export type SecondaryCounts = Omit<SecondaryFacts, 'refusedNotifies'>;
