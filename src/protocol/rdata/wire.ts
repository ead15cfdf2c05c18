/** RDATA in wire format: checked, read from messages, and put in canonical form. */
import { AdotdError, counted, ErrorCode } from '../../errors.js';
import { LOWER, MAX_LABEL, MAX_NAME } from '../name.js';
import { CODECS } from './codecs.js';
import { isDecompressed, isLowered, MAX_RDATA } from './field.js';
import { hasLoweredNames, rowOf, typeToText } from './table.js';

/** The two highest bits of a length octet that make it a compression pointer (RFC 1035 §4.1.4). */
const POINTER = 0xc0;

/**
 * Why wire[at … at + length) is malformed RDATA of `type`; undefined when it is well formed. Names have to be uncompressed.
 * Types without fields in the table may hold any octets.
 */
export function checkRdata(type: number, wire: Uint8Array, at: number, length: number): string | undefined {
  const fields = rowOf(type)?.fields;
  const end = at + length;
  if (length > MAX_RDATA) return `it has ${length} octets, more than ${MAX_RDATA}`;
  if (end > wire.length)
    return `it is to have ${counted(length, 'octet')}, but only ${Math.max(0, wire.length - at)} are there`;
  if (fields === undefined) return undefined;
  let to = at;
  for (const field of fields) {
    const next = CODECS[field.kind]!.check(wire, to, end, at);
    if (next < 0) return malformed(field.name, to - at);
    to = next;
  }
  return to < end ? trailing(end - to) : undefined;
}

function malformed(name: string, at: number): string {
  return `the octets from ${at} on are no valid ${name}`;
}

function trailing(octets: number): string {
  return `${counted(octets, 'octet follows', 'octets follow')} its last field`;
}

function fail(type: number, reason: string): never {
  throw new AdotdError(ErrorCode.WIRE, `malformed RDATA of type ${typeToText(type)}: ${reason}`);
}

/**
 * The uncompressed RDATA of the record of `type` whose RDATA is message[at … at + length). Names are decompressed for
 * the types that may have compressed ones (RFC 3597 §4); pointers have to point backwards. Throws ADOTD_WIRE.
 */
export function readRdata(type: number, message: Uint8Array, at: number, length: number): Uint8Array {
  const fields = rowOf(type)?.fields;
  const end = at + length;
  if (at < 0 || length < 0 || length > MAX_RDATA || end > message.length)
    fail(
      type,
      `${counted(length, 'octet')} at ${at} are not within the message of ${counted(message.length, 'octet')}`,
    );
  if (fields?.some((field) => isDecompressed(field.kind)) !== true) {
    const reason = checkRdata(type, message, at, length);
    return reason === undefined ? message.slice(at, end) : fail(type, reason);
  }
  const out = new Uint8Array(length + fields.length * MAX_NAME);
  let from = at;
  let to = 0;
  for (const field of fields) {
    const decompressed = isDecompressed(field.kind);
    const next = decompressed ? endOfName(message, from, end) : CODECS[field.kind]!.check(message, from, end, at);
    if (next < 0) fail(type, malformed(field.name, from - at));
    if (decompressed) {
      const used = decompress(message, from, out, to);
      if (used < 0) fail(type, malformed(field.name, from - at));
      to += used;
    } else {
      out.set(message.subarray(from, next), to);
      to += next - from;
    }
    from = next;
  }
  if (from < end) fail(type, trailing(end - from));
  if (to > MAX_RDATA) fail(type, `it has ${to} octets when decompressed, more than ${MAX_RDATA}`);
  return out.slice(0, to);
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

/** The end of the possibly compressed name at message[at…], behind its root or pointer; -1 when it is beyond `end`. */
function endOfName(message: Uint8Array, at: number, end: number): number {
  for (let to = at; to < end; to += message[to]! + 1) {
    const length = message[to]!;
    if (length === 0) return to + 1;
    if (length >= POINTER) return to + 2 <= end ? to + 2 : -1;
    if (length > MAX_LABEL) return -1;
  }
  return -1;
}

/**
 * Writes the name at message[at…] at out[to…] and returns its length, or -1 when it is malformed. Each pointer has to
 * point before the labels that led to it, so that the walk ends.
 */
function decompress(message: Uint8Array, at: number, out: Uint8Array, to: number): number {
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
 * The canonical form of well-formed, uncompressed RDATA: names are in lower case for the types that RFC 4034 §6.2 lists,
 * NSEC excepted (RFC 6840 §5.1). Records with the same canonical form are the same record (RFC 4034 §6.3). The result is
 * `rdata` itself for types without such names, else a copy.
 */
export function canonicalRdata(type: number, rdata: Uint8Array): Uint8Array {
  if (!hasLoweredNames(type)) return rdata;
  const canonical = rdata.slice();
  const fields = rowOf(type)?.fields ?? [];
  let at = 0;
  for (const field of fields) {
    const next = CODECS[field.kind]!.check(rdata, at, rdata.length, 0);
    if (next < 0) return canonical;
    // Length octets are below 64, and so no letters.
    if (isLowered(field.kind)) for (let i = at; i < next; i++) canonical[i] = LOWER[rdata[i]!]!;
    at = next;
  }
  return canonical;
}
