/** Judging whether a message answers a query. */
import { ClientError, ClientErrorCode } from './errors.js';
import { decodeMessage, isResponse, type Message } from './message.js';
import { sameName } from './names.js';

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

/**
 * Decodes `octets` as the answer to `query`, whose ID it has. Throws CLIENT_MALFORMED, or CLIENT_MISMATCH when it is no
 * response or its question is another one (RFC 5452 §9.1). A response may leave the question out, as header-only errors do.
 */
export function judge(query: Message, octets: Uint8Array): Message {
  const message = decodeMessage(octets);
  if (!isResponse(message)) throw new ClientError(ClientErrorCode.MISMATCH, 'what came is no response to a query');
  const [asked] = query.questions;
  const [question, second] = message.questions;
  const same =
    question === undefined ||
    (asked !== undefined &&
      question.type === asked.type &&
      question.class === asked.class &&
      sameName(question.owner, asked.owner));
  if (!same || second !== undefined) {
    const found = message.questions.map(({ name, type }) => `${name} TYPE${type}`).join(', ');
    throw new ClientError(ClientErrorCode.MISMATCH, `the response repeats another question: ${found}`);
  }
  return message;
}
