/** The control entries of a zone file: $ORIGIN and $INCLUDE (RFC 1035 §5.1), $TTL (RFC 2308 §4), $GENERATE (BIND). */
import { quoteToken } from '../protocol/rdata/codec.js';
import { parsePeriod } from '../protocol/rdata/integers.js';
import { scanName } from '../protocol/rdata/names.js';
import type { Tokens } from '../protocol/tokens.js';
import { generate } from './generate.js';
import { includeFile } from './include.js';
import type { FileContext } from './read-context.js';
import { usableTtl } from './record.js';

const DIRECTIVES: ReadonlyMap<string, (file: FileContext) => void> = new Map([
  ['$ORIGIN', readOrigin],
  ['$TTL', readDefaultTtl],
  ['$INCLUDE', readInclude],
  ['$GENERATE', generate],
]);

/** Reads an entry whose first octet is `$`; the tokens stand before that token. Throws ZoneSyntaxError. */
export function readDirective(file: FileContext): void {
  const { tokens } = file;
  tokens.next();
  const read = DIRECTIVES.get(tokens.text().toUpperCase()) ?? failUnknown(tokens);
  read(file);
}

function failUnknown(tokens: Tokens): never {
  const known = [...DIRECTIVES.keys()].join(', ');
  const hint = '(an owner that begins with $ is written \\$)';
  return tokens.fail(`found ${quoteToken(tokens)}, expected one of ${known} ${hint}`);
}

/** Reads a domain name that is the current token. */
function readName(file: FileContext, tokens: Tokens): Uint8Array {
  const { name } = file.read;
  return name.slice(0, scanName(tokens, file.origin, name, 0));
}

function needEnd(tokens: Tokens, directive: string): void {
  if (tokens.next()) tokens.fail(`found ${quoteToken(tokens)}, expected the end of ${directive}`);
}

function needArgument(tokens: Tokens, directive: string, expected: string): void {
  if (!tokens.next()) tokens.fail(`found ${directive} without value, expected ${expected}`);
}

function readOrigin(file: FileContext): void {
  const { tokens } = file;
  needArgument(tokens, '$ORIGIN', 'a domain name');
  const origin = readName(file, tokens);
  needEnd(tokens, '$ORIGIN');
  file.setOrigin(origin);
}

function readDefaultTtl(file: FileContext): void {
  const { tokens } = file;
  const expected = 'a TTL such as 3600 or 1h30m';
  needArgument(tokens, '$TTL', expected);
  const seconds = parsePeriod(tokens.bytes, tokens.start, tokens.end);
  if (seconds < 0) tokens.fail(`found ${quoteToken(tokens)}, expected ${expected}`);
  const ttl = usableTtl(file, tokens, seconds);
  needEnd(tokens, '$TTL');
  file.read.defaultTtl = ttl;
}

function readInclude(file: FileContext): void {
  const { tokens } = file;
  needArgument(tokens, '$INCLUDE', 'the name of a file');
  const { line, column } = tokens;
  const path = tokens.escaped ? tokens.text().replace(/\\(.)/gs, '$1') : tokens.text();
  const origin = tokens.next() ? readName(file, tokens) : file.origin;
  needEnd(tokens, '$INCLUDE');
  includeFile(file, path, origin, line, column);
}
