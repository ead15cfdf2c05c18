/**
 * The text of an image in presentation format: the zone as it is served. Its file may have another content by now. It is made in
 * pieces, so that a zone of millions of records can be written beside other work.
 */
import { Type } from '../protocol/iana.js';
import { nameToText } from '../protocol/name.js';
import { rdataToText } from '../protocol/rdata/print.js';
import { typeToText } from '../protocol/rdata/table.js';
import { ImageRecords } from './changes/image-records.js';

/** Characters of a piece, at least: some hundred records, which take about a millisecond. */
const PIECE = 32_768;

/**
 * The zone of `octets`, an image: one record a line, names absolute, TTL and class everywhere, the apex with its SOA first,
 * each name after those above it. Reading it gives the same zone.
 */
export function* imageText(octets: Uint8Array): Generator<string, void> {
  const zone = new ImageRecords(octets, false);
  let text = '';
  for (let isApex = true; zone.next(); isApex = false) {
    if (isApex) text += recordsText(zone, (type) => type === Type.SOA);
    text += recordsText(zone, (type) => !isApex || type !== Type.SOA);
    if (text.length < PIECE) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}

/** The records of the owner that have the wanted types, a line each. */
function recordsText({ owner, ownerAt, records }: ImageRecords, isWanted: (type: number) => boolean): string {
  const name = nameToText(owner, ownerAt);
  let text = '';
  for (let i = 0; i < records.count; i++) {
    const type = records.type[i]!;
    if (!isWanted(type)) continue;
    const at = records.at[i]!;
    const rdata = rdataToText(type, records.rdata(i).slice(at, at + records.length[i]!));
    text += `${name} ${records.ttl[i]} IN ${typeToText(type)} ${rdata}\n`;
  }
  return text;
}
