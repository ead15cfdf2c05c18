/** Zones for programs that do not know all types. */
import { ImageRecords } from '../../../src/image/changes/image-records.js';
import { nameToText } from '../../../src/protocol/name.js';
import { plainEscapes } from '../../differential/sign.js';

/** The zone of an image, one record a line, with all types and RDATA in the form of RFC 3597 §5. */
export function genericText(image: Uint8Array): string {
  const lines: string[] = [];
  const zone = new ImageRecords(image, false);
  while (zone.next()) {
    const { owner, ownerAt, records } = zone;
    const name = plainEscapes(nameToText(owner, ownerAt));
    for (let i = 0; i < records.count; i++) {
      const [at, length] = [records.at[i]!, records.length[i]!];
      const rdata = Buffer.from(records.rdata(i).slice(at, at + length)).toString('hex');
      lines.push(`${name} ${records.ttl[i]} IN TYPE${records.type[i]} \\# ${length} ${rdata}`);
    }
  }
  return `${lines.join('\n')}\n`;
}
