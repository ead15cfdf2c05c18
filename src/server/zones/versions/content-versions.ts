/** Makes the change to the next version of a zone that is signed here, from the content that a primary gave. */
import { contentOf } from '../../../dnssec/signing/content-runs.js';
import { AdotdError, ErrorCode } from '../../../errors.js';
import { ImageView } from '../../../image/changes/zone-view.js';
import { imageFacts } from '../../../image/image-facts.js';
import { Type } from '../../../protocol/iana.js';
import { nameToText } from '../../../protocol/name.js';
import { readU32, writeU32 } from '../../../protocol/octets.js';
import type { StoredFacts } from '../../../state/zone-facts.js';
import { type Difference, differenceOf } from '../../../zone/changes/difference.js';
import type { RunPair } from '../../../zone/changes/record-run.js';
import { soaIn, withSoa } from '../../../zone/changes/soa-records.js';
import type { SerialPolicy } from '../../zone-policy.js';
import type { Lane } from '../jobs/loader-lane.js';
import { nextSerial } from '../jobs/serial-policy.js';

/** Octets from the serial to the end of SOA RDATA (RFC 1035 §3.3.13). */
const SOA_SERIAL = 20;

/** Content that a primary gave. */
export interface GivenContent {
  /** All of it, compiled, in shared memory; or the change to it from the content before, with the primary's serials. */
  readonly content: { readonly image: Uint8Array } | { readonly difference: Difference };
  /** The primary's. */
  readonly sourceSerial: number;
  /** Name of the remote that gave it. */
  readonly origin: string;
  /** Stored with the version. */
  readonly facts: Partial<StoredFacts>;
}

interface ChangeContext {
  readonly policy: { readonly serial: SerialPolicy };
  /** Seconds since 1970. */
  readonly now: number;
  readonly lane: Lane;
}

/**
 * The difference from the content of `older`, the version that is served, to the given content. The SOA record is the primary's, but for
 * the serial: that is the primary's only if it is later than the one that is served. Throws ADOTD_CHANGE_SERIAL for a difference when the
 * zone has a digest from before it was signed here: only the whole content removes that.
 */
export async function contentDifference(
  older: Uint8Array,
  given: GivenContent['content'],
  { policy, now, lane }: ChangeContext,
): Promise<Difference> {
  const { apex, serial: published } = imageFacts(older);
  const before = soaOf(older);
  const isWhole = 'image' in given;
  if (!isWhole && new ImageView(older).rrset(apex, Type.ZONEMD).length > 0) {
    const found = `a change of ${nameToText(apex)}: found a digest (ZONEMD) of another version, expected none`;
    throw new AdotdError(ErrorCode.CHANGE_SERIAL, found);
  }
  const after = isWhole ? soaOf(given.image) : (soaIn(given.difference.added) ?? before);
  const pair: RunPair = isWhole
    ? contentOf(apex, await lane.run({ kind: 'diff', older, newer: given.image }))
    : given.difference;
  const rdata = Uint8Array.from(after.rdata);
  const at = rdata.length - SOA_SERIAL;
  writeU32(rdata, at, nextSerial(policy.serial, published, now, readU32(rdata, at)));
  return differenceOf(apex, withSoa(pair.removed, apex, before), withSoa(pair.added, apex, { ttl: after.ttl, rdata }));
}

function soaOf(image: Uint8Array): { readonly ttl: number; readonly rdata: Uint8Array } {
  const [soa] = new ImageView(image).rrset(imageFacts(image).apex, Type.SOA);
  if (soa === undefined) throw new Error('an image without SOA record');
  return soa;
}
