/** Questions to resolvers for types that node:dns does not know, and the check of all answers. */
import { AdotdError, ErrorCode } from '../errors.js';
import { Class, Opcode, Rcode, Type } from '../protocol/iana.js';
import { readU16, writeU16 } from '../protocol/octets.js';
import { HEADER } from './in/answer-records.js';

const QR = 0x80;
const TC = 0x02;
const RD = 0x01;
const CD = 0x10;
const DO = 0x80;
const ARCOUNT = 10;
/** Octets of an OPT record without options, and the size of datagrams that it offers. */
const OPT = 11;
const PAYLOAD = 1232;
const RCODES = Object.entries(Rcode);

/**
 * A question for the records of a name (wire format) and a type. `dnssec`: with the bits DO and CD, for all records that the resolver has,
 * also those that it would find bogus.
 */
export function resolverQuestion(
  id: number,
  name: Uint8Array,
  type: number,
  { dnssec = false }: { readonly dnssec?: boolean } = {},
): Uint8Array {
  const end = HEADER + name.length + 4;
  const message = new Uint8Array(end + (dnssec ? OPT : 0));
  writeU16(message, 0, id);
  message[2] = RD;
  writeU16(message, 4, 1);
  message.set(name, HEADER);
  writeU16(message, end - 4, type);
  writeU16(message, end - 2, Class.IN);
  if (!dnssec) return message;
  message[3] = CD;
  writeU16(message, ARCOUNT, 1);
  writeU16(message, end + 1, Type.OPT);
  writeU16(message, end + 3, PAYLOAD);
  message[end + 7] = DO;
  return message;
}

/** Whether a datagram is the answer to the question with this id, and was cut off. */
export function isTruncated(message: Uint8Array): boolean {
  return message.length >= HEADER && (message[2]! & TC) !== 0;
}

/**
 * Throws ADOTD_TRANSFER unless the message is a whole answer, positive or negative, to the question with this id. `what`: the subject of
 * the question.
 */
export function checkResolverAnswer(message: Uint8Array, id: number, what: string): void {
  const fail = (reason: string): never => {
    throw new AdotdError(ErrorCode.TRANSFER, `${what}: ${reason}`);
  };
  if (message.length < HEADER || readU16(message, 0) !== id || (message[2]! & QR) === 0)
    fail('found a message that is no answer, expected one to our question');
  if (((message[2]! >> 3) & 15) !== Opcode.QUERY || isTruncated(message))
    fail('found an answer that is truncated or of another opcode, expected a whole one');
  const rcode = message[3]! & 15;
  if (rcode === Rcode.NOERROR || rcode === Rcode.NXDOMAIN) return;
  fail(`the resolver answered ${RCODES.find(([, number]) => number === rcode)?.[0] ?? `RCODE ${rcode}`}`);
}
