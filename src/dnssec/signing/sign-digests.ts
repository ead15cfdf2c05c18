/**
 * Signs the digest of a zone (ZONEMD). A digest is over the signed zone without the ZONEMD RRset and its signatures (RFC 8976 §3.3):
 * so the zone is signed with an empty digest, then the digest is filled in, and the RRset is signed once more.
 */
import { Type } from '../../protocol/iana.js';
import { MAX_NAME } from '../../protocol/name.js';
import { readU16 } from '../../protocol/octets.js';
import { findRrset, Rrsig, signaturesOf } from '../../zone/rrsets.js';
import { rrsetLength, writeCanonicalOwner, writeRrset } from '../canonical-rrset.js';
import { labelsOf, type SignedZone } from '../signed-zone.js';
import { SignatureMaker, type SigningContext } from './signature-maker.js';

/** Replaces the signatures over the ZONEMD RRset of the apex, which `context` made before; their length stays. Throws ADOTD_DNSSEC_KEY. */
export function signDigests(
  { rrsets, checked: { apex } }: Pick<SignedZone, 'rrsets' | 'checked'>,
  context: SigningContext,
): void {
  const { store, ttl } = rrsets;
  const [set, signatures] = [findRrset(rrsets, apex, Type.ZONEMD), findRrset(rrsets, apex, Type.RRSIG)];
  if (set < 0 || signatures < 0) return;
  const rows = signaturesOf(rrsets, signatures, Type.ZONEMD);
  const maker = new SignatureMaker(store.nameOf(apex), context, rows.length, (row, rdata) => {
    store.rdata.set(rdata, store.rdataAt[row]!);
  });
  const owner = new Uint8Array(MAX_NAME);
  const ownerLength = writeCanonicalOwner(store, apex, owner);
  for (const row of rows) {
    const at = store.rdataAt[row]!;
    const tag = readU16(store.rdata, at + Rrsig.KEY_TAG);
    const key = context.keys.zoneSigners.find(
      (one) => one.tag === tag && one.algorithm === store.rdata[at + Rrsig.ALGORITHM],
    );
    if (key === undefined) continue;
    maker.add(key, {
      ticket: row,
      owner,
      ownerLength,
      labels: labelsOf(rrsets, apex),
      type: Type.ZONEMD,
      until: undefined,
      ttl: ttl[set]!,
      octets: rrsetLength(rrsets, set, ownerLength),
      write: (out, to) => writeRrset(rrsets, set, owner, ownerLength, ttl[set]!, out, to),
    });
  }
  maker.finish();
}
