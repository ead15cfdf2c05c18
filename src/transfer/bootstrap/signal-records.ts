/**
 * Signals in the zones of a zone's nameservers, which are signed and vouch for its first keys (RFC 9615): `_dsboot.CHILD._signal.NS` has
 * the child's CDS and CDNSKEY records. NOT here: their use by a parent (§4).
 */
import type { AddedRecord } from '../../image/changes/added-records.js';
import type { ZoneView } from '../../image/changes/zone-view.js';
import { Type } from '../../protocol/iana.js';
import { labelCount, MAX_NAME, nameKey, suffixAt } from '../../protocol/name.js';

const DSBOOT = Uint8Array.of(7, ...Buffer.from('_dsboot'));
const SIGNAL = Uint8Array.of(7, ...Buffer.from('_signal'));
const TYPES: readonly number[] = [Type.CDS, Type.CDNSKEY];

/**
 * The signals for the keys of a zone, one for each nameserver. Nameservers within the zone have none: they deserve no more trust than the
 * zone (RFC 9615 §3). Nameservers with which the name of the signal would be too long have none either.
 */
export function signalRecords(child: ZoneView): AddedRecord[] {
  const { apex } = child;
  const labels = labelCount(apex);
  const owners = child
    .rrset(apex, Type.NS)
    .filter(({ rdata }) => suffixAt(rdata, 0, apex, labels) < 0)
    .map(({ rdata }) => Buffer.concat([DSBOOT, apex.subarray(0, -1), SIGNAL, rdata]))
    .filter(({ length }) => length <= MAX_NAME)
    .map(nameKey);
  return owners.flatMap((owner) =>
    TYPES.flatMap((type) =>
      child
        .rrset(apex, type)
        .map(({ ttl, rdata }) => ({ owner, type, ttl, rdata: Buffer.from(rdata).toString('hex') })),
    ),
  );
}
