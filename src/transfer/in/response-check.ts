/** Judges the head of each message that comes as an answer of a primary: who signed it, whether it answers our question. */
import { Class, Opcode, Rcode } from '../../protocol/iana.js';
import { decompress } from '../../protocol/message-name.js';
import { MAX_NAME, nameToText, sameName } from '../../protocol/name.js';
import { readU16 } from '../../protocol/octets.js';
import { typeToText } from '../../protocol/rdata/table.js';
import { TsigVerdict } from '../../protocol/tsig/tsig.js';
import { findTsig, readTsig, TsigError } from '../../protocol/tsig/tsig-record.js';
import type { StreamVerifier } from '../../protocol/tsig/tsig-stream.js';
import { HEADER } from './answer-records.js';
import { TransferError, TransferFault } from './transfer-error.js';
import type { TransferQuestion } from './transfer-question.js';

const QR = 0x8000;
const TC = 0x0200;
const OPCODE_SHIFT = 11;
const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(Rcode).map(([name, value]) => [value, name]));
const REMEDIES: ReadonlyMap<number, string> = new Map([
  [TsigError.BADSIG, 'is the secret the same on both sides?'],
  [TsigError.BADKEY, 'is the key known there, with this algorithm?'],
  [TsigError.BADTIME, 'are both clocks right?'],
]);

function fail(fault: TransferFault, message: string, rcode?: number): never {
  throw new TransferError(fault, message, rcode);
}

function tsigErrorText(error: number): string {
  const name = Object.entries(TsigError).find(([, value]) => value === error)?.[0] ?? `TSIG error ${error}`;
  const remedy = REMEDIES.get(error);
  return remedy === undefined ? name : `${name}: ${remedy}`;
}

/**
 * Judges a message that answers `question`: ID, header, signature, RCODE, and the question, which may be missing (RFC 5936
 * §2.2.2). `verifier`: of a signed question; `now`: seconds since 1970; `accepted`: RCODEs. Throws TransferError.
 */
export function checkResponse(
  message: Uint8Array,
  question: TransferQuestion,
  verifier: StreamVerifier | undefined,
  now: number,
  accepted: readonly number[] = [Rcode.NOERROR],
): void {
  if (message.length < HEADER)
    fail(TransferFault.PROTOCOL, `found a message of ${message.length} octets, expected a header of ${HEADER}`);
  const id = readU16(message, 0);
  if (id !== question.id)
    fail(TransferFault.PROTOCOL, `found a message with ID ${id}, expected ${question.id}, that of the question`);
  const flags = readU16(message, 2);
  const opcode = (flags >> OPCODE_SHIFT) & 15;
  if ((flags & QR) === 0 || opcode !== Opcode.QUERY)
    fail(TransferFault.PROTOCOL, 'found a message that is no response to a query, expected the answer');
  const rcode = flags & 15;
  if (verifier !== undefined) checkSignature(message, verifier, now, rcode);
  if (!accepted.includes(rcode))
    fail(
      TransferFault.RCODE,
      `answered ${NAMES.get(rcode) ?? `RCODE ${rcode}`}${unsignedError(message, rcode)}`,
      rcode,
    );
  if ((flags & TC) !== 0)
    fail(TransferFault.PROTOCOL, 'found a truncated message (TC), expected whole ones on a stream');
  checkQuestion(message, question);
}

/** The TSIG error that an answer to an unsigned question tells: the primary wants none, or another key. */
function unsignedError(message: Uint8Array, rcode: number): string {
  const error = rcode === Rcode.NOTAUTH ? errorIn(message) : 0;
  return error === 0 ? '' : ` (${tsigErrorText(error)})`;
}

function errorIn(message: Uint8Array): number {
  const at = findTsig(message);
  return at > 0 ? (readTsig(message, at)?.error ?? 0) : 0;
}

function checkSignature(message: Uint8Array, verifier: StreamVerifier, now: number, rcode: number): void {
  const verdict = verifier.verify(message, now);
  if (verdict === TsigVerdict.VALID) return;
  const answered = rcode === Rcode.NOERROR ? '' : `answered ${NAMES.get(rcode) ?? `RCODE ${rcode}`}, and `;
  // An error that the primary could not sign: its MAC is empty, so that the verdict says MALFORMED.
  const told = errorIn(message);
  if (told !== 0) fail(TransferFault.TSIG, `${answered}does not accept our signature (${tsigErrorText(told)})`, rcode);
  if (verdict === TsigVerdict.MALFORMED)
    fail(TransferFault.TSIG, `${answered}the TSIG record of a message is malformed or not its last record`, rcode);
  if (findTsig(message) === 0)
    fail(
      TransferFault.TSIG,
      `${answered}the answer is not signed, expected a signature with the key that is configured`,
      rcode,
    );
  fail(TransferFault.TSIG, `${answered}the signature of the answer is wrong (${tsigErrorText(verdict)})`, rcode);
}

function checkQuestion(message: Uint8Array, { apex, type }: TransferQuestion): void {
  const count = readU16(message, 4);
  if (count === 0) return;
  if (count > 1) fail(TransferFault.PROTOCOL, `found ${count} questions in a message, expected one or none`);
  const name = new Uint8Array(MAX_NAME);
  const length = decompress(message, HEADER, name, 0);
  // A question has no pointer to point to: its name ends as long as it is.
  const fixed = HEADER + length;
  if (length < 0 || fixed + 4 > message.length)
    fail(TransferFault.PROTOCOL, 'found a malformed question, expected the one that was asked');
  if (sameName(name, 0, apex, 0) && readU16(message, fixed) === type && readU16(message, fixed + 2) === Class.IN)
    return;
  const found = `${nameToText(name)} ${typeToText(readU16(message, fixed))}`;
  fail(TransferFault.PROTOCOL, `found an answer to ${found}, expected one to ${nameToText(apex)} ${typeToText(type)}`);
}
