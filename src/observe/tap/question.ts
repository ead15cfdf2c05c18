/** The question of a query that was recorded: it may be anything, so it is read again with every bound checked. */
import { MAX_LABEL, MAX_NAME } from '../../protocol/name.js';
import type { TapRecord } from './record.js';

const HEADER = 12;

/**
 * QNAME of a record in wire format, its letter case kept; undefined where the query has no question that can be read. The
 * octets are a copy.
 */
export function questionName({ bytes, queryAt, queryKept }: TapRecord): Uint8Array | undefined {
  if (queryKept < HEADER || (bytes[queryAt + 4]! << 8) + bytes[queryAt + 5]! === 0) return undefined;
  const from = queryAt + HEADER;
  const end = Math.min(queryAt + queryKept, from + MAX_NAME);
  let at = from;
  while (at < end) {
    const length = bytes[at]!;
    at += length + 1;
    if (length > MAX_LABEL) return undefined;
    if (length === 0) return bytes.slice(from, at);
  }
  return undefined;
}

/** The name of the zone that answered: the last labels of `qname`, of which `labels` count the root's not. */
export function zoneName(qname: Uint8Array, labels: number): Uint8Array {
  const offsets: number[] = [];
  for (let at = 0; qname[at]! !== 0; at += qname[at]! + 1) offsets.push(at);
  return qname.subarray(offsets[offsets.length - labels] ?? qname.length - 1);
}
