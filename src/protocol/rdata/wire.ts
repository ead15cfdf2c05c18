/** RDATA in wire format: checked, read from messages, and put in canonical form. */
import { AdotdError, counted, ErrorCode } from '../../errors.js';
import { decompress, endOfName } from '../message-name.js';
import { LOWER, MAX_NAME } from '../name.js';
import { CODECS } from './codecs.js';
import { isDecompressed, isLowered, MAX_RDATA } from './field.js';
import { hasLoweredNames, rowOf, typeToText } from './table.js';

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
  const out = new Uint8Array(Math.max(0, length) + (rowOf(type)?.fields?.length ?? 0) * MAX_NAME);
  return out.slice(0, readRdataTo(type, message, at, length, out, 0));
}

/**
 * As readRdata(), but writes the RDATA at out[to…], where there has to be room for any (MAX_RDATA + MAX_NAME octets), and
 * returns its length.
 */
export function readRdataTo(
  type: number,
  message: Uint8Array,
  at: number,
  length: number,
  out: Uint8Array,
  to: number,
): number {
  const end = at + length;
  if (at < 0 || length < 0 || length > MAX_RDATA || end > message.length)
    fail(
      type,
      `${counted(length, 'octet')} at ${at} are not within the message of ${counted(message.length, 'octet')}`,
    );
  const fields = rowOf(type)?.fields;
  if (fields === undefined || !fields.some(({ kind }) => isDecompressed(kind))) {
    const reason = checkRdata(type, message, at, length);
    if (reason !== undefined) fail(type, reason);
    for (let i = 0; i < length; i++) out[to + i] = message[at + i]!;
    return length;
  }
  let from = at;
  let used = 0;
  for (const field of fields) {
    const decompressed = isDecompressed(field.kind);
    const next = decompressed ? endOfName(message, from, end) : CODECS[field.kind]!.check(message, from, end, at);
    if (next < 0) fail(type, malformed(field.name, from - at));
    if (decompressed) {
      const written = decompress(message, from, out, to + used);
      if (written < 0) fail(type, malformed(field.name, from - at));
      used += written;
    } else {
      for (let i = from; i < next; i++) out[to + used++] = message[i]!;
    }
    // Names that are decompressed may make RDATA of any message too long, but never by more than one at a time.
    if (used > MAX_RDATA) fail(type, `it has ${used} octets when decompressed, more than ${MAX_RDATA}`);
    from = next;
  }
  if (from < end) fail(type, trailing(end - from));
  return used;
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
