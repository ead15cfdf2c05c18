/** Applies a difference of a zone's content, signs the result where that is wanted, and makes digests anew (ZONEMD, RFC 8976). */
import { signDigests } from '../../../dnssec/signing/sign-digests.js';
import type { SigningContext } from '../../../dnssec/signing/signature-maker.js';
import type { ChooseSigner } from '../../../dnssec/signing/signer.js';
import type { KeySet, SigningPolicy } from '../../../dnssec/signing/signing-policy.js';
import { writeDigests } from '../../../dnssec/zone-digest.js';
import { applyDifference, mergedRecords } from '../../../image/changes/apply.js';
import type { Loaded, LoadOptions } from '../../../image/load.js';
import { dueSignatures, signChange, signRecords } from '../../../image/signed/sign-image.js';
import type { Difference } from '../../../zone/changes/difference.js';
import type { CheckedZone } from '../../../zone/check.js';
import type { Diagnostic } from '../../../zone/diagnostics.js';
import type { Rrsets } from '../../../zone/rrsets.js';
import { type FilledDigests, fillDigests, filledDigests, hasDigest } from './zone-digests.js';

/** The settings for signing a version. Can be posted to threads. */
export interface Signing {
  readonly keys: KeySet;
  readonly policy: SigningPolicy;
  /**
   * `content`: the older version is not signed, and no difference to the signed one is wanted. `change`: only RRsets that the change
   * touches are signed, where that is possible. `renewal`: also signatures that are due. `anew`: everything, even where signatures are
   * good.
   */
  readonly extent: 'content' | 'change' | 'renewal' | 'anew';
}

export interface ZoneChange {
  readonly image: Uint8Array;
  /** Of the content; without records that signing makes, where the result is to be signed. */
  readonly difference: Difference;
  /** Seconds since 1970. */
  readonly now: number;
  /** undefined: the zone is not signed here. */
  readonly signing?: Signing | undefined;
  /** Whether mistakes in the zone are only warned of: its primary has them too, and the zone must not expire because of them. */
  readonly isLenient?: boolean | undefined;
}

/** Plain data. */
export interface Applied {
  /** undefined after errors. */
  readonly image: Uint8Array | undefined;
  readonly records: number;
  readonly diagnostics: readonly Diagnostic[];
  /** The difference as given, with the digests of the zone filled in. */
  readonly content: Difference;
  /** The change from the older image to the newer one; after signing `content`, that of the content. */
  readonly difference: Difference;
  /** Signatures that were made. */
  readonly made: number;
  /** Seconds since 1970: when the first RRset loses its last signature; undefined without signatures. */
  readonly signaturesExpire: number | undefined;
}

/** Throws AdotdError as applyDifference() and signChange() do. */
export function applyChange(change: ZoneChange, chooseSigner: ChooseSigner): Applied {
  const { difference: content, now, signing, isLenient = false } = change;
  const isAnew = signing?.extent === 'anew';
  const context = signing && { keys: signing.keys, policy: signing.policy, now, chooseSigner, isAnew };
  let filled: FilledDigests | undefined;
  const amend = (rrsets: Rrsets, checked: CheckedZone): void => {
    if (!hasDigest(content.added)) return;
    writeDigests({ rrsets, checked });
    if (context !== undefined) signDigests({ rrsets, checked }, context);
    filled = filledDigests({ rrsets, checked });
  };
  const options: LoadOptions = { now, isLenient, dnssecCheck: () => 'off', amend };
  const { loaded, difference, made } = newer(change, context, options);
  const { image, records, diagnostics, signaturesExpire } = loaded;
  const withDigests = (one: Difference): Difference => (filled ? fillDigests(one, filled) : one);
  return {
    image,
    records,
    diagnostics: diagnostics.list,
    content: withDigests(content),
    difference: withDigests(difference),
    made,
    signaturesExpire,
  };
}

interface Newer {
  readonly loaded: Loaded;
  readonly difference: Difference;
  readonly made: number;
}

function newer(
  { image, difference, now, signing }: ZoneChange,
  context: SigningContext | undefined,
  options: LoadOptions,
): Newer {
  if (signing === undefined || context === undefined)
    return { loaded: applyDifference(image, difference, options), difference, made: 0 };
  if (signing.extent === 'content')
    return { ...signRecords(mergedRecords(image, difference), context, options), difference };
  const due = signing.extent === 'renewal' ? dueSignatures(image, signing.policy, now).due : [];
  const signed = signChange(image, difference, context, options, due);
  return { ...signed, difference: signed.difference ?? difference };
}
