/** The answer to the question for a zone's DS records, which the servers of its parent are asked (RFC 4035 §3.1.4.1). */
import { Class, Rcode, Type } from '../../protocol/iana.js';
import { labelCount, nameToText, sameName, suffixAt } from '../../protocol/name.js';
import { readU16 } from '../../protocol/octets.js';
import type { StreamVerifier } from '../../protocol/tsig/tsig-stream.js';
import { AnswerRecords } from './answer-records.js';
import { checkResponse } from './response-check.js';
import { TransferError, TransferFault } from './transfer-error.js';
import type { TransferQuestion } from './transfer-question.js';

const AA = 0x0400;
const ANCOUNT = 6;
const NSCOUNT = 8;
const ACCEPTED = [Rcode.NOERROR, Rcode.NXDOMAIN];

function fail(reason: string): never {
  throw new TransferError(TransferFault.PROTOCOL, reason);
}

/**
 * RDATA of the DS records; none: the parent denies that there are any. An answer counts only if it comes from the parent's side of the cut:
 * a server that has only the zone itself would deny existing DS records. Throws TransferError. `now`: seconds since 1970.
 */
export function readDsAnswer(
  message: Uint8Array,
  question: TransferQuestion,
  verifier: StreamVerifier | undefined,
  now: number,
): Uint8Array[] {
  checkResponse(message, question, verifier, now, ACCEPTED);
  const { apex } = question;
  if ((readU16(message, 2) & AA) === 0)
    fail('found an answer without AA, expected one of a server that serves the parent zone');
  const records = new AnswerRecords();
  records.begin(message);
  const found: Uint8Array[] = [];
  while (records.next()) {
    if (records.type !== Type.DS || records.classNumber !== Class.IN || !sameName(records.owner, 0, apex, 0)) continue;
    found.push(message.slice(records.rdataAt, records.rdataAt + records.rdataLength));
  }
  if (found.length > 0) return found;
  if (readU16(message, ANCOUNT) > 0)
    fail(`found an answer with other records than DS of ${nameToText(apex)}, expected those, or no record in a denial`);
  records.left = readU16(message, NSCOUNT);
  let isDenied = false;
  // To the last one: a message that was cut off denies nothing.
  while (records.next())
    isDenied ||= records.type === Type.SOA && records.classNumber === Class.IN && isAbove(records.owner, apex);
  if (isDenied) return [];
  return fail(`found no DS record of ${nameToText(apex)} and no SOA record of a zone above it, expected one of them`);
}

/** Whether `name` lies above `zone`. */
export function isAbove(name: Uint8Array, zone: Uint8Array): boolean {
  return suffixAt(zone, 0, name, labelCount(name)) > 0;
}
