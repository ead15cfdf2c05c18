/** Images of zones, as changes and signers look at them. */
import { ImageView } from '../../src/image/changes/zone-view.js';
import { load } from '../../src/image/load.js';
import { nameFromText } from '../../src/protocol/name.js';

/** A zone with these records besides SOA and NS. Throws what is wrong with them. */
export function zoneViewOf(zone: string, records: string): ImageView {
  const text = `$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns1.example.\n${records}`;
  const source = { file: 'test', bytes: Buffer.from(text), origin: nameFromText(zone) };
  const { image, diagnostics } = load(source, { now: 0 });
  if (image === undefined) throw new Error(diagnostics.list[0]?.message);
  return new ImageView(image);
}
