/**
 * Stored zones as text, for backups and for moving to another machine or version: lines of JSON, described in docs/operation.md. The
 * lines do not depend on how the store keeps its data.
 */
import { isImage } from '../image/catalog.js';
import { piecesOf } from './chunk-file.js';
import { runPieces } from './run-pieces.js';
import type { StoredContent } from './stored-zone.js';
import type { ZoneStore } from './zone-store.js';

/** Raised when older versions cannot read an export. */
export const EXPORT_FORMAT = 1;

/** A line of an export. `records`, `removed`, `added` are octets of runs (zone/changes/record-run.ts) in base64; so is `value`. */
type ExportLine =
  | { readonly adotd: 'state'; readonly format: number }
  | { readonly zone: string; readonly serial: number | undefined; readonly facts: object }
  /** A part of the records of the zone named last, or of its file as last loaded. */
  | { readonly records: string }
  | { readonly source: string }
  /** The next change of that zone. */
  | { readonly removed: string; readonly added: string }
  | { readonly table: string; readonly key: string; readonly value: string }
  | { readonly end: { readonly zones: number; readonly values: number } };

/**
 * The lines of an export, each with its newline. It has everything that is stored, except images and the differences that lead to the
 * exported records. `report` is told of zones that cannot be read, and are left out.
 */
export async function* exportState(store: ZoneStore, report: (text: string) => void): AsyncGenerator<string> {
  yield lineOf({ adotd: 'state', format: EXPORT_FORMAT });
  let [zones, values] = [0, 0];
  for (const { zone, serial, facts } of store.zones()) {
    const content = await store.read(zone);
    if (content?.kind === 'unreadable') {
      report(content.reason);
      continue;
    }
    zones++;
    yield lineOf({ zone, serial, facts });
    if (content !== undefined) yield* contentLines(content);
    const source = await store.readSource(zone);
    if (source !== undefined) for (const piece of piecesOf(source)) yield lineOf({ source: base64(piece) });
  }
  for (const table of store.tables()) {
    const stored = store.table(table);
    for (const key of stored.keys()) {
      const value = stored.get(key);
      if (value === undefined) continue;
      values++;
      yield lineOf({ table, key, value: base64(value) });
    }
  }
  yield lineOf({ end: { zones, values } });
}

function* contentLines({ base, differences }: StoredContent): Generator<string> {
  const octets = 'image' in base ? base.image : base.run;
  for (const piece of isImage(octets) ? runPieces(octets) : piecesOf(octets)) yield lineOf({ records: base64(piece) });
  for (const { removed, added } of differences) yield lineOf({ removed: base64(removed), added: base64(added) });
}

function base64({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString('base64');
}

function lineOf(line: ExportLine): string {
  return `${JSON.stringify(line)}\n`;
}
