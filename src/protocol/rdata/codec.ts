/** The functions of a kind of field, and the error messages of scanners. */
import type { Tokens } from '../tokens.js';

/**
 * Scanner, checker and printer of one kind of field. `start` is the beginning of the RDATA, for the few fields whose form
 * depends on an earlier octet; `end` is the end of the RDATA (for `print`: of the field).
 */
export interface Codec {
  /** The expectation in error messages, such as "a domain name". */
  readonly expected: string;
  /** Whether the field may have any number of tokens, even none; otherwise `scan` is called only with a current token. */
  readonly manyTokens: boolean;
  /** Whether a quoted string may adjoin the text before it: in character-strings, which then begin anew. */
  readonly joins?: boolean;
  /**
   * Writes the field at out[at…] and returns where it ends. The current token is the field's first; with `manyTokens`,
   * `hasToken` says whether it has one. All tokens of the field are consumed. Fails through the tokens.
   */
  scan(tokens: Tokens, origin: Uint8Array, out: Uint8Array, at: number, start: number): number;
  /** Where the field at wire[at…] ends, or -1 when it is malformed. */
  check(wire: Uint8Array, at: number, end: number, start: number): number;
  /** The text of the well-formed field rdata[at … end); undefined when only the generic form can express it. */
  print(rdata: Uint8Array, at: number, end: number, start: number): string | undefined;
}

/** Octets of a token that a message repeats. */
const QUOTED_OCTETS = 60;

/** The current token in quotes, shortened when it is long. */
export function quoteToken(tokens: Tokens): string {
  return quoteOctets(tokens.bytes, tokens.start, tokens.end);
}

/** bytes[start … end) in quotes, shortened when it is long. */
function quoteOctets(bytes: Uint8Array, start: number, end: number): string {
  const shown = Math.min(end, start + QUOTED_OCTETS);
  const text = JSON.stringify(Buffer.from(bytes.subarray(start, shown)).toString('utf8'));
  return shown < end ? `${text.slice(0, -1)}…"` : text;
}

/** Fails at the current token: found the token, expected `expected`. */
export function failExpected(tokens: Tokens, expected: string): never {
  return tokens.fail(`found ${quoteToken(tokens)}, expected ${expected}`);
}

/** Whether there is a current token; there is none at the end of the record. */
export function hasToken(tokens: Tokens): boolean {
  return tokens.start < tokens.end || tokens.quoted;
}

/** Fails when there is no current token. */
export function needToken(tokens: Tokens, expected: string): void {
  if (!hasToken(tokens)) tokens.fail(`found the end of the record, expected ${expected}`);
}

/** Moves to the next token, or fails because the record ends where something is expected. */
export function nextToken(tokens: Tokens, expected: string): void {
  if (!tokens.next()) tokens.fail(`found the end of the record, expected ${expected}`);
}
