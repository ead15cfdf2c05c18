/** Images of random zones' versions. */
import { type Loaded, type LoadOptions, load } from '../../../src/image/load.js';
import { nameFromText } from '../../../src/protocol/name.js';
import { printZone } from '../../../src/zone/print.js';

/** How the versions are loaded: signatures are made up. */
export const OPTIONS: LoadOptions = { now: 1_780_000_000, dnssecCheck: () => 'off' };

export function loadText(text: string): Loaded {
  return load({ file: 'test', bytes: Buffer.from(text), origin: nameFromText('example.') }, OPTIONS);
}

/** The image of a zone file; throws its first error. */
export function imageOf(text: string): Uint8Array {
  const { image, diagnostics } = loadText(text);
  if (image === undefined) throw new Error(`${diagnostics.list.find(({ severity }) => severity === 'error')?.message}`);
  return image;
}

/** The image of the zone file's records in canonical order. */
export function canonicalImageOf(text: string): Uint8Array {
  let printed = '';
  printZone(loadText(text).rrsets, (piece) => {
    printed += piece;
  });
  return imageOf(printed);
}
