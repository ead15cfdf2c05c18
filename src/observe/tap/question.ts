/** Reads the question of a recorded query. The query may be anything, so every bound is checked. */
import { labelOffsets, MAX_LABEL, MAX_NAME } from '../../protocol/name.js';
import type { TapRecord } from './record.js';

const HEADER = 12;

/** The first question of a query. */
interface Question {
  /** Wire format, its letter case kept; a copy. */
  readonly name: Uint8Array;
  readonly qtype: number;
  readonly qclass: number;
}

/** The question of a record; undefined when the query has none, or one that cannot be read. */
export function readQuestion({ bytes, queryAt, queryKept }: TapRecord): Question | undefined {
  const u16 = (at: number): number => (bytes[at]! << 8) | bytes[at + 1]!;
  if (queryKept < HEADER || u16(queryAt + 4) === 0) return undefined;
  const from = queryAt + HEADER;
  const end = queryAt + queryKept;
  let at = from;
  while (at < end && bytes[at] !== 0) {
    if (bytes[at]! > MAX_LABEL) return undefined;
    at += bytes[at]! + 1;
  }
  at++;
  if (at - from > MAX_NAME || at + 4 > end) return undefined;
  return { name: bytes.slice(from, at), qtype: u16(at), qclass: u16(at + 2) };
}

/** The name of the zone that answered: the last `labels` labels of `qname`, then the root. */
export function zoneName(qname: Uint8Array, labels: number): Uint8Array {
  const offsets = labelOffsets(qname);
  return qname.subarray(offsets[offsets.length - labels] ?? qname.length - 1);
}
