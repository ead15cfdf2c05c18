/**
 * A row of evidence: the counts of one period. As octets: the format, then numbers in LEB128: when it began, its seconds, its place in
 * the order of rows, how many numbers follow, and of each the difference of its id from the one before, and the number.
 */
import { isMaximum, MAX_ID } from './measures.js';

export interface Row {
  /** Seconds since 1970: when the period began by the clock of the server. */
  readonly at: number;
  /** Length of the period. */
  readonly seconds: number;
  /** Rows are kept by the order in which they were begun: a clock may jump. */
  readonly order: number;
  /** By id; those that are 0 are left out. Whole numbers. */
  readonly cells: ReadonlyMap<number, number>;
}

/** Raised when older versions cannot read the octets that this one writes. */
const FORMAT = 1;
/** Seconds since 1970, the year 9999; the longest period is a day. */
const MAX_AT = 253_402_300_799;
const MAX_SECONDS = 86_400;

/** Two sets of numbers as one: sums and maxima. Neither order nor grouping makes a difference. */
export function mergeCells(one: ReadonlyMap<number, number>, other: ReadonlyMap<number, number>): Map<number, number> {
  const merged = new Map(one);
  for (const [id, value] of other) {
    const own = merged.get(id) ?? 0;
    merged.set(id, isMaximum(id) ? Math.max(own, value) : Math.min(own + value, Number.MAX_SAFE_INTEGER));
  }
  return merged;
}

export function encodeRow({ at, seconds, order, cells }: Row): Uint8Array {
  const ids = [...cells.keys()].filter((id) => cells.get(id)! > 0).sort((a, b) => a - b);
  const octets: number[] = [FORMAT];
  for (const number of [at, seconds, order, ids.length]) putNumber(octets, number);
  let before = -1;
  for (const id of ids) {
    putNumber(octets, id - before);
    putNumber(octets, cells.get(id)!);
    before = id;
  }
  return Uint8Array.from(octets);
}

/** The row of these octets; undefined when they are no row, or have a later format. Its size is bounded for all octets. */
export function decodeRow(octets: Uint8Array): Row | undefined {
  if (octets[0] !== FORMAT) return undefined;
  const reader = { octets, at: 1 };
  const [at, seconds, order, count] = [takeNumber(reader), takeNumber(reader), takeNumber(reader), takeNumber(reader)];
  if (!(at <= MAX_AT && seconds >= 1 && seconds <= MAX_SECONDS && order >= 0 && count <= MAX_ID)) return undefined;
  const cells = new Map<number, number>();
  let id = -1;
  for (let i = 0; i < count; i++) {
    const step = takeNumber(reader);
    const value = takeNumber(reader);
    id += step;
    if (!(step > 0 && id < MAX_ID && value > 0)) return undefined;
    cells.set(id, value);
  }
  return reader.at === octets.length ? { at, seconds, order, cells } : undefined;
}

/** Seven bits an octet, the least significant first. */
function putNumber(octets: number[], number: number): void {
  let left = number;
  for (; left > 0x7f; left = Math.floor(left / 0x80)) octets.push((left % 0x80) | 0x80);
  octets.push(left);
}

/** NaN: there is none, or it is too large. */
function takeNumber(reader: { readonly octets: Uint8Array; at: number }): number {
  let number = 0;
  for (let factor = 1; factor <= Number.MAX_SAFE_INTEGER; factor *= 0x80) {
    const octet = reader.octets[reader.at++];
    if (octet === undefined) return Number.NaN;
    number += (octet & 0x7f) * factor;
    if (octet < 0x80) return number <= Number.MAX_SAFE_INTEGER ? number : Number.NaN;
  }
  return Number.NaN;
}
