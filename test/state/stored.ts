/** Zones to store. */
import { applyDifference } from '../../src/image/changes/apply.js';
import { diff } from '../../src/image/changes/diff.js';
import { loadRun } from '../../src/image/changes/load-run.js';
import { load } from '../../src/image/load.js';
import { imageText } from '../../src/image/text.js';
import { nameFromText } from '../../src/protocol/name.js';
import { runPieces } from '../../src/state/run-pieces.js';
import type { StoredContent, Unreadable } from '../../src/state/stored-zone.js';
import type { Difference } from '../../src/zone/changes/difference.js';
import { OPTIONS } from '../image/changes/versions.js';

/** The image of version `serial` of a zone: it has `records` addresses, one of which tells the serial. */
export function imageOf(zone: string, serial: number, records = 3): Uint8Array {
  const lines = [`@ 3600 SOA ns host ${serial} 7200 900 1209600 300`, '@ 3600 NS ns', `ns 60 A 10.0.0.1`];
  lines.push(`version 60 TXT "${serial}"`);
  for (let i = 0; i < records; i++) lines.push(`host-${i} 60 A 10.1.${(i >> 8) & 255}.${i & 255}`);
  const bytes = Buffer.from(`${lines.join('\n')}\n`);
  const { image, diagnostics } = load({ file: 'test', bytes, origin: nameFromText(zone) }, OPTIONS);
  if (image === undefined) throw new Error(diagnostics.list[0]?.message);
  return image;
}

/** The records of an image as a run. */
export function runOf(image: Uint8Array): Uint8Array {
  return Buffer.concat([...runPieces(image)]);
}

/** The records of an image as text, sorted: images of one zone may have them in another order. */
export function textOf(image: Uint8Array): string {
  return [...imageText(image)].join('').split('\n').sort().join('\n');
}

/** The differences from each image to the next. */
export function between(...images: readonly Uint8Array[]): Difference[] {
  return images.slice(1).map((image, i) => diff(images[i]!, image));
}

/** The text of a zone that was read: its base with the differences. */
export function textOfRead(zone: string, read: StoredContent | Unreadable | undefined): string {
  return textOf(imageOfRun(zone, runOfRead(zone, read)));
}

/** The records of a zone that was read, as a run. */
export function runOfRead(zone: string, read: StoredContent | Unreadable | undefined): Uint8Array {
  if (read?.kind !== 'content') throw new Error(`${zone} was not read: ${read?.reason ?? 'it is not there'}`);
  if (read.differences.length === 0) return 'image' in read.base ? runOf(read.base.image) : read.base.run;
  let image = 'image' in read.base ? read.base.image : imageOfRun(zone, read.base.run);
  for (const difference of read.differences) image = applyDifference(image, difference, OPTIONS).image!;
  return runOf(image);
}

/** The image of a run. */
export function imageOfRun(zone: string, run: Uint8Array): Uint8Array {
  const { image, diagnostics } = loadRun(nameFromText(zone), run, OPTIONS);
  if (image === undefined) throw new Error(diagnostics.list[0]?.message);
  return image;
}
