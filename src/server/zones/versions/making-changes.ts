/** From changes of a zone to its next version. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { contentOf } from '../../../dnssec/signing/content-runs.js';
import { AdotdError, ErrorCode } from '../../../errors.js';
import type { PendingView } from '../../../image/changes/pending-view.js';
import { imageFacts } from '../../../image/image-facts.js';
import { Type } from '../../../protocol/iana.js';
import { readU32 } from '../../../protocol/octets.js';
import type { Clock } from '../../../session/clock.js';
import { type Difference, differenceOf } from '../../../zone/changes/difference.js';
import type { EffectivePolicy } from '../../zone-policy.js';
import type { Signing } from '../jobs/apply-change.js';
import type { Lane } from '../jobs/loader-lane.js';
import { nextSerial } from '../jobs/serial-policy.js';
import { renewDigests } from '../jobs/zone-digests.js';
import { inOrder, type Kept, stateError, type WaitingChange } from '../kept-zone.js';
import { Gathering } from './gathering.js';

/** Octets from the serial to the end of SOA RDATA (RFC 1035 §3.3.13). */
const SOA_SERIAL = 20;

interface Context {
  /** Key of the zone's name. */
  readonly zone: string;
  /** The serial that is served. */
  readonly published: number;
  readonly policy: EffectivePolicy;
  /** Seconds since 1970. */
  readonly now: number;
  readonly lane: Lane;
  /** undefined: the version is not signed. */
  readonly signing?: Signing | undefined;
  /** As ZoneChange has it. */
  readonly isLenient?: boolean | undefined;
  /** Keys in the view are those of the plan: they are no part of the change. */
  readonly hasForeign?: boolean | undefined;
}

/** A version as it was made. */
interface MadeVersion {
  readonly image: Uint8Array;
  /** Of the content. */
  readonly content: Difference;
  /** From the older version; undefined: most of the records are others. */
  readonly difference: Difference | undefined;
  /** Signatures that were made. */
  readonly made: number;
  /** Seconds since 1970: when the first RRset loses its last signature; undefined without signatures. */
  readonly signaturesExpire: number | undefined;
}

/**
 * Adds a change to those that wait. When the earlier work on the zone is done, `makeAll`, which never rejects, makes all changes that wait
 * then.
 */
export function enqueue(
  kept: Kept,
  change: WaitingChange,
  clock: Clock,
  makeAll: (batch: readonly WaitingChange[]) => Promise<void>,
): void {
  kept.waiting.push(change);
  kept.gathering?.came(kept.waiting.length);
  if (kept.waiting.length > 1) return;
  void inOrder(kept, async () => {
    kept.gathering ??= new Gathering(clock);
    await kept.gathering.wait(kept.waiting.length);
    const began = clock.milliseconds();
    const batch = kept.waiting.splice(0);
    await makeAll(batch);
    kept.gathering.made(batch.length + kept.waiting.length, began);
  });
}

/**
 * Makes the version that a view of the image `older` shows. Throws ADOTD_ZONE_INVALID when that is no valid zone, and ADOTD_DNSSEC_KEY when
 * it cannot be signed.
 */
export async function versionOf(older: Uint8Array, view: PendingView, context: Context): Promise<MadeVersion> {
  const { published, policy, now } = context;
  const serial = nextSerial(policy.serial, published, now, serialOf(view));
  renewDigests(view, policy.zonemd, serial);
  const difference = view.difference(serial);
  if (context.hasForeign !== true) return appliedVersion(older, difference, context);
  const { removed, added } = contentOf(difference.apex, difference);
  return appliedVersion(older, differenceOf(difference.apex, removed, added), context);
}

/** As versionOf(), of a difference of the content. Throws ADOTD_RECORD_MISSING and ADOTD_RECORD_PRESENT when it does not fit `older`. */
export async function appliedVersion(
  older: Uint8Array,
  change: Difference,
  { zone, now, lane, signing, isLenient }: Pick<Context, 'zone' | 'now' | 'lane' | 'signing' | 'isLenient'>,
): Promise<MadeVersion> {
  const done = await lane.run({ kind: 'apply', image: older, difference: change, now, signing, isLenient });
  const { image, content, diagnostics, made, signaturesExpire } = done;
  const difference = signing?.extent === 'content' ? undefined : done.difference;
  if (image !== undefined) return { image, content, difference, made, signaturesExpire };
  const errors = diagnostics.filter(({ severity }) => severity === 'error').map(({ message }) => message);
  throw new AdotdError(ErrorCode.ZONE_INVALID, `a change of ${zone}: ${errors.join('; ')}`);
}

/** The image that changes of a zone begin at: the one that is served. Throws ADOTD_ZONE_STATE. */
export function changeable(kept: Kept, served: Uint8Array | undefined): Uint8Array {
  const { zone, role } = kept;
  if (role === 'secondary' || role === 'catalog-consumed')
    throw stateError(zone, 'comes from a primary: it is changed there');
  return signable(kept, served);
}

/** The image that a zone is signed anew from: the one that is served. Throws ADOTD_ZONE_STATE. */
export function signable({ zone, role, plan }: Kept, served: Uint8Array | undefined): Uint8Array {
  if (role === 'catalog-consumed') throw stateError(zone, 'is a catalog: it is not signed here');
  if (served === undefined) throw stateError(zone, 'has no version that could be changed');
  if (!isSignedElsewhere(plan, served)) return served;
  const reason = 'is signed elsewhere: a change here would break its signatures';
  const remedy = `adotd ctl transfer ${zone} --full brings what its primary has now`;
  throw stateError(zone, role === 'secondary' ? `${reason}; ${remedy}` : reason);
}

/** Whether an image has signatures that were not made here. `plan`: id of the plan by which it is signed. */
export function isSignedElsewhere(plan: string | undefined, image: Uint8Array): boolean {
  return plan === undefined && imageFacts(image).signed;
}

/** Milliseconds of changes in one turn of the event loop: the control thread has other work. */
const TURN = 10;

/** Applies changes to the view, and returns those that were not rejected. Many slow ones take several turns of the event loop. */
export async function attemptAll(batch: readonly WaitingChange[], view: PendingView): Promise<WaitingChange[]> {
  const taken: WaitingChange[] = [];
  let began = performance.now();
  for (const one of batch) {
    if (performance.now() - began >= TURN) {
      await nextTurn();
      began = performance.now();
    }
    if (attempt(one, view)) taken.push(one);
  }
  return taken;
}

/** Applies a change to the view; returns false when it was rejected. */
function attempt({ make, reject }: WaitingChange, view: PendingView): boolean {
  try {
    const changes = make(view);
    if (changes !== undefined) view.apply(changes);
    return true;
  } catch (error) {
    reject(error);
    return false;
  }
}

/** The serial that changes want, or that the zone has. */
function serialOf(view: PendingView): number {
  const [soa] = view.rrset(view.apex, Type.SOA);
  return soa === undefined ? 0 : readU32(soa.rdata, soa.rdata.length - SOA_SERIAL);
}
