/** Signing as part of making an image: of a zone's content, or of a change of it. Pure, like load.ts. */

import { signContent } from '../../dnssec/signing/sign-content.js';
import { type DueRrset, signDifference } from '../../dnssec/signing/sign-difference.js';
import type { SigningContext } from '../../dnssec/signing/signature-maker.js';
import { isDue, isEarly, secondsUntil } from '../../dnssec/signing/signature-times.js';
import type { SigningPolicy } from '../../dnssec/signing/signing-policy.js';
import { Type } from '../../protocol/iana.js';
import { LOWER } from '../../protocol/name.js';
import { readU16, readU32 } from '../../protocol/octets.js';
import type { Difference } from '../../zone/changes/difference.js';
import { Diagnostics } from '../../zone/diagnostics.js';
import { Rrsig } from '../../zone/rrsets.js';
import type { RecordStore } from '../../zone/store.js';
import { applyDifference, mergedRecords } from '../changes/apply.js';
import { diff } from '../changes/diff.js';
import { ImageRecords } from '../changes/image-records.js';
import { type Loaded, type LoadOptions, loadRecords } from '../load.js';
import { SignedImage } from './signed-image.js';

/** A signed zone. */
interface LoadedSigned {
  readonly loaded: Loaded;
  /** Signatures that were made. */
  readonly made: number;
}

/** A signed zone, and the difference that leads to it from the version before; no difference after errors. */
interface SignedVersion extends LoadedSigned {
  readonly difference: Difference | undefined;
}

/**
 * Signs the records of a sound zone, and makes an image of it. `older`: the image of a signed version, whose signatures are kept
 * where the RRset is the same. Throws ADOTD_DNSSEC_KEY.
 */
export function signRecords(
  content: RecordStore,
  context: SigningContext,
  options: LoadOptions,
  older?: Uint8Array,
): LoadedSigned {
  const view = older === undefined ? undefined : new SignedImage(older);
  const { store, made } = signContent(content, context, view);
  return { loaded: loadRecords(store, new Diagnostics(options.maxDiagnostics), options), made };
}

/**
 * Signs a change of the zone of `image`. `difference` is of its content, and changes at least the serial; so a roll of keys, or the
 * renewal of the signatures that are `due`, has nothing but both SOA records. Throws the errors of applyDifference() and
 * signDifference().
 */
export function signChange(
  image: Uint8Array,
  difference: Difference,
  context: SigningContext,
  options: LoadOptions,
  due: readonly DueRrset[] = [],
): SignedVersion {
  const signed = context.isAnew ? undefined : signDifference(new SignedImage(image), difference, context, due);
  if (signed !== undefined) return { ...signed, loaded: applyDifference(image, signed.difference, options) };
  const { loaded, made } = signRecords(mergedRecords(image, difference), context, options, image);
  return { loaded, made, difference: loaded.image === undefined ? undefined : diff(image, loaded.image) };
}

/** Facts about the signatures of an image. */
interface Renewal {
  /** The RRsets with signatures that have to be renewed. */
  readonly due: readonly DueRrset[];
  /** How many of them have a signature that is not valid yet. */
  readonly early: number;
  /** Seconds since 1970: when the next signature becomes due; undefined: all are due, or there are none. */
  readonly next: number | undefined;
  /** Seconds since 1970: when the first RRset loses its last signature; undefined without signatures. */
  readonly expire: number | undefined;
}

/** Looks at all signatures of an image. `now`: seconds since 1970. */
export function dueSignatures(image: Uint8Array, policy: SigningPolicy, now: number): Renewal {
  const due: DueRrset[] = [];
  let early = 0;
  let [soonest, shortest] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const zone = new ImageRecords(image, false);
  while (zone.next()) {
    const { owner, ownerAt, ownerLength } = zone;
    for (const { type, longest, isDue: isOne, isEarly: isOneEarly, next } of signedTypes(zone, policy, now)) {
      if (isOneEarly) early++;
      shortest = Math.min(shortest, longest);
      soonest = Math.min(soonest, next);
      if (isOne) due.push({ owner: owner.slice(ownerAt, ownerAt + ownerLength).map((octet) => LOWER[octet]!), type });
    }
  }
  const time = (left: number): number | undefined => (Number.isFinite(left) ? now + left : undefined);
  return { due, early, next: time(soonest), expire: time(shortest) };
}

/** The signatures over one RRset. Times are seconds from now. */
interface SignedType {
  readonly type: number;
  /** Until the last one ends. */
  longest: number;
  /** Whether one of them has to be renewed. */
  isDue: boolean;
  /** Whether one of them is not valid yet. */
  isEarly: boolean;
  /** Until the next one has to be renewed. */
  next: number;
}

/** The signed types of the current owner of an image's records. The signatures over an RRset stand together. */
function signedTypes({ records }: ImageRecords, policy: SigningPolicy, now: number): readonly SignedType[] {
  const types: SignedType[] = [];
  let last: SignedType | undefined;
  for (let i = 0; i < records.count; i++) {
    if (records.type[i] !== Type.RRSIG) continue;
    const [rdata, at] = [records.rdata(i), records.at[i]!];
    const expiration = readU32(rdata, at + Rrsig.EXPIRATION);
    const inception = readU32(rdata, at + Rrsig.INCEPTION);
    const type = readU16(rdata, at);
    const left = secondsUntil(expiration, now);
    if (last?.type !== type)
      types.push((last = { type, longest: left, isDue: false, isEarly: false, next: Number.POSITIVE_INFINITY }));
    last.longest = Math.max(last.longest, left);
    if (isEarly(inception, now)) last.isEarly = true;
    if (isDue(policy, inception, expiration, now)) last.isDue = true;
    else last.next = Math.min(last.next, left - policy.refresh);
  }
  return types;
}
