/** Parses command lines. An unknown option is refused, with the nearest known one as a hint. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { nearest } from '../config/nearest.js';
import { habitOfOption } from './habits.js';

/** The command line is wrong: exit status 2. */
export class UsageError extends Error {}

/** An option that the verb does not have, and for which there is no remedy yet. */
export class UnknownOption extends UsageError {
  readonly verb: string;
  /** As it was typed, without its value. */
  readonly option: string;

  constructor(verb: string, option: string) {
    super(unknownText(verb, option, `see adotd ${verb} --help`));
    this.verb = verb;
    this.option = option;
  }

  /** The same error with a remedy: the end of its message. */
  with(remedy: string): UsageError {
    return new UsageError(unknownText(this.verb, this.option, remedy));
  }
}

function unknownText(verb: string, option: string, remedy: string): string {
  return `adotd ${verb}: unknown option ${option}; ${remedy}`;
}

/** Exit statuses of every verb. */
export const Exit = {
  OK: 0,
  /** The task could not be done, or there were errors. */
  FAILED: 1,
  /** The command line is wrong. */
  USAGE: 2,
} as const;

/** An error for which the verb has an exit status of its own. */
export class FailedWith extends Error {
  readonly status: number;

  constructor(status: number, cause: unknown) {
    super('', { cause });
    this.status = status;
  }
}

export type Options = NonNullable<ParseArgsConfig['options']>;

/** The result of parseArgs for `T`. */
type Parsed<T extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; options: T; allowPositionals: true; strict: true }>
>;

/** Remedies for an option that is given twice, by its name. */
type Remedies<T extends Options> = { readonly [Name in keyof T]?: string };

/**
 * Parses the words behind a verb. `remedies`: for options that people are likely to repeat. Throws UsageError for an option that is
 * unknown, has no value or one too many, or is given twice although it has one value.
 */
export function parse<T extends Options>(
  verb: string,
  words: readonly string[],
  options: T,
  remedies: Remedies<T> = {},
): Parsed<T> {
  // Node's own messages are those of a library: the words are judged here before it may refuse them.
  const { tokens } = parseArgs({ args: [...words], options, allowPositionals: true, strict: false, tokens: true });
  const given = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
    if (option === undefined) throw unknown(verb, words[token.index] ?? '', options);
    const wrong = valueMistake(token, option.type);
    if (wrong !== undefined) throw new UsageError(`adotd ${verb}: ${wrong}`);
    if (option.type !== 'string' || option.multiple) continue;
    const values = [...(given.get(token.name) ?? []), token.value ?? ''];
    given.set(token.name, values);
    if (values.length === 1) continue;
    const remedy = Object.hasOwn(remedies, token.name) ? remedies[token.name] : 'give the option once';
    throw new UsageError(
      `adotd ${verb}: ${token.rawName}: found ${values.join(' and ')}, expected one value; ${remedy}`,
    );
  }
  return parseArgs({ args: [...words], options, allowPositionals: true, strict: true });
}

interface OptionToken {
  readonly rawName: string;
  readonly value: string | undefined;
  /** Whether it was written as `--option=value`. */
  readonly inlineValue: boolean | undefined;
}

/** The mistake in the value of a known option; undefined when there is none. */
function valueMistake({ rawName, value, inlineValue }: OptionToken, type: 'string' | 'boolean'): string | undefined {
  if (type === 'boolean') return value === undefined ? undefined : `${rawName}: found ${value}, expected no value`;
  if (value === undefined) return `${rawName}: found nothing, expected a value`;
  if (inlineValue || !/^-./.test(value)) return undefined;
  return `${rawName}: found ${value}, expected a value; one that begins with a dash is written ${rawName}=${value}`;
}

/** The error for `word`, which is no option, with the option that was most probably meant. */
function unknown(verb: string, word: string, options: Options): UsageError {
  const known = Object.keys(options);
  const [option = word] = word.split('=');
  const error = new UnknownOption(verb, option);
  const habit = habitOfOption(verb, option);
  if (habit !== undefined) return error.with(habit);
  const name = option.replace(/^-+/, '');
  // Of `-p 53` as of `-port 53`: all long options have two dashes.
  const short = /^-[^-]$/.test(option) ? known.filter((one) => one.startsWith(name)) : [];
  const near = known.includes(name) ? name : nearest(name, known);
  const meant = short.length > 0 ? short : near === undefined ? [] : [near];
  if (meant.length === 0) return error;
  return error.with(`did you mean ${meant.map((one) => `--${one}`).join(' or ')}?`);
}

/** An option's value as a number. Throws UsageError. */
export function wholeNumber(verb: string, option: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^[0-9]{1,9}$/.test(text) && value >= min && value <= max) return value;
  throw new UsageError(`adotd ${verb}: --${option}: found ${text}, expected a number from ${min} to ${max}`);
}

/** A verb of the command line. */
export interface Verb {
  /** The text that `--help` prints. */
  readonly help: string;
  readonly options: Options;
  /** Runs with the words behind the verb; fulfilled with the exit status. */
  run(words: readonly string[]): Promise<number>;
}

/** The verbs of the command by name, each with the line that `adotd --help` has for it. A verb is loaded when it is asked for. */
export type Verbs = Readonly<Record<string, { readonly summary: string; load(): Promise<Verb> }>>;
