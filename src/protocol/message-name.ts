/** Names as messages have them: possibly compressed (RFC 1035 §4.1.4). Hot file: integers and octets. */
import { MAX_LABEL, MAX_NAME } from './name.js';

/** The two highest bits of a length octet that make it a compression pointer (RFC 1035 §4.1.4). */
const POINTER = 0xc0;

/** Where the possibly compressed name at message[at…] ends, behind its root or pointer; -1 when that is beyond `end`. */
export function endOfName(message: Uint8Array, at: number, end: number): number {
  for (let to = at; to < end; to += message[to]! + 1) {
    const length = message[to]!;
    if (length === 0) return to + 1;
    if (length >= POINTER) return to + 2 <= end ? to + 2 : -1;
    if (length > MAX_LABEL) return -1;
  }
  return -1;
}

/**
 * Writes the name at message[at…] uncompressed at out[to…] and returns its length, or -1 when it is malformed. Each pointer
 * has to point before the labels that led to it, so that the walk ends.
 */
export function decompress(message: Uint8Array, at: number, out: Uint8Array, to: number): number {
  let from = at;
  let before = at;
  let used = 0;
  while (from < message.length) {
    const length = message[from]!;
    if (length >= POINTER) {
      if (from + 1 >= message.length) return -1;
      const target = ((length & ~POINTER) << 8) | message[from + 1]!;
      if (target >= before) return -1;
      before = target;
      from = target;
      continue;
    }
    if (length > MAX_LABEL || used + length + 1 > MAX_NAME || from + length >= message.length) return -1;
    for (let i = 0; i <= length; i++) out[to + used + i] = message[from + i]!;
    used += length + 1;
    if (length === 0) return used;
    from += length + 1;
  }
  return -1;
}

/**
 * The uncompressed name at message[at…], and where it ends there; undefined when it is malformed. Pointers have to point
 * backwards.
 */
export function readName(
  message: Uint8Array,
  at: number,
): { readonly name: Uint8Array; readonly end: number } | undefined {
  const end = endOfName(message, at, message.length);
  if (end < 0) return undefined;
  const name = new Uint8Array(MAX_NAME);
  const length = decompress(message, at, name, 0);
  return length < 0 ? undefined : { name: name.slice(0, length), end };
}
