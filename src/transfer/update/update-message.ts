/**
 * Reads UPDATE messages (RFC 2136 §2). NOT here: flags of the header, OPT and TSIG, which are judged before, and the
 * additional section, whose records nothing asks for.
 */

import { AdotdError, counted } from '../../errors.js';
import { Class, Type } from '../../protocol/iana.js';
import { readName } from '../../protocol/message-name.js';
import { readU16, readU32 } from '../../protocol/octets.js';
import { typeToText } from '../../protocol/rdata/table.js';
import { readRdata } from '../../protocol/rdata/wire.js';

/** A record of the prerequisite or the update section. Its class gives it its meaning. */
export interface UpdateRecord {
  /** In wire format, uncompressed. */
  readonly owner: Uint8Array;
  readonly type: number;
  readonly class: number;
  /** Seconds; as sent. */
  readonly ttl: number;
  /** Uncompressed. */
  readonly rdata: Uint8Array;
}

export interface UpdateMessage {
  /** Name of the zone, in wire format. */
  readonly zone: Uint8Array;
  readonly zoneClass: number;
  readonly prerequisites: readonly UpdateRecord[];
  readonly changes: readonly UpdateRecord[];
}

const HEADER = 12;
/** Type and class. */
const QUESTION_FIXED = 4;
/** Type, class, TTL, RDLENGTH. */
const RECORD_FIXED = 10;

/** Reads a whole message. A text is the reason why it is malformed: the answer is FORMERR. Never throws. */
export function readUpdate(message: Uint8Array): UpdateMessage | string {
  if (message.length < HEADER) return `it has ${message.length} octets, fewer than a header`;
  // RFC 2136 §3.1.1.
  if (readU16(message, 4) !== 1) return `its zone section has ${counted(readU16(message, 4), 'record')}, expected one`;
  const zone = readName(message, HEADER);
  if (zone === undefined || zone.end + QUESTION_FIXED > message.length) return 'its zone section is malformed';
  const type = readU16(message, zone.end);
  if (type !== Type.SOA) return `its zone section has type ${typeToText(type)}, expected SOA`;
  const reader = new Reader(message, zone.end + QUESTION_FIXED);
  const prerequisites = reader.records(readU16(message, 6));
  const changes = reader.records(readU16(message, 8));
  if (reader.mistake !== undefined) return reader.mistake;
  return { zone: zone.name, zoneClass: readU16(message, zone.end + 2), prerequisites, changes };
}

class Reader {
  readonly #message: Uint8Array;
  #at: number;
  /** Why the message is malformed; nothing is read behind the mistake. */
  mistake: string | undefined;

  constructor(message: Uint8Array, at: number) {
    this.#message = message;
    this.#at = at;
  }

  records(count: number): UpdateRecord[] {
    const records: UpdateRecord[] = [];
    for (let i = 0; i < count && this.mistake === undefined; i++) {
      const record = this.#record();
      if (typeof record === 'string') this.mistake = `the record at octet ${this.#at}: ${record}`;
      else records.push(record);
    }
    return records;
  }

  /** Reads the next record; a text: why it is malformed. */
  #record(): UpdateRecord | string {
    const message = this.#message;
    const owner = readName(message, this.#at);
    if (owner === undefined) return 'its owner is no name';
    const fixed = owner.end;
    const rdata = fixed + RECORD_FIXED;
    if (rdata > message.length) return 'it ends before its RDATA';
    const type = readU16(message, fixed);
    const length = readU16(message, fixed + 8);
    if (rdata + length > message.length) return 'its RDATA goes beyond the message';
    const classNumber = readU16(message, fixed + 2);
    const read = rdataOf(message, type, classNumber, rdata, length);
    if (typeof read === 'string') return read;
    this.#at = rdata + length;
    return { owner: owner.name, type, class: classNumber, ttl: readU32(message, fixed + 4), rdata: read };
  }
}

/**
 * The RDATA. It may be empty in the classes other than IN (RFC 2136 §2.4 and §2.5); whether it has to be empty is judged later, in the
 * order of §3.
 */
function rdataOf(
  message: Uint8Array,
  type: number,
  classNumber: number,
  at: number,
  length: number,
): Uint8Array | string {
  // Copies: slice() of a Buffer would be a view.
  if (classNumber === Class.ANY || (length === 0 && classNumber !== Class.IN))
    return Uint8Array.from(message.subarray(at, at + length));
  try {
    return Uint8Array.from(readRdata(type, message, at, length));
  } catch (error) {
    if (error instanceof AdotdError) return error.message;
    throw error;
  }
}
