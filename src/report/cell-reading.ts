/** Reads the numbers of a row, or of several rows together, for figures. */
import { type Block, FAMILY_NAMES } from './measures.js';

/** Numbers by id (measures.ts); those that are 0 may be missing. */
export type Cells = ReadonlyMap<number, number>;
/** By name; those of 0 are left out. */
export type Counts = Readonly<Record<string, number>>;

/** Rows have times in these. */
export const MICROSECONDS = 1e6;
const FAMILIES = FAMILY_NAMES.length;

/** The number of a block at this index of its labels. */
export function numberAt(cells: Cells, { id }: Block, index = 0): number {
  return cells.get(id + index) ?? 0;
}

/** A number of a block by transport or path and family: that of one family, or of both together. */
export function ofFamilies(cells: Cells, block: Block, index: number, family?: number): number {
  if (family !== undefined) return numberAt(cells, block, index * FAMILIES + family);
  return FAMILY_NAMES.reduce((sum, _, one) => sum + numberAt(cells, block, index * FAMILIES + one), 0);
}

/** The numbers from `from` on that are not 0, by name. */
export function countsOf(cells: Cells, block: Block, from: number, names: readonly string[]): Counts {
  const counts = names.map((name, i) => [name, numberAt(cells, block, from + i)] as const);
  return Object.fromEntries(counts.filter(([name, count]) => name !== '' && count > 0));
}

/** null: the value is not known, or there is nothing to divide it by. */
export function ratio(value: number | undefined, count: number): number | null {
  return value === undefined || count === 0 ? null : value / count;
}
