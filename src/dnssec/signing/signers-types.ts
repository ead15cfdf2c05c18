/** Tells which records are the signer's, and whether two RRsets are the same. */
import { Type } from '../../protocol/iana.js';
import { canonicalRdata } from '../../protocol/rdata/wire.js';

/** Whether records of this type are made by signing, and so are not part of the content. */
export function isSignersType(type: number, isApex: boolean): boolean {
  if (type === Type.RRSIG || type === Type.NSEC || type === Type.NSEC3 || type === Type.NSEC3PARAM) return true;
  return isApex && isKeyType(type);
}

/** Whether a record is a key, or asks for one at the parent: other signers of a zone have such records as well (RFC 8901). */
export function isKeyType(type: number): boolean {
  return type === Type.DNSKEY || type === Type.CDS || type === Type.CDNSKEY;
}

/** Whether two lists of RDATA in canonical order are the same RRset (RFC 4034 §6.3). */
export function sameRdata(type: number, a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return (
    a.length === b.length &&
    a.every((rdata, i) => Buffer.compare(canonicalRdata(type, rdata), canonicalRdata(type, b[i]!)) === 0)
  );
}
