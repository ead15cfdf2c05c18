/** Judging whether a message answers a query. */
import { EdnsOption, Opcode, Rcode } from '../../protocol/iana.js';
import { ClientError, ClientErrorCode } from '../errors.js';
import { optionText } from '../wire/edns.js';
import { decodeMessage, isResponse, type Message } from '../wire/message.js';
import { rcodeToText } from '../wire/mnemonics.js';
import { sameName } from '../wire/names.js';
import { type QueryTsig, tsigMistake } from '../wire/tsig.js';

/** An answer. */
export interface Reply {
  readonly message: Message;
  /** As it came. */
  readonly octets: Uint8Array;
  /** Octets of the query. */
  readonly sent: number;
  /** Milliseconds from sending the query. */
  readonly milliseconds: number;
}

/** These say something about the question, and nothing without it. */
const ABOUT_THE_QUESTION: readonly number[] = [Rcode.NOERROR, Rcode.NXDOMAIN, Rcode.YXDOMAIN];

/**
 * Whether a response is an error without a question and without records. Servers send it when they cannot read a query or do not
 * want to. Only its ID says which query it answers: over UDP nearly anybody may have sent it (RFC 5452 §9.1).
 */
export function isBare({ rcode, questions, answers, authority }: Message): boolean {
  return questions.length + answers.length + authority.length === 0 && !ABOUT_THE_QUESTION.includes(rcode);
}

/**
 * Decodes `octets`, which have the ID of `query`, as the answer to it. Throws CLIENT_MALFORMED. Throws CLIENT_MISMATCH when it is
 * no response, or when its question is another or missing (RFC 5452 §9.1). Only a bare error may leave the question out. `tsig`: the
 * key of the query, and its time; throws CLIENT_TSIG when the response is not signed with this key.
 */
export function judge(query: Message, octets: Uint8Array, tsig?: QueryTsig): Message {
  const message = judgeQuestion(query, octets);
  const mistake = tsig && tsigMistake(octets, message.tsig, query.tsig, tsig);
  if (mistake !== undefined) throw new ClientError(ClientErrorCode.TSIG, signatureText(message, mistake));
  return message;
}

/** The RCODE of a message, and the reasons if the server has given some: `REFUSED, EDE: 18 (PROHIBITED)` (RFC 8914). */
export function rcodeAndReasons({ rcode, edns }: Pick<Message, 'rcode' | 'edns'>): string {
  const reasons = (edns?.options ?? []).filter(({ code }) => code === EdnsOption.EDE).map(optionText);
  return [rcodeToText(rcode), ...reasons].join(', ');
}

/**
 * A text about a bad signature. The error of the server, if there is one, comes first: it says more, and often the server cannot sign it.
 */
export function signatureText(message: Pick<Message, 'rcode' | 'edns'>, mistake: string): string {
  return message.rcode === Rcode.NOERROR ? mistake : `the server answered ${rcodeAndReasons(message)}; ${mistake}`;
}

function judgeQuestion(query: Message, octets: Uint8Array): Message {
  const message = decodeMessage(octets);
  if (!isResponse(message, query.opcode))
    throw new ClientError(ClientErrorCode.MISMATCH, 'the message is no response to a query');
  if (isBare(message)) return message;
  const [asked] = query.questions;
  const [question, second] = message.questions;
  // RFC 2136 §3.8: the response to an UPDATE may leave out all sections.
  if (question === undefined && query.opcode === Opcode.UPDATE) return message;
  if (question === undefined)
    throw new ClientError(
      ClientErrorCode.MISMATCH,
      'the response does not repeat the question, and is more than an error',
    );
  const same =
    asked !== undefined &&
    question.type === asked.type &&
    question.class === asked.class &&
    sameName(question.owner, asked.owner);
  if (!same || second !== undefined) {
    const found = message.questions.map(({ name, type }) => `${name} TYPE${type}`).join(', ');
    throw new ClientError(ClientErrorCode.MISMATCH, `the response repeats another question: ${found}`);
  }
  return message;
}
