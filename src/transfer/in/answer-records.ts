/**
 * Walks over the records of a message's answer section, and finds its OPT record. Hot file: integers and octets, no object
 * per record.
 */
import { EdnsOption, Type } from '../../protocol/iana.js';
import { decompress, endOfName } from '../../protocol/message-name.js';
import { MAX_NAME } from '../../protocol/name.js';
import { readU16, readU32 } from '../../protocol/octets.js';
import { TransferError, TransferFault } from './transfer-error.js';

/** Octets of a header (RFC 1035 §4.1.1). */
export const HEADER = 12;
/** Type, class, TTL, RDLENGTH. */
const FIXED = 10;
const QDCOUNT = 4;
const ANCOUNT = 6;
const NSCOUNT = 8;
const ARCOUNT = 10;

function malformed(at: number, reason: string): never {
  throw new TransferError(TransferFault.PROTOCOL, `found a malformed message at octet ${at}: ${reason}`);
}

/** Reads the answer section. The fields are those of the record that next() has moved to. */
export class AnswerRecords {
  message: Uint8Array = new Uint8Array();
  /** Name of the owner, uncompressed. */
  readonly owner = new Uint8Array(MAX_NAME);
  ownerLength = 0;
  /** Where the owner is in the message. */
  ownerAt = 0;
  type = 0;
  classNumber = 0;
  /** As it was sent. */
  ttl = 0;
  /** RDATA in the message; its names may be compressed. */
  rdataAt = 0;
  rdataLength = 0;
  /** Records behind the current one. */
  left = 0;
  #end = 0;

  /** Begins before the first record; the header and the question of the message are passed over. */
  begin(message: Uint8Array): void {
    this.message = message;
    this.left = readU16(message, ANCOUNT);
    this.#end = HEADER;
    for (let i = readU16(message, QDCOUNT); i > 0; i--) {
      const end = endOfName(message, this.#end, message.length);
      if (end < 0 || end + 4 > message.length) malformed(this.#end, 'the question ends before its class');
      this.#end = end + 4;
    }
  }

  /** Moves to the next record; false behind the last one. Throws ADOTD_TRANSFER. */
  next(): boolean {
    if (this.left === 0) return false;
    this.left--;
    const { message } = this;
    const at = this.#end;
    const fixed = endOfName(message, at, message.length);
    if (fixed < 0 || fixed + FIXED > message.length) malformed(at, 'a record ends before its RDATA');
    this.ownerLength = decompress(message, at, this.owner, 0);
    if (this.ownerLength < 0) malformed(at, 'the owner of a record is no name');
    this.ownerAt = at;
    this.type = readU16(message, fixed);
    this.classNumber = readU16(message, fixed + 2);
    this.ttl = readU32(message, fixed + 4);
    this.rdataLength = readU16(message, fixed + 8);
    this.rdataAt = fixed + FIXED;
    this.#end = this.rdataAt + this.rdataLength;
    if (this.#end > message.length) malformed(at, 'the RDATA of a record ends behind the message');
    return true;
  }
}

/**
 * The seconds of the EXPIRE option in a well-formed message (RFC 7314 §3); undefined: it has none. An option that cannot be read
 * counts as absent: it is no reason to refuse a zone.
 */
export function expireOption(message: Uint8Array): number | undefined {
  const at = optionAt(message, EdnsOption.EXPIRE);
  return at >= 0 && readU16(message, at + 2) === 4 ? readU32(message, at + 4) : undefined;
}

/** Whether a message has the option for padding (RFC 7830). */
export function isPadded(message: Uint8Array): boolean {
  return optionAt(message, EdnsOption.PADDING) >= 0;
}

/** Where the option with this code begins in the OPT record of a message; -1: it has none, or cannot be read. */
function optionAt(message: Uint8Array, code: number): number {
  const records = new AnswerRecords();
  try {
    records.begin(message);
    records.left += readU16(message, NSCOUNT) + readU16(message, ARCOUNT);
    while (records.next())
      if (records.type === Type.OPT) return optionIn(message, code, records.rdataAt, records.rdataLength);
  } catch (error) {
    if (!(error instanceof TransferError)) throw error;
  }
  return -1;
}

function optionIn(message: Uint8Array, code: number, at: number, length: number): number {
  for (let to = at; to + 4 <= at + length; ) {
    const octets = readU16(message, to + 2);
    if (to + 4 + octets > at + length) return -1;
    if (readU16(message, to) === code) return to;
    to += 4 + octets;
  }
  return -1;
}
