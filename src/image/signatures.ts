import { type Rrsets, typeCovered } from '../zone/rrsets.js';

/** Rows of the store with the RRSIGs in RRset `signatures` that cover `type`. */
export function signaturesOf(rrsets: Rrsets, signatures: number, type: number): number[] {
  const rows: number[] = [];
  if (signatures < 0) return rows;
  for (let i = rrsets.start[signatures]!; i < rrsets.start[signatures + 1]!; i++) {
    const row = rrsets.records[i]!;
    if (typeCovered(rrsets.store, row) === type) rows.push(row);
  }
  return rows;
}
