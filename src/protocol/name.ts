/**
 * Domain names in uncompressed wire format (RFC 1035 §3.1): a sequence of length octets and labels, ended by a zero
 * octet. Letter case is kept; comparisons ignore the case of ASCII letters (RFC 4343).
 */
import { domainToASCII } from 'node:url';
import { AdotdError, ErrorCode } from '../errors.js';

/** Octets of a whole name, length octets and the root's included (RFC 1035 §2.3.4). */
export const MAX_NAME = 255;
/** Octets of one label (RFC 1035 §2.3.4). */
export const MAX_LABEL = 63;
/** Labels of a name without the root: 127 of one octet each make 255 octets. */
export const MAX_LABELS = 127;

/** LOWER[octet] is the octet with ASCII upper-case letters mapped to lower case. */
export const LOWER: Uint8Array = Uint8Array.from({ length: 256 }, (_, octet) =>
  octet >= 0x41 && octet <= 0x5a ? octet + 0x20 : octet,
);

const DOT = 0x2e;
const BACKSLASH = 0x5c;

/** Length in octets of the name at `offset`. The name must be well formed. */
export function nameLength(wire: Uint8Array, offset = 0): number {
  let at = offset;
  for (let length = wire[at]!; length !== 0; length = wire[at]!) at += length + 1;
  return at + 1 - offset;
}

/** Number of labels of the name at `offset`, the root's not counted. The name must be well formed. */
export function labelCount(wire: Uint8Array, offset = 0): number {
  let count = 0;
  for (let at = offset; wire[at]! !== 0; at += wire[at]! + 1) count++;
  return count;
}

/** Whether two well-formed names are the same, letter case apart. */
export function sameName(a: Uint8Array, aOffset: number, b: Uint8Array, bOffset: number): boolean {
  for (;;) {
    const length = a[aOffset]!;
    if (length !== b[bOffset]!) return false;
    if (length === 0) return true;
    for (let i = 1; i <= length; i++) if (LOWER[a[aOffset + i]!] !== LOWER[b[bOffset + i]!]) return false;
    aOffset += length + 1;
    bOffset += length + 1;
  }
}

/**
 * Offset at which the name at `at` of `wire` ends in `suffix` (a whole name of `labels` labels), or -1 when it does not.
 */
export function suffixAt(wire: Uint8Array, at: number, suffix: Uint8Array, labels: number): number {
  let excess = labelCount(wire, at) - labels;
  if (excess < 0) return -1;
  for (; excess > 0; excess--) at += wire[at]! + 1;
  return sameName(wire, at, suffix, 0) ? at : -1;
}

/** Offsets of the labels of a well-formed name, leftmost first. */
export function labelOffsets(wire: Uint8Array, offset = 0): number[] {
  const offsets: number[] = [];
  for (let at = offset; wire[at]! !== 0; at += wire[at]! + 1) offsets.push(at);
  return offsets;
}

/** Compares two labels (each starting at its length octet) in canonical order: RFC 4034 §6.1. */
export function compareLabels(a: Uint8Array, aOffset: number, b: Uint8Array, bOffset: number): number {
  const aLength = a[aOffset]!;
  const bLength = b[bOffset]!;
  const shared = Math.min(aLength, bLength);
  for (let i = 1; i <= shared; i++) {
    const difference = LOWER[a[aOffset + i]!]! - LOWER[b[bOffset + i]!]!;
    if (difference !== 0) return difference;
  }
  return aLength - bLength;
}

/** Where the labels begin: names lie in images and runs, which are longer than 65,535 octets. */
const labelsOfA = new Uint32Array(MAX_LABELS);
const labelsOfB = new Uint32Array(MAX_LABELS);

function writeLabelOffsets(wire: Uint8Array, offset: number, out: Uint32Array): number {
  let count = 0;
  for (let at = offset; wire[at]! !== 0; at += wire[at]! + 1) out[count++] = at;
  return count;
}

/** Compares two well-formed names in canonical order, letter case apart: RFC 4034 §6.1. Allocates nothing. */
export function compareNames(a: Uint8Array, aOffset: number, b: Uint8Array, bOffset: number): number {
  let i = writeLabelOffsets(a, aOffset, labelsOfA);
  let j = writeLabelOffsets(b, bOffset, labelsOfB);
  while (i > 0 && j > 0) {
    const difference = compareLabels(a, labelsOfA[--i]!, b, labelsOfB[--j]!);
    if (difference !== 0) return difference;
  }
  return i - j;
}

/**
 * A name in presentation format as wire format (RFC 1035 §5.1: `\DDD` and `\X` escapes). A name without a final dot is
 * relative to `origin` (wire format; default: the root). Characters above 127 are refused: the author means the
 * A-label, which clients ask for (RFC 5890 §2.3.2.1). Throws ADOTD_PRESENTATION.
 */
export function nameFromText(text: string, origin: Uint8Array = ROOT): Uint8Array {
  if (text === '@') return origin;
  if (text === '.') return ROOT;
  const octets = Buffer.from(text, 'utf8');
  const wire = new Uint8Array(MAX_NAME);
  let used = 1;
  let label = 0;
  let absolute = false;
  const fail = (reason: string): never => {
    throw new AdotdError(ErrorCode.PRESENTATION, `${JSON.stringify(text)} is not a domain name: ${reason}`);
  };
  if (octets.length === 0) fail('it is empty');
  if (octets.length !== text.length) {
    const ascii = domainToASCII(text);
    fail(`it has characters above 127; expected its A-labels${ascii === '' ? '' : `, ${ascii}`}`);
  }
  for (let i = 0; i < octets.length; i++) {
    let octet = octets[i]!;
    if (octet === DOT) {
      if (used === label + 1) fail('it has an empty label');
      wire[label] = used - label - 1;
      label = used;
      used++;
      if (i === octets.length - 1) absolute = true;
      if (used > MAX_NAME) fail(`it is longer than ${MAX_NAME} octets`);
      continue;
    }
    if (octet === BACKSLASH) {
      octet = octets[++i] ?? fail('it ends in a backslash');
      if (octet >= 0x30 && octet <= 0x39) {
        const digits = octets.toString('latin1', i, i + 3);
        if (!/^[0-9]{3}$/.test(digits) || Number(digits) > 255) fail(`\\${digits} is no octet between \\000 and \\255`);
        octet = Number(digits);
        i += 2;
      }
    }
    if (used - label > MAX_LABEL) fail(`it has a label longer than ${MAX_LABEL} octets`);
    if (used >= MAX_NAME) fail(`it is longer than ${MAX_NAME} octets`);
    wire[used++] = octet;
  }
  if (absolute) {
    wire[label] = 0;
    return wire.slice(0, label + 1);
  }
  wire[label] = used - label - 1;
  if (used + origin.length > MAX_NAME) fail(`with its origin it is longer than ${MAX_NAME} octets`);
  wire.set(origin, used);
  return wire.slice(0, used + origin.length);
}

/** The text of a label, escaped by RFC 1035 §5.1; `offset` is that of the length octet. */
export function labelToText(wire: Uint8Array, offset: number): string {
  let text = '';
  const end = offset + 1 + wire[offset]!;
  for (let at = offset + 1; at < end; at++) {
    const octet = wire[at]!;
    if (octet <= 0x20 || octet >= 0x7f) text += `\\${String(octet).padStart(3, '0')}`;
    else if (SPECIAL.has(octet)) text += `\\${String.fromCharCode(octet)}`;
    else text += String.fromCharCode(octet);
  }
  return text;
}

/** Characters with a meaning in zone files: `"` `$` `(` `)` `.` `;` `@` `\`. */
const SPECIAL = new Set([0x22, 0x24, 0x28, 0x29, 0x2e, 0x3b, 0x40, 0x5c]);

/** The well-formed wire name at `offset` in presentation format, absolute (it ends in a dot). */
export function nameToText(wire: Uint8Array, offset = 0): string {
  if (wire[offset] === 0) return '.';
  let text = '';
  for (let at = offset; wire[at]! !== 0; at += wire[at]! + 1) text += `${labelToText(wire, at)}.`;
  return text;
}

/** A well-formed wire name as a key of maps: its text in lower case, with escapes in one form. */
export function nameKey(wire: Uint8Array): string {
  return nameToText(wire).toLowerCase();
}

/** The key of a zone's name in presentation format. A text that is no name is its own key. */
export function zoneKey(text: string): string {
  try {
    return nameKey(nameFromText(text));
  } catch (error) {
    if (!(error instanceof AdotdError)) throw error;
    return text;
  }
}

/** The name of the DNS root. */
export const ROOT: Uint8Array = Uint8Array.of(0);
