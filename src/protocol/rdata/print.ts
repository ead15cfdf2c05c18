/** RDATA in canonical presentation format: one line, absolute names, numbers rather than mnemonics. */
import { CODECS } from './codecs.js';
import { rowOf } from './table.js';

/**
 * The text of uncompressed RDATA; scanRdata reads it back to the same octets. It is the generic form of RFC 3597 §5 when the
 * type has no other, and when the RDATA is malformed or has no text of its own.
 */
export function rdataToText(type: number, rdata: Uint8Array): string {
  const fields = rowOf(type)?.fields;
  if (fields === undefined) return genericText(rdata);
  const parts: string[] = [];
  let at = 0;
  for (const field of fields) {
    const codec = CODECS[field.kind]!;
    const end = codec.check(rdata, at, rdata.length, 0);
    if (end < 0) return genericText(rdata);
    const text = codec.print(rdata, at, end, 0);
    if (text === undefined) return genericText(rdata);
    if (text !== '') parts.push(text);
    at = end;
  }
  return at === rdata.length ? parts.join(' ') : genericText(rdata);
}

/** RDATA in the generic form: `\# 4 C0000201`. */
export function genericText(rdata: Uint8Array): string {
  const octets = Buffer.from(rdata).toString('hex').toUpperCase();
  return octets === '' ? '\\# 0' : `\\# ${rdata.length} ${octets}`;
}
