/** Parses command lines. An unknown option is refused, with the nearest known one as a hint. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { nearest } from '../config/nearest.js';
import { codeOf, messageOf } from '../errors.js';

/** The command line is wrong: exit status 2. */
export class UsageError extends Error {}

/** Exit statuses of every verb. */
export const Exit = {
  OK: 0,
  /** The task could not be done, or there were errors. */
  FAILED: 1,
  /** The command line is wrong. */
  USAGE: 2,
} as const;

export type Options = NonNullable<ParseArgsConfig['options']>;

/** The result of parseArgs for `T`. */
type Parsed<T extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; options: T; allowPositionals: true; strict: true }>
>;

/** Parses the words behind a verb. Throws UsageError. */
export function parse<T extends Options>(verb: string, words: readonly string[], options: T): Parsed<T> {
  try {
    return parseArgs({ args: [...words], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(explain(verb, error, options, words));
  }
}

function explain(verb: string, error: unknown, options: Options, words: readonly string[]): string {
  const message = messageOf(error);
  const code = codeOf(error);
  const option = /'(-[^' ,]+)/.exec(message)?.[1] ?? '';
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    const known = Object.keys(options);
    const near = nearest(option.replace(/^-+/, ''), known);
    const hint = near === undefined ? `see adotd ${verb} --help` : `did you mean --${near}?`;
    return `adotd ${verb}: unknown option ${option}; ${hint}`;
  }
  const value = words[words.indexOf(option) + 1];
  if (code === 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE' && message.includes('ambiguous') && value !== undefined) {
    return `adotd ${verb}: ${option}: found ${value}, expected a value; one that begins with a dash is written ${option}=${value}`;
  }
  // Node's first sentence; the others are advice.
  return `adotd ${verb}: ${message.split('. ')[0]?.split('\n')[0] ?? message}`;
}

/** An option's value as a number. Throws UsageError. */
export function wholeNumber(verb: string, option: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^[0-9]{1,9}$/.test(text) && value >= min && value <= max) return value;
  throw new UsageError(`adotd ${verb}: --${option}: found ${text}, expected a number from ${min} to ${max}`);
}

/** A verb of the command line. */
export interface Verb {
  /** What `--help` prints. */
  readonly help: string;
  readonly options: Options;
  /** Runs with the words behind the verb; fulfilled with the exit status. */
  run(words: readonly string[]): Promise<number>;
}

/** The verbs of the command by name, each with the line that `adotd --help` has for it. A verb is loaded when it is asked for. */
export type Verbs = Readonly<Record<string, { readonly summary: string; load(): Promise<Verb> }>>;
