/**
 * Reads RDATA in presentation format: the fields of the type's row, or the generic form `\# length octets`, which every type
 * has (RFC 3597 §5). Hot file: no allocation for ordinary types.
 */
import { counted } from '../../errors.js';
import type { Tokens } from '../tokens.js';
import { scanHex } from './binary.js';
import { type Codec, failExpected, hasToken, needToken, nextToken, quoteToken } from './codec.js';
import { CODECS } from './codecs.js';
import { type Field, MAX_RDATA } from './field.js';
import { parseUnsigned } from './integers.js';
import type { TypeRow } from './rows.js';
import { isMetaType, rowOf, typeToText } from './table.js';
import { checkRdata } from './wire.js';

const GENERIC_LENGTH = 'the length of the RDATA, from 0 to 65535';
const BACKSLASH = 0x5c;
const HASH = 0x23;

/**
 * Reads the RDATA of a record of `type` from the tokens, which stand before its first token, and consumes the entry.
 * Names without a final dot are relative to `origin` (wire format). Writes uncompressed wire format at out[at…], where
 * there is room for 65,535 + 255 octets, and returns its length. Fails through the tokens.
 */
export function scanRdata(type: number, tokens: Tokens, origin: Uint8Array, out: Uint8Array, at: number): number {
  if (isMetaType(type)) tokens.fail(`found type ${typeToText(type)}, which is for messages only, not for zones`);
  const row = rowOf(type);
  const fields = row?.fields;
  tokens.next();
  if (isGeneric(tokens)) return scanGeneric(type, tokens, out, at);
  if (fields === undefined) return failGeneric(type, tokens);
  let to = at;
  let joins = false;
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i]!;
    const codec = CODECS[field.kind]!;
    const joined = codec.joins === true;
    tokens.apart = !(joins && joined);
    if (i > 0) tokens.next();
    tokens.apart = !joined;
    joins = joined;
    if (!codec.manyTokens && !hasToken(tokens)) failMissing(field, codec, tokens);
    to = codec.scan(tokens, origin, out, to, at);
  }
  needEnd(type, tokens);
  if (to - at > MAX_RDATA) failLength(tokens, to - at);
  judgeContent(row, tokens, out, at, to);
  return to - at;
}

/** Whether the current token is `\#`. */
function isGeneric(tokens: Tokens): boolean {
  const { bytes, start } = tokens;
  return tokens.end - start === 2 && bytes[start] === BACKSLASH && bytes[start + 1] === HASH && !tokens.quoted;
}

/** Reads the generic form behind `\#`; the RDATA of a type with fields has to be well formed. */
function scanGeneric(type: number, tokens: Tokens, out: Uint8Array, at: number): number {
  nextToken(tokens, GENERIC_LENGTH);
  const length = parseUnsigned(tokens.bytes, tokens.start, tokens.end, MAX_RDATA);
  if (length < 0) failExpected(tokens, GENERIC_LENGTH);
  const written = tokens.next() ? scanHex(tokens, out, at, true) - at : 0;
  if (written !== length)
    tokens.fail(`found ${counted(written, 'octet')} in hexadecimal, expected ${length} as the length says`);
  needEnd(type, tokens);
  const reason = checkRdata(type, out, at, length);
  if (reason !== undefined) tokens.fail(`found malformed RDATA of type ${typeToText(type)}: ${reason}`);
  judgeContent(rowOf(type), tokens, out, at, at + length);
  return length;
}

/** Fails when the well-formed RDATA out[at … to) has content that its type rules out, as resolvers would (content.ts). */
function judgeContent(row: TypeRow | undefined, tokens: Tokens, out: Uint8Array, at: number, to: number): void {
  const mistake = row?.judge?.(out, at, to);
  if (mistake !== undefined) tokens.fail(`found ${row?.mnemonic} with ${mistake}`);
}

function needEnd(type: number, tokens: Tokens): void {
  if (tokens.next()) tokens.fail(`found ${quoteToken(tokens)}, expected the end of the ${typeToText(type)} record`);
}

function failMissing(field: Field, codec: Codec, tokens: Tokens): never {
  return tokens.fail(`found the end of the record, expected the ${field.name}: ${codec.expected}`);
}

function failGeneric(type: number, tokens: Tokens): never {
  const expected = `\\# and the RDATA in generic form (RFC 3597), the only form that ${typeToText(type)} has`;
  needToken(tokens, expected);
  return failExpected(tokens, expected);
}

function failLength(tokens: Tokens, length: number): never {
  return tokens.fail(`found RDATA of ${length} octets, expected at most ${MAX_RDATA}`);
}
