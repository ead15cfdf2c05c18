/**
 * Verifies the NSEC chain of a zone (RFC 4035 §2.3): every name with records has one NSEC record, which names the next one in
 * canonical order and the types that are there.
 */
import { counted } from '../errors.js';
import { Type } from '../protocol/iana.js';
import { nameLength, nameToText, sameName } from '../protocol/name.js';
import { isChainNode } from '../zone/check-names.js';
import { canonicalOrder } from '../zone/order.js';
import { findRrset, isEmpty } from '../zone/rrsets.js';
import { firstRow, isOwnNode, type SignedZone } from './signed-zone.js';
import { TypeBitmaps } from './type-bitmaps.js';

export function verifyNsec(zone: SignedZone): void {
  const { rrsets, report } = zone;
  const { store } = rrsets;
  const order = canonicalOrder(rrsets).filter((node) => isOwnNode(zone, node) && !isChainNode(rrsets, node));
  const bitmaps = new TypeBitmaps(zone);
  order.forEach((node, index) => {
    const set = findRrset(rrsets, node, Type.NSEC);
    if (set < 0) {
      report.error(
        firstRow(rrsets, node),
        () => `found no NSEC record of ${report.name(node)}, expected one (RFC 4035 §2.3): sign the zone again`,
      );
      return;
    }
    const row = rrsets.records[rrsets.start[set]!]!;
    const count = rrsets.start[set + 1]! - rrsets.start[set]!;
    if (count > 1)
      report.error(
        row,
        () => `found ${counted(count, 'NSEC record')} of ${report.name(node)}, expected one: sign the zone again`,
      );
    const next = order[(index + 1) % order.length]!;
    const at = store.rdataAt[row]!;
    if (!sameName(store.nameOf(next), 0, store.rdata, at))
      report.error(row, () => {
        const found = nameToText(store.rdata, at);
        return `found ${found} as the next name in the NSEC record of ${report.name(node)}, expected ${report.name(next)}: sign the zone again`;
      });
    const bitmapAt = at + nameLength(store.rdata, at);
    bitmaps.verify(row, bitmapAt, node, 'NSEC');
  });
  refuseOthers(zone);
}

/** NSEC records at names below a zone cut or a DNAME: nothing is denied there. */
function refuseOthers(zone: SignedZone): void {
  const { rrsets, checked, report } = zone;
  for (let node = checked.apex; node < rrsets.store.nodeCount; node++) {
    if (isEmpty(rrsets, node) || isOwnNode(zone, node)) continue;
    const set = findRrset(rrsets, node, Type.NSEC);
    if (set < 0) continue;
    const row = rrsets.records[rrsets.start[set]!]!;
    report.error(
      row,
      () =>
        `found an NSEC record of ${report.name(node)}, which is below a zone cut, expected none: sign the zone again`,
    );
  }
}
