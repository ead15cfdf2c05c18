/** Judging whether a message answers a query. */
import { Rcode } from '../../protocol/iana.js';
import { ClientError, ClientErrorCode } from '../errors.js';
import { decodeMessage, isResponse, type Message } from '../wire/message.js';
import { sameName } from '../wire/names.js';

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

/** What these say, they say of the question: without it, it is said of nothing. */
const ABOUT_THE_QUESTION: readonly number[] = [Rcode.NOERROR, Rcode.NXDOMAIN, Rcode.YXDOMAIN];

/**
 * Whether a response is an error without a question and without records, as servers send it that could not read the query
 * or do not want to. Nothing but the ID says what it answers: over UDP nearly anybody may have sent it (RFC 5452 §9.1).
 */
export function isBare({ rcode, questions, answers, authority }: Message): boolean {
  return questions.length + answers.length + authority.length === 0 && !ABOUT_THE_QUESTION.includes(rcode);
}

/**
 * Decodes `octets` as the answer to `query`, whose ID it has. Throws CLIENT_MALFORMED, or CLIENT_MISMATCH when it is no
 * response or its question is another one or missing (RFC 5452 §9.1); a bare error may leave it out.
 */
export function judge(query: Message, octets: Uint8Array): Message {
  const message = decodeMessage(octets);
  if (!isResponse(message)) throw new ClientError(ClientErrorCode.MISMATCH, 'what came is no response to a query');
  if (isBare(message)) return message;
  const [asked] = query.questions;
  const [question, second] = message.questions;
  if (question === undefined)
    throw new ClientError(ClientErrorCode.MISMATCH, 'the response does not repeat the question, and is no mere error');
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
