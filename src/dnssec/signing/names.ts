/** Names as signing handles them: in wire format and in lower case, and as keys that sort in canonical order. */
import { LOWER, labelOffsets, nameLength } from '../../protocol/name.js';

/** The name at wire[at…] in lower case. */
export function loweredName(wire: Uint8Array, at = 0): Uint8Array {
  return wire.slice(at, at + nameLength(wire, at)).map((octet) => LOWER[octet]!);
}

/** A string for a name in lower case; strings compare as the names do in canonical order (RFC 4034 §6.1). */
export function sortKey(name: Uint8Array): string {
  let key = '';
  for (const at of labelOffsets(name).reverse()) {
    // It sorts below each octet, so that a shorter name or label comes first.
    key += '\u0000';
    for (let i = at + 1; i <= at + name[at]!; i++) key += String.fromCharCode(name[i]! + 1);
  }
  return key;
}

/** The names above `name`, from its parent up to the apex, `apex` included; none for the apex itself. */
export function namesAbove(name: Uint8Array, apex: Uint8Array): Uint8Array[] {
  const above: Uint8Array[] = [];
  for (let at = 0; name.length - at > apex.length; ) {
    at += name[at]! + 1;
    above.push(name.subarray(at));
  }
  return above;
}
