/**
 * The records that a primary gave of a zone that is signed here, without those of another signer: RRSIG, NSEC, NSEC3, NSEC3PARAM and
 * ZONEMD records are left out. NOT here: a zone with keys of two signers (RFC 8901); other keys are refused.
 */
import { isSignersType } from '../../dnssec/signing/signers-types.js';
import { Type } from '../../protocol/iana.js';
import { nameToText, sameName } from '../../protocol/name.js';
import { typeToText } from '../../protocol/rdata/table.js';
import { type Difference, differenceOf } from '../../zone/changes/difference.js';
import { RunCursor, runWithout } from '../../zone/changes/record-run.js';
import { withoutRecords } from '../../zone/changes/without-records.js';
import type { RecordStore } from '../../zone/store.js';
import { TransferError, TransferFault } from './transfer-error.js';

/** The records of a whole zone; the result may be the given store. Throws TransferError when the zone has keys of another signer. */
export function unsignedZone(content: RecordStore): RecordStore {
  const { type, node, recordCount } = content;
  const soa = type.subarray(0, recordCount).indexOf(Type.SOA);
  const apex = soa < 0 ? -1 : node[soa]!;
  for (let row = 0; row < recordCount; row++)
    if (node[row] === apex && isKey(type[row]!)) refuse(content.nameOf(apex), type[row]!);
  return withoutRecords(content, (row) => isForeign(type[row]!, node[row] === apex));
}

/** The difference of the records. Throws TransferError when it adds keys of another signer. */
export function unsignedDifference({ apex, removed, added }: Difference): Difference {
  const isAtApex = ({ octets, at }: RunCursor): boolean => sameName(octets, at, apex, 0);
  for (const cursor = new RunCursor(added); !cursor.isAtEnd; cursor.next())
    if (isKey(cursor.type) && isAtApex(cursor)) refuse(apex, cursor.type);
  const unsigned = (run: Uint8Array): Uint8Array =>
    runWithout(run, (record) => isForeign(record.type, isAtApex(record)));
  return differenceOf(apex, unsigned(removed), unsigned(added));
}

function isForeign(type: number, isAtApex: boolean): boolean {
  return isSignersType(type, isAtApex) || (type === Type.ZONEMD && isAtApex);
}

function isKey(type: number): boolean {
  return type === Type.DNSKEY || type === Type.CDS || type === Type.CDNSKEY;
}

function refuse(apex: Uint8Array, type: number): never {
  throw new TransferError(
    TransferFault.LOCAL,
    `found ${nameToText(apex)} ${typeToText(type)} from the primary, expected no keys of another signer in a zone that is signed here: have the primary serve it unsigned, or take \`dnssec\` out of its policy`,
  );
}
