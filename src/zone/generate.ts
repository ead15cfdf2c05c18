/**
 * $GENERATE as BIND has it: `$GENERATE start-stop[/step] owner [TTL] [class] type RDATA`, read once for each number of the
 * range with every `$` replaced by it. `${offset,width,base}` adds to it, pads it with zeros and writes it in base d
 * (decimal), o, x, X (hexadecimal), n or N (hexadecimal digits as labels, last digit first); `$$` and `\$` are a dollar.
 * When all of the RDATA is one quoted token, its quotes are removed, as BIND does; RDATA of several tokens is accepted too.
 */
import { counted } from '../errors.js';
import { quoteToken } from '../protocol/rdata/codec.js';
import { Tokens, ZoneSyntaxError } from '../protocol/tokens.js';
import type { FileContext } from './read-context.js';
import { readRecord } from './record.js';
import { parseTemplate, type Template, writeTemplate } from './template.js';

interface Range {
  readonly start: number;
  readonly stop: number;
  readonly step: number;
}

/** Highest number of a range: BIND reads them as signed integers of 32 bits. */
const MAX_NUMBER = 0x7fffffff;

/** Reads the directive behind its first token, and all records it makes. Throws ZoneSyntaxError. */
export function generate(file: FileContext): void {
  const { tokens, read } = file;
  const { line, column } = tokens;
  if (!tokens.next()) tokens.fail('found $GENERATE without range, expected one such as 1-10 or 0-100/2');
  const range = parseRange(tokens);
  const count = Math.floor((range.stop - range.start) / range.step) + 1;
  read.generated += count;
  if (read.generated > read.limits.maxGenerated)
    tokens.fail(
      `found a $GENERATE of ${counted(count, 'record')}, expected at most ${read.limits.maxGenerated} in a zone`,
    );
  const template = readTemplate(tokens);

  const owner = file.owner;
  file.fixedLine = line;
  file.fixedColumn = column;
  try {
    for (let number = range.start; number <= range.stop; number += range.step) generateOne(file, template, number);
  } finally {
    file.tokens = tokens;
    file.owner = owner;
    file.fixedLine = file.fixedColumn = 0;
  }
}

/** Reads the record for one number. */
function generateOne(file: FileContext, template: Template, number: number): void {
  const { read } = file;
  const text = writeTemplate(template, number);
  if (text === undefined) failRecord(file, number, '', 'only decimal numbers may be negative');
  read.generatedOctets += text.length;
  const limit = read.limits.maxGeneratedOctets;
  if (read.generatedOctets > limit) failRecord(file, number, text, `the zone's $GENERATE texts exceed ${limit} octets`);
  const tokens = new Tokens(Buffer.from(text, 'latin1'), file.file);
  file.tokens = tokens;
  let reason: string | undefined;
  try {
    if (tokens.nextEntry()) readRecord(file);
    if (tokens.nextEntry()) reason = 'it is more than one line';
  } catch (error) {
    if (!(error instanceof ZoneSyntaxError)) throw error;
    reason = error.message;
  }
  if (reason !== undefined) failRecord(file, number, text, reason);
}

function failRecord(file: FileContext, number: number, text: string, reason: string): never {
  const shown = text === '' ? '' : ` ${JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text)}`;
  const message = `$GENERATE cannot make the record${shown} for ${number}: ${reason}`;
  throw new ZoneSyntaxError(file.fixedLine, file.fixedColumn, message);
}

/** Reads `start-stop[/step]`. */
function parseRange(tokens: Tokens): Range {
  const parts = /^([0-9]{1,10})-([0-9]{1,10})(?:\/([0-9]{1,10}))?$/.exec(tokens.text());
  const [start, stop, step] = [Number(parts?.[1]), Number(parts?.[2]), Number(parts?.[3] ?? 1)];
  if (parts === null || start > stop || step < 1 || stop > MAX_NUMBER || step > MAX_NUMBER)
    tokens.fail(
      `found ${quoteToken(tokens)}, expected a range such as 1-10 or 0-100/2 with numbers up to ${MAX_NUMBER}`,
    );
  return { start, stop, step };
}

/** Reads the rest of the entry: the record's text, blanks between tokens made single. */
function readTemplate(tokens: Tokens): Template {
  const words: string[] = [];
  const quoted: boolean[] = [];
  /** Whether a word follows the one before it without a blank, as the value of a service parameter does. */
  const adjoins: boolean[] = [];
  const place = { line: tokens.line, column: tokens.column };
  tokens.apart = false;
  for (let isBehind = false; tokens.next(); isBehind = tokens.adjoinsString || tokens.adjoinsMore) {
    words.push(Buffer.from(tokens.bytes.subarray(tokens.start, tokens.end)).toString('latin1'));
    quoted.push(tokens.quoted);
    adjoins.push(isBehind);
  }
  if (words.length < 3) tokens.fail('found the end of $GENERATE, expected an owner, a type and RDATA');
  const isWhole = quoted.lastIndexOf(true) === words.length - 1 && quoted.indexOf(true) === words.length - 1;
  // In BIND the RDATA is one token, whose quotes only hold it together; several tokens keep their quotes.
  const text = words
    .map((word, i) => (quoted[i] && !(isWhole && isRdataStart(words, i)) ? `"${word}"` : word))
    .reduce((before, word, i) => `${before}${adjoins[i] ? '' : ' '}${word}`);
  const template = parseTemplate(text);
  if (typeof template === 'string') throw new ZoneSyntaxError(place.line, place.column, template);
  return template;
}

/** Whether words[index] is all of the RDATA: only TTL and class, at most one word each, stand between owner and type. */
function isRdataStart(words: readonly string[], index: number): boolean {
  let type = 1;
  while (type < index && /^([0-9].*|IN|CLASS1)$/i.test(words[type]!)) type++;
  return type === index - 1;
}
