/** The state of one zone in the keeper, and the queue of the work on it. */
import { AdotdError, ErrorCode } from '../../errors.js';
import type { Changes, ZoneView } from '../../image/changes/zone-view.js';
import type { StoredFacts } from '../../state/zone-facts.js';
import type { Difference } from '../../zone/changes/difference.js';
import type { RunPair } from '../../zone/changes/record-run.js';
import type { SigningPlan } from '../signing/zone-signers.js';
import type { Gathering } from './versions/gathering.js';

/** The source of a zone. */
export type ZoneRole = 'file' | 'secondary' | 'catalog-consumed' | 'catalog-produced';

/** The facts about a zone. Plain data. */
export interface KeptZone {
  /** Key of its name (zoneKey). */
  readonly zone: string;
  /** In wire format. */
  readonly apex: Uint8Array;
  readonly role: ZoneRole;
  /** `empty`: never transferred or made. `expired`: its primaries are silent for too long. Both are answered with SERVFAIL. */
  readonly state: 'served' | 'empty' | 'expired' | 'failed';
  /** The version that is served, or that was served when the zone expired. */
  readonly image: Uint8Array | undefined;
  /** The published one; 0 without an image. */
  readonly serial: number;
  /** Serial of the file, or of the primary's version. */
  readonly sourceSerial: number;
  /** Differences that lead to the image, oldest first. */
  readonly history: readonly Difference[];
  /** Name of the remote that gave the version. */
  readonly origin: string | undefined;
  /** Changes that wait. */
  readonly pending: number;
  /** Id of the plan by which the version is signed (signing/zone-signers.ts); undefined: it is not signed here. */
  readonly plan: string | undefined;
  /** Of a zone that has a file: the change from the file as it was loaded to the zone's content. */
  readonly overlay: RunPair | undefined;
}

/** A version that was made: by a transfer, a change, or by signing anew. */
export interface NewVersion {
  /** Compiled, in shared memory. */
  readonly image: Uint8Array;
  /** Its records as a run (zone/changes/record-run.ts), where they are at hand. */
  readonly run?: Uint8Array | undefined;
  /** From the version that was served before; undefined: the content is another altogether. */
  readonly differences: readonly Difference[] | undefined;
  /** That of the primary; the published one is the image's. */
  readonly sourceSerial: number;
  /** Name of the remote that gave it. */
  readonly origin?: string | undefined;
  /** By which it is signed; undefined: it is not signed here. */
  readonly plan?: SigningPlan | undefined;
  /** Seconds since 1970, of a version that is signed here: when the first RRset loses its last signature. */
  readonly signaturesExpire?: number | undefined;
  /** Image of the zone's file, where that is not stored yet. */
  readonly source?: Uint8Array | undefined;
  /** Stored with the version. `timers.expires`: when it expires, in seconds since 1970. */
  readonly facts?: Partial<StoredFacts> | undefined;
}

/** Makes a change: gets the version as calls before it have left it; undefined: there is nothing to change. */
export type MakeChanges = (view: ZoneView) => Changes | undefined;

/** A call of change() that waits. */
export interface WaitingChange {
  readonly make: MakeChanges;
  resolve(done: { readonly serial: number }): void;
  reject(error: unknown): void;
}

/** The keeper's record of a zone. Only the work in its queue changes it. */
export interface Kept {
  readonly zone: string;
  readonly apex: Uint8Array;
  role: ZoneRole;
  state: KeptZone['state'];
  serial: number;
  sourceSerial: number;
  history: readonly Difference[];
  origin: string | undefined;
  /** The image that was served when the zone expired. */
  expired: Uint8Array | undefined;
  /**
   * Of a zone that has a file and is changed beside it: the change from the file as it was loaded to the zone's content, SOA records too;
   * undefined: they have the same records.
   */
  overlay: RunPair | undefined;
  /** Id of the plan by which the version is signed; undefined: it is not signed here. */
  plan: string | undefined;
  readonly waiting: WaitingChange[];
  /** undefined: it was not changed yet. */
  gathering: Gathering | undefined;
  /** Fulfilled when the work so far is done; never rejects. */
  tail: Promise<void>;
}

const NO_CHANGES: RunPair = { removed: new Uint8Array(0), added: new Uint8Array(0) };

export function newKept(zone: string, apex: Uint8Array, role: ZoneRole): Kept {
  const unknown = { origin: undefined, expired: undefined, overlay: undefined, plan: undefined };
  const known = { serial: 0, sourceSerial: 0, history: [], ...unknown };
  return { zone, apex, role, state: 'empty', ...known, waiting: [], gathering: undefined, tail: Promise.resolve() };
}

/** Does work when all earlier work on the zone is done; work of other zones does not wait for it. */
export function inOrder<T>(kept: Kept, work: () => Promise<T>): Promise<T> {
  const done = kept.tail.then(work);
  kept.tail = done.then(
    () => undefined,
    () => undefined,
  );
  return done;
}

/** Rejects the changes of a zone that wait. */
export function giveUp({ zone, waiting, gathering }: Kept, reason: string): void {
  for (const { reject } of waiting.splice(0)) reject(stateError(zone, reason));
  gathering?.end();
}

/** Whether a zone of the keeper's has not been taken away since. */
export function isKept(zones: ReadonlyMap<string, Kept>, kept: Kept): boolean {
  return zones.get(kept.zone) === kept;
}

/** Throws ADOTD_ZONE_STATE when the zone has been taken away: work that began before must not bring it back. */
export function mustBeKept(zones: ReadonlyMap<string, Kept>, kept: Kept): void {
  if (!isKept(zones, kept)) throw stateError(kept.zone, 'is not served any more');
}

/** The facts about a zone. `image`: the version that is served, or that has expired. */
export function describe(kept: Kept, image: Uint8Array | undefined): KeptZone {
  const { zone, apex, role, state, serial, sourceSerial, history, origin, waiting, plan } = kept;
  const overlay = role === 'file' ? (kept.overlay ?? NO_CHANGES) : undefined;
  const pending = waiting.length;
  return { zone, apex, role, state, image, serial, sourceSerial, history, origin, pending, plan, overlay };
}

/** The error of a zone that cannot be changed as it is. */
export function stateError(zone: string, reason: string): AdotdError {
  return new AdotdError(ErrorCode.ZONE_STATE, `zone ${zone} ${reason}`);
}
