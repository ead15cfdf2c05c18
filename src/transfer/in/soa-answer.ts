/** The answer to the question for an SOA record, with which a secondary finds out whether there is a newer version (RFC 1034 §4.3.5). */
import { Class, Type } from '../../protocol/iana.js';
import { nameToText, sameName } from '../../protocol/name.js';
import { readU16, readU32 } from '../../protocol/octets.js';
import { readRdata } from '../../protocol/rdata/wire.js';
import type { StreamVerifier } from '../../protocol/tsig/tsig-stream.js';
import { AnswerRecords, expireOption } from './answer-records.js';
import { checkResponse } from './response-check.js';
import { TransferError, TransferFault } from './transfer-error.js';
import type { TransferQuestion } from './transfer-question.js';

/** The fixed fields of SOA RDATA are its last 20 octets (RFC 1035 §3.3.13). */
const SOA_FIXED = 20;
const AA = 0x0400;

/** A primary's answer about its version of a zone. */
export interface SoaAnswer {
  readonly serial: number;
  /** Seconds until the primary's own version expires (RFC 7314); undefined: it does not say. */
  readonly expire: number | undefined;
}

/** The times of an SOA record, in seconds (RFC 1035 §3.3.13). */
export interface SoaTimes {
  readonly serial: number;
  readonly refresh: number;
  readonly retry: number;
  readonly expire: number;
}

/** Reads well-formed SOA RDATA that ends at rdata[end). */
export function soaTimes(rdata: Uint8Array, end: number): SoaTimes {
  const at = end - SOA_FIXED;
  const field = (number: number): number => readU32(rdata, at + number * 4);
  return { serial: field(0), refresh: field(1), retry: field(2), expire: field(3) };
}

/** Reads an answer. Throws TransferError. `now`: seconds since 1970. */
export function readSoaAnswer(
  message: Uint8Array,
  question: TransferQuestion,
  verifier: StreamVerifier | undefined,
  now: number,
): SoaAnswer {
  checkResponse(message, question, verifier, now);
  const { apex } = question;
  // A server that is no authority for the zone answers from a cache, or with a referral.
  if ((readU16(message, 2) & AA) === 0)
    throw new TransferError(TransferFault.PROTOCOL, 'found an answer without AA: the server does not serve the zone');
  const records = new AnswerRecords();
  records.begin(message);
  while (records.next()) {
    if (records.type !== Type.SOA || records.classNumber !== Class.IN || !sameName(records.owner, 0, apex, 0)) continue;
    const rdata = soaRdata(message, records.rdataAt, records.rdataLength);
    return { serial: soaTimes(rdata, rdata.length).serial, expire: expireOption(message) };
  }
  throw new TransferError(
    TransferFault.PROTOCOL,
    `found no SOA record of ${nameToText(apex)} in the answer, expected it`,
  );
}

function soaRdata(message: Uint8Array, at: number, length: number): Uint8Array {
  try {
    return readRdata(Type.SOA, message, at, length);
  } catch (error) {
    throw new TransferError(TransferFault.PROTOCOL, `found a malformed SOA record: ${String(error)}`, undefined, {
      cause: error,
    });
  }
}
