/**
 * Verifies the NSEC3 records of a chain (RFC 5155 §7.1): each belongs to a name, and names its types. Every load checks whether
 * the chain is closed and complete, and where opt-out may stand for a name (zone/check-nsec3-chain.ts).
 */
import { counted } from '../errors.js';
import { Type } from '../protocol/iana.js';
import type { CheckedChain } from '../zone/check-nsec3-chain.js';
import type { SignedZone } from './signed-zone.js';
import { TypeBitmaps } from './type-bitmaps.js';

/** Octets of NSEC3 RDATA before the length of the salt. */
const SALT_LENGTH = 4;

export function verifyNsec3(zone: SignedZone, { entries, proofs }: CheckedChain): void {
  const { rrsets, checked, report } = zone;
  const { store } = rrsets;
  const bitmaps = new TypeBitmaps(zone);
  const isUsed = new Uint8Array(entries.count);
  for (let node = checked.apex; node < store.nodeCount; node++) {
    const proof = proofs[node]!;
    if (proof <= 0) continue;
    isUsed[proof - 1] = 1;
    const row = entries.row[proof - 1]!;
    bitmaps.verify(row, bitmapAt(zone, row), node, 'NSEC3');
  }
  for (let entry = 0; entry < entries.count; entry++) {
    if (isUsed[entry] === 1) continue;
    const row = entries.row[entry]!;
    report.error(
      row,
      () =>
        `found an NSEC3 record (${report.owner(row)}) of no name in the zone, expected one for each name: sign the zone again`,
    );
  }
  let records = 0;
  for (let set = 0; set < rrsets.count; set++)
    if (rrsets.type[set] === Type.NSEC3) records += rrsets.start[set + 1]! - rrsets.start[set]!;
  if (records > entries.count)
    report.warning(
      checked.chain!.parameters.row,
      () =>
        `found ${counted(records - entries.count, 'NSEC3 record')} with other parameters than the chain that is served; those are not verified`,
    );
}

/** Where the type bitmap of an NSEC3 record begins in the store's RDATA. */
function bitmapAt({ rrsets: { store } }: SignedZone, row: number): number {
  const saltAt = store.rdataAt[row]! + SALT_LENGTH;
  const hashAt = saltAt + 1 + store.rdata[saltAt]!;
  return hashAt + 1 + store.rdata[hashAt]!;
}
