/** Applying one change to a large zone, and finding a difference. One process for each, so that memory is that of the work. */
import { fileURLToPath } from 'node:url';
import { median, printTable, run } from './measure.js';

/** Prints how long a change takes in a running server, up to the answers of all threads. */
export async function benchKept(sizes: readonly number[], others: number, turns: number): Promise<void> {
  const worker = fileURLToPath(new URL('./kept-one.js', import.meta.url));
  const rows: string[][] = [];
  for (const [records, beside] of [...sizes.map((size) => [size, 0] as const), [100, others] as const]) {
    const results: Record<string, number>[] = [];
    for (let turn = 0; turn < turns; turn++) {
      const { output } = await run(process.execPath, [worker, String(records), String(beside)]);
      results.push(JSON.parse(output.trim()));
    }
    const middle = (field: string): string => median(results.map((result) => result[field] ?? 0)).toFixed(1);
    rows.push([
      String(records),
      String(beside),
      ...['first', 'least', 'one', 'worst', 'together', 'block'].map(middle),
    ]);
  }
  console.log(`\nfrom a change to the answers of all threads, stored durably, median of ${turns} turns, milliseconds`);
  printTable([
    ['records', 'other zones', 'first', 'least', 'one', 'worst', '20 at once', 'control thread blocked'],
    ...rows,
  ]);
}

/** Prints time and memory for zones of the sizes given. */
export async function benchChanges(sizes: readonly number[], turns: number): Promise<void> {
  const worker = fileURLToPath(new URL('./change-one.js', import.meta.url));
  const rows: string[][] = [];
  for (const records of sizes) {
    const results: Record<string, number>[] = [];
    for (let turn = 0; turn < turns; turn++) {
      const { output } = await run(process.execPath, ['--expose-gc', worker, String(records)]);
      results.push(JSON.parse(output.trim()));
    }
    const middle = (field: string): number => median(results.map((result) => result[field] ?? 0));
    rows.push([
      String(records),
      ...['first', 'next', 'cpu', 'diff', 'compose'].map((field) => middle(field).toFixed(1)),
      ...['image', 'extra'].map((field) => middle(field).toFixed(1)),
    ]);
  }
  console.log(`\none change applied to a zone, median of ${turns} turns, milliseconds and MiB`);
  printTable([
    [
      'records',
      'image of a file',
      'image of a change',
      'its CPU',
      'diff',
      'sum of 100 changes',
      'image',
      'extra memory',
    ],
    ...rows,
  ]);
}
