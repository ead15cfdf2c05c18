/**
 * base32hex without padding (RFC 4648 §7), in which hashes of NSEC3 records are written (RFC 5155 §3.3): five bits a
 * character. Hot file: no allocation but for text.
 */

const ALPHABET = '0123456789abcdefghijklmnopqrstuv';
const CHARACTERS = Uint8Array.from(Buffer.from(ALPHABET, 'latin1'));
/** The value of each octet as a digit, in any letter case; -1 for an octet that is none. */
const VALUES = new Int8Array(256).fill(-1);
for (let value = 0; value < ALPHABET.length; value++) {
  VALUES[ALPHABET.charCodeAt(value)] = value;
  VALUES[ALPHABET.toUpperCase().charCodeAt(value)] = value;
}

/**
 * Writes the octets that text[start … end) spells at out[at…] and returns how many they are; -1 when the text is not
 * base32hex. Fewer than five bits may be left over at the end, and they have to be zero.
 */
export function decodeBase32hex(text: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number {
  let to = at;
  let bits = 0;
  let held = 0;
  for (let i = start; i < end; i++) {
    const value = VALUES[text[i]!]!;
    if (value < 0) return -1;
    bits = ((bits << 5) | value) & 0xfff;
    held += 5;
    if (held < 8) continue;
    held -= 8;
    out[to++] = bits >> held;
  }
  return held >= 5 || (bits & ((1 << held) - 1)) !== 0 ? -1 : to - at;
}

/** Writes octets[at … at + length) in lower case at out[to…] and returns the number of characters. */
export function encodeBase32hex(octets: Uint8Array, at: number, length: number, out: Uint8Array, to: number): number {
  let written = to;
  let bits = 0;
  let held = 0;
  for (let i = at; i < at + length; i++) {
    bits = ((bits << 8) | octets[i]!) & 0xfff;
    for (held += 8; held >= 5; held -= 5) out[written++] = CHARACTERS[(bits >> (held - 5)) & 31]!;
  }
  if (held > 0) out[written++] = CHARACTERS[(bits << (5 - held)) & 31]!;
  return written - to;
}

/** octets[at … at + length) in upper case, as RFC 5155 writes hashes. */
export function base32hexToText(octets: Uint8Array, at: number, length: number): string {
  const text = Buffer.allocUnsafe(Math.ceil((length * 8) / 5));
  encodeBase32hex(octets, at, length, text, 0);
  return text.toString('latin1').toUpperCase();
}
