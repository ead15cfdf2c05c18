/** The answer of an authoritative server to the question for an RRset at the apex of its zone. */
import { Class, Rcode } from '../../protocol/iana.js';
import { nameToText, sameName } from '../../protocol/name.js';
import { readU16 } from '../../protocol/octets.js';
import { typeToText } from '../../protocol/rdata/table.js';
import type { StreamVerifier } from '../../protocol/tsig/tsig-stream.js';
import { AnswerRecords } from './answer-records.js';
import { checkResponse } from './response-check.js';
import { TransferError, TransferFault } from './transfer-error.js';
import type { TransferQuestion } from './transfer-question.js';

const AA = 0x0400;

/** An RRset without names in its RDATA. */
export interface AnsweredRrset {
  /** Seconds; 0 without records. */
  readonly ttl: number;
  readonly rdata: readonly Uint8Array[];
}

/** The RRset, without records when the server denies it. Throws TransferError. `now`: seconds since 1970. */
export function readRrsetAnswer(
  message: Uint8Array,
  question: TransferQuestion,
  verifier: StreamVerifier | undefined,
  now: number,
): AnsweredRrset {
  checkResponse(message, question, verifier, now, [Rcode.NOERROR]);
  const { apex, type } = question;
  if ((readU16(message, 2) & AA) === 0)
    throw new TransferError(
      TransferFault.PROTOCOL,
      `found an answer without AA to ${nameToText(apex)} ${typeToText(type)}, expected one of a server of the zone`,
    );
  const records = new AnswerRecords();
  records.begin(message);
  const rdata: Uint8Array[] = [];
  let ttl = 0;
  while (records.next()) {
    if (records.type !== type || records.classNumber !== Class.IN || !sameName(records.owner, 0, apex, 0)) continue;
    ttl = Math.max(ttl, records.ttl);
    rdata.push(message.slice(records.rdataAt, records.rdataAt + records.rdataLength));
  }
  return { ttl, rdata };
}
