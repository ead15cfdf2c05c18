/** Reads zones for tests: from text to records in presentation form, and the diagnostics. */
import { nameFromText, nameToText } from '../../src/protocol/name.js';
import { rdataToText } from '../../src/protocol/rdata/print.js';
import { typeToText } from '../../src/protocol/rdata/table.js';
import { Diagnostics, formatDiagnostic } from '../../src/zone/diagnostics.js';
import { readZone } from '../../src/zone/reader.js';
import type { ReadLimits } from '../../src/zone/source.js';
import type { RecordStore } from '../../src/zone/store.js';

interface ReadResult {
  readonly store: RecordStore;
  /** `owner TTL type RDATA`, in the order of the file. */
  readonly records: string[];
  /** As printed, the file's name left out. */
  readonly messages: string[];
}

/** `text`: characters above 255 are not to be in it. `files` are those that $INCLUDE finds. Origin: example. */
export function read(
  text: string | Uint8Array,
  files: Readonly<Record<string, string>> = {},
  options: Partial<ReadLimits> & { limit?: number; origin?: string } = {},
): ReadResult {
  const diagnostics = new Diagnostics(options.limit);
  const bytes = typeof text === 'string' ? Buffer.from(text, 'latin1') : text;
  const include = (path: string) =>
    files[path] === undefined ? 'no such file' : { file: path, bytes: Buffer.from(files[path], 'latin1') };
  const source = { file: 'f.zone', bytes, origin: nameFromText(options.origin ?? 'example.'), include };
  const store = readZone(source, diagnostics, options);
  const messages = diagnostics.list.map((d) => formatDiagnostic(d).replace(/^f\.zone:/, ''));
  return { store, records: recordsOf(store), messages };
}

/** The records of a store in presentation form. */
export function recordsOf(store: RecordStore): string[] {
  return Array.from({ length: store.recordCount }, (_, row) => {
    const at = store.rdataAt[row]!;
    const type = store.type[row]!;
    const rdata = rdataToText(type, store.rdata.subarray(at, at + store.rdataLength[row]!));
    return `${nameToText(store.nameOf(store.node[row]!))} ${store.ttl[row]} ${typeToText(type)} ${rdata}`;
  });
}
