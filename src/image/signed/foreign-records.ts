/** Records in a zone's content that only its signer may make. */
import { isKeyType, isSignersType } from '../../dnssec/signing/signers-types.js';
import { nameToText, sameName } from '../../protocol/name.js';
import { typeToText } from '../../protocol/rdata/table.js';
import { ImageRecords } from '../changes/image-records.js';

/**
 * `www.example. RRSIG`: a record of an image that signing makes; undefined: it has none. With `hasForeign`, keys do not count: they may be
 * those of other signers.
 */
export function signersRecordOf(image: Uint8Array, hasForeign: boolean): string | undefined {
  const zone = new ImageRecords(image, false);
  while (zone.next()) {
    const { records, owner, ownerAt, apex } = zone;
    for (let i = 0; i < records.count; i++) {
      const type = records.type[i]!;
      if (isSignersType(type, sameName(owner, ownerAt, apex, 0)) && !(hasForeign && isKeyType(type)))
        return `${nameToText(owner, ownerAt)} ${typeToText(type)}`;
    }
  }
  return undefined;
}
