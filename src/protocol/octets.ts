/** Numbers of wire format among octets, and octets among others. Hot file: no allocation, no views. */

/**
 * The first place of `octet` in bytes[start … end), or -1. Not Uint8Array.indexOf, which looks through the whole file when the token does
 * not have it.
 */
export function indexOfOctet(bytes: Uint8Array, octet: number, start: number, end: number): number {
  for (let i = start; i < end; i++) if (bytes[i] === octet) return i;
  return -1;
}

/** Reads a 16-bit number in network order. */
export function readU16(wire: Uint8Array, at: number): number {
  return (wire[at]! << 8) | wire[at + 1]!;
}

/** Reads a 32-bit number in network order. */
export function readU32(wire: Uint8Array, at: number): number {
  return ((wire[at]! << 24) | (wire[at + 1]! << 16) | (wire[at + 2]! << 8) | wire[at + 3]!) >>> 0;
}

/** Writes a 16-bit number in network order. */
export function writeU16(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 8;
  out[at + 1] = value;
}

/** Writes a 32-bit number in network order. */
export function writeU32(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 24;
  out[at + 1] = value >>> 16;
  out[at + 2] = value >>> 8;
  out[at + 3] = value;
}
