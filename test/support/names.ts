/**
 * Domain names for tests: presentation format ↔ uncompressed wire format. Independent of the server's own codec, so
 * that a mistake there is not repeated here.
 */

/** Longest name in wire format, the root's zero octet included (RFC 1035 §3.1). */
const MAX_OCTETS = 255;
const SPECIAL = '.\\"();@$';

/** Wire format of an absolute name such as `a\.b.example.` (the final dot may be missing). Throws on a malformed one. */
export function nameFromText(text: string): Uint8Array {
  if (text === '.') return new Uint8Array(1);
  const octets: number[] = [];
  let label: number[] = [];
  const endLabel = (): void => {
    if (label.length === 0 || label.length > 63) throw new Error(`label of ${label.length} octets in ${text}`);
    octets.push(label.length, ...label);
    label = [];
  };
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    if (char === '.') endLabel();
    else if (char !== '\\') label.push(text.charCodeAt(i));
    else if (/^\d{3}/.test(text.slice(i + 1))) {
      label.push(Number(text.slice(i + 1, i + 4)));
      i += 3;
    } else label.push(text.charCodeAt(++i));
  }
  if (label.length > 0) endLabel();
  octets.push(0);
  if (octets.length > MAX_OCTETS) throw new Error(`name of ${octets.length} octets: ${text}`);
  return Uint8Array.from(octets);
}

/** Labels of an uncompressed wire name, the leftmost first, without the root. */
export function labelsOf(wire: Uint8Array): Uint8Array[] {
  const labels: Uint8Array[] = [];
  for (let at = 0; wire[at] !== 0; at += 1 + (wire[at] ?? 0)) {
    if (wire[at] === undefined) throw new Error('name without root label');
    labels.push(wire.subarray(at + 1, at + 1 + (wire[at] ?? 0)));
  }
  return labels;
}

/** Each octet as it stands in a name's presentation format. */
const OCTET_TEXT: readonly string[] = Array.from({ length: 256 }, (_, octet) => {
  const char = String.fromCharCode(octet);
  if (octet <= 32 || octet >= 127) return `\\${String(octet).padStart(3, '0')}`;
  return SPECIAL.includes(char) ? `\\${char}` : char;
});

/**
 * Presentation format of the uncompressed name that begins at `at`, with the final dot. `octetText` prints each octet of a
 * label; by default letter case is kept.
 */
export function nameToText(wire: Uint8Array, at = 0, octetText = OCTET_TEXT): string {
  let text = '';
  let from = at;
  for (let length = wire[from]; length !== 0; length = wire[from]) {
    if (length === undefined) throw new Error('name without root label');
    const end = from + 1 + length;
    for (from++; from < end; from++) text += octetText[wire[from] ?? 0];
    text += '.';
  }
  return text === '' ? '.' : text;
}

const uncompressed = new Uint8Array(MAX_OCTETS);

/**
 * Reads the name at `at` of a message and returns it uncompressed, with the offset after it and whether it had a
 * pointer. A pointer must point to before the labels that it ends (RFC 1035 §4.1.4: "a prior occurrence"). Nothing is read
 * from `limit` on.
 */
export function readName(
  message: Uint8Array,
  at: number,
  limit = message.length,
): { wire: Uint8Array; end: number; compressed: boolean } {
  let size = 0;
  let end = -1;
  let from = at;
  let start = at;
  for (;;) {
    const length = from < limit ? message[from] : undefined;
    if (length === undefined) throw new Error('name runs past the message');
    if (length === 0) break;
    if (length >= 192) {
      const low = from + 1 < limit ? message[from + 1] : undefined;
      if (low === undefined) throw new Error('pointer runs past the message');
      const target = (length & 63) * 256 + low;
      if (target >= start || target < 12)
        throw new Error(`pointer at ${from} to ${target} does not point to a prior name`);
      if (end < 0) end = from + 2;
      from = start = target;
    } else {
      if (length > 63) throw new Error('label type is neither ordinary nor a pointer');
      const next = from + 1 + length;
      if (next > limit) throw new Error('label runs past the message');
      if (size + 1 + length >= MAX_OCTETS) throw new Error('name above 255 octets');
      while (from < next) uncompressed[size++] = message[from++] ?? 0;
    }
  }
  uncompressed[size++] = 0;
  return { wire: uncompressed.slice(0, size), end: end < 0 ? from + 1 : end, compressed: end >= 0 };
}
