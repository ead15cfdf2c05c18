/** The records about a zone's keys for its parent: DS (RFC 4034 §5), and CDS and CDNSKEY, which ask for it (RFC 7344, RFC 8078). */
import { createHash } from 'node:crypto';
import { writeU16 } from '../../protocol/octets.js';
import { algorithmOf, keyTag } from '../keys.js';

/** Digest types of DS records (IANA "Delegation Signer (DS) RR Type Digest Algorithms"). */
export const DigestType = {
  SHA1: 1, // RFC 3658; RFC 8624 §3.3: MUST NOT be used for new delegations
  SHA256: 2, // RFC 4509
  SHA384: 4, // RFC 6605
} as const;

export type DigestType = (typeof DigestType)[keyof typeof DigestType];

const HASHES = { [DigestType.SHA1]: 'sha1', [DigestType.SHA256]: 'sha256', [DigestType.SHA384]: 'sha384' } as const;

/** Octets of DS RDATA before the digest. */
const FIXED = 4;

/**
 * RDATA of the DS record of a key (RFC 4034 §5.1.4). `dnskey` is RDATA of its DNSKEY record, `zone` the zone's name in wire format
 * and in lower case. CDS records have the same RDATA (RFC 7344 §3.1).
 */
export function dsRdata(dnskey: Uint8Array, zone: Uint8Array, digestType: DigestType = DigestType.SHA256): Uint8Array {
  const digest = createHash(HASHES[digestType]).update(zone).update(dnskey).digest();
  const rdata = new Uint8Array(FIXED + digest.length);
  writeU16(rdata, 0, keyTag(dnskey));
  rdata[2] = algorithmOf(dnskey);
  rdata[3] = digestType;
  rdata.set(digest, FIXED);
  return rdata;
}

/** RDATA of the CDS and the CDNSKEY record that ask the parent to remove all DS records (RFC 8078 §4). */
export const DELETE_CDS: Uint8Array = Uint8Array.of(0, 0, 0, 0, 0);
export const DELETE_CDNSKEY: Uint8Array = Uint8Array.of(0, 0, 3, 0, 0);
