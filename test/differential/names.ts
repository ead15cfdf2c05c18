/**
 * Domain names as the generator uses them: labels from the leaf to the top, each a string of octets (latin1). It shares
 * no code with the server.
 */
export type Name = readonly string[];

/** Presentation form, absolute; everything but letters, digits, `-`, `_` and `*` is escaped (RFC 1035 §5.1). */
export function nameToText(name: Name): string {
  if (name.length === 0) return '.';
  const escaped = (c: string): string => `\\${c.charCodeAt(0).toString().padStart(3, '0')}`;
  return name.map((label) => `${label.replace(/[^A-Za-z0-9_*-]/gs, escaped)}.`).join('');
}

/** The name of plain text without escapes. */
export function nameFromPlain(text: string): Name {
  return text === '.' ? [] : text.replace(/\.$/, '').split('.');
}

/** The name of text that nameToText() wrote. */
export function nameFromText(text: string): Name {
  const octet = (_: string, digits: string): string => String.fromCharCode(Number(digits));
  return nameFromPlain(text).map((label) => label.replace(/\\(\d{3})/g, octet));
}

/** Octets on the wire, the root label included; at most 255 may be used (RFC 1035 §2.3.4). */
export function wireLength(name: Name): number {
  let length = 1;
  for (const label of name) length += label.length + 1;
  return length;
}

export function nameToWire(name: Name): Buffer {
  const text = name.map((label) => String.fromCharCode(label.length) + label).join('');
  return Buffer.from(`${text}\0`, 'latin1');
}

/** ASCII letters in lower case only (RFC 4343 §3). */
export function lower(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** A string that is equal for equal names. */
export function nameKey(name: Name): string {
  let key = '';
  for (const label of name) key += String.fromCharCode(label.length) + label;
  return lower(key);
}

export function isBelow(name: Name, ancestor: Name): boolean {
  return name.length > ancestor.length && nameKey(name.slice(name.length - ancestor.length)) === nameKey(ancestor);
}

export function isAtOrBelow(name: Name, ancestor: Name): boolean {
  return name.length >= ancestor.length && nameKey(name.slice(name.length - ancestor.length)) === nameKey(ancestor);
}
