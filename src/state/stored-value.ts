/** Values of a zone, its content and its differences: in the ledger when they are small, else in files of their own. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type ReadValue, readChunkFile, writeChunkFile } from './chunk-file.js';
import { Inside } from './folder.js';
import type { Ledger } from './ledger.js';
import type { Place } from './ledger-files.js';

/** Octets of the largest value in the ledger. Values in the ledger are copied when it is written anew. A guess. */
const INLINE = 128 * 1024;
/** Where entries of values have the number of the value, whether it has a file, and its octets. */
const ID = 0;
const HAS_FILE = 1;
const OCTETS = 2;
/** Behind these, entries have numbers of their own. */
export const OWN_FIELDS = 3;
const NOTHING = new Uint8Array(0);

/** A value that is ready to be noted in the ledger. */
export interface PreparedValue {
  /** Its first OWN_FIELDS numbers of the entry. */
  readonly fields: readonly number[];
  readonly payload: Uint8Array;
}

export function valueId({ entry }: Pick<Place, 'entry'>): number {
  return entry.fields[ID]!;
}

export function valueOctets({ entry }: Place): number {
  return entry.fields[OCTETS]!;
}

function pathOf(folder: string, id: number): string {
  return join(folder, Inside.RUNS, String(id));
}

/** Writes a value into a file if it is large. `estimate`: about how many octets the pieces have. Rejects with ADOTD_STATE. */
export async function prepareValue(
  folder: string,
  zone: string,
  id: number,
  estimate: number,
  pieces: Iterable<Uint8Array>,
): Promise<PreparedValue> {
  if (estimate <= INLINE) {
    const payload = Buffer.concat([...pieces]);
    return { fields: [id, 0, payload.length], payload };
  }
  const octets = await writeChunkFile(pathOf(folder, id), { name: zone, fields: [id] }, pieces);
  return { fields: [id, 1, octets], payload: NOTHING };
}

/** Reads a value. A damaged one in the ledger is copied to where the operator may look at it. */
export async function readValue(folder: string, ledger: Ledger, place: Place): Promise<ReadValue> {
  const [id, hasFile, length] = [valueId(place), place.entry.fields[HAS_FILE], valueOctets(place)];
  if (hasFile === 0) {
    const octets = ledger.payload(place);
    if (octets !== undefined) return { octets };
    return {
      damage: `${ledger.pathOf(place)} is damaged at octet ${place.at}; what is there was copied to ${ledger.setAside(place)}`,
    };
  }
  const path = pathOf(folder, id);
  const read = await readChunkFile(path, ({ fields, name }) =>
    fields[0] === id && name === place.entry.name ? new Uint8Array(length) : 'it is the value of another zone',
  );
  return 'damage' in read ? { damage: `${path}: ${read.damage}` } : read;
}

/** Removes the file of a value that nothing refers to any more; `fields` are those of its entry. */
export function removeValue(folder: string, fields: readonly number[]): void {
  if (fields[HAS_FILE] === 1) rmSync(pathOf(folder, fields[ID]!), { force: true });
}

/** Removes the files of values that no change refers to: the process ended before the change was stored. */
export function removeUnused(folder: string, used: ReadonlySet<number>): void {
  const runs = join(folder, Inside.RUNS);
  for (const name of readdirSync(runs)) if (!used.has(Number(name))) rmSync(join(runs, name), { force: true });
}
