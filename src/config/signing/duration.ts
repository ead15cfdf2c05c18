/** Durations in adotd.yaml: text such as `14d`, `90m` and `1d12h`, or a number of seconds. */
import * as z from 'zod/mini';
import { durationText } from './duration-text.js';

const UNITS = [
  ['w', 604_800],
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
] as const;

/** Each unit at most once, the largest first. */
const TEXT = /^(?:(\d{1,9})w)?(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?$/;

/** The seconds of a text; undefined when it is none. */
function secondsOf(text: string): number | undefined {
  const parts = TEXT.exec(text);
  if (parts === null || text === '') return undefined;
  return UNITS.reduce((sum, [, seconds], index) => sum + Number(parts[index + 1] ?? 0) * seconds, 0);
}

/** The bounds of a duration, and a word that may stand in its place. */
interface DurationOptions<Word extends string> {
  readonly min: number;
  readonly max: number;
  readonly word?: Word;
}

/** Seconds within bounds, or a word. Its output is a valid input too. */
function duration<Word extends string = never>({ min, max, word }: DurationOptions<Word>) {
  const range = `${durationText(min)} to ${durationText(max)}${word === undefined ? '' : `, or ${word}`}`;
  const error = `expected ${range}: text such as 14d, 12h, 90m or 1d12h, or a number of seconds`;
  return z.pipe(
    z.union([z.int(), z.string()], { error }),
    z.transform((value, context): number | Word => {
      if (word !== undefined && value === word) return word;
      const seconds = typeof value === 'string' ? secondsOf(value) : value;
      if (seconds !== undefined && seconds >= min && seconds <= max) return seconds;
      context.issues.push({ code: 'custom', message: error, input: value });
      return z.NEVER;
    }),
  );
}

/** The values that the reference shows as allowed. */
function rangeOf({ min, max, word }: DurationOptions<string>): string {
  return `${durationText(min)}–${durationText(max)}${word === undefined ? '' : `, \`${word}\``}`;
}

/** A duration with a default; `reason` says where the numbers come from. */
export function durationLimit<Word extends string = never>(
  options: DurationOptions<Word>,
  fallback: string,
  reason: string,
) {
  return z
    .prefault(duration(options), fallback)
    .register(z.globalRegistry, { description: reason, range: rangeOf(options) });
}

/** A duration whose default depends on other keys. */
export function optionalDuration(options: DurationOptions<never>, reason: string) {
  return z.optional(duration(options)).register(z.globalRegistry, { description: reason, range: rangeOf(options) });
}
