/** The octets of an export as text: exports come in UTF-16, with a byte order mark, in Latin-1, with CR alone as line end. */
import { gunzipSync } from 'node:zlib';
import { AdotdError, ErrorCode } from '../../errors.js';
import { encodingOf } from '../../zone/mistakes/encoding.js';
import type { Notes } from './source-lines.js';

/** Octets of a compressed export when it is not compressed any more. A guess: a million records have a tenth of it. */
const MAX_UNPACKED = 1024 * 1024 * 1024;

/** The text of an export. Conversions are noted. Throws ADOTD_FILE for a broken compressed file. */
export function decode(octets: Uint8Array, notes: Notes): string {
  const bytes = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
  const encoding = encodingOf(bytes);
  const converted = (text: string): string => {
    notes.add(0, `found ${encoding}; converted to UTF-8`);
    return text.replace(/^\ufeff/, '').replaceAll(/\r\n?/g, '\n');
  };
  switch (encoding) {
    case undefined:
      return bytes.toString('utf8').replaceAll('\r\n', '\n');
    case 'gzip':
      notes.add(0, 'found gzip; unpacked');
      return decode(unpacked(bytes), notes);
    case 'UTF-16LE':
      return converted(bytes.subarray(0, bytes.length & ~1).toString('utf16le'));
    case 'UTF-16BE':
      return converted(
        Buffer.from(bytes.subarray(0, bytes.length & ~1))
          .swap16()
          .toString('utf16le'),
      );
    case 'not UTF-8':
      notes.add(0, 'found octets that are not UTF-8; read as Latin-1 and converted');
      return bytes.toString('latin1').replaceAll('\r\n', '\n');
    case 'UTF-8 with a byte order mark':
    case 'CR line ends':
      return converted(bytes.toString('utf8'));
  }
}

function unpacked(bytes: Uint8Array): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_UNPACKED });
  } catch (error) {
    throw new AdotdError(ErrorCode.FILE, 'the compressed file (gzip) is damaged or too large; unpack it first', {
      cause: error,
    });
  }
}
