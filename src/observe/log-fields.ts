/**
 * The fields of a line of the log: errors as far as their place in the code matters, and for people only the fields that the message has
 * not told.
 */
import { AdotdError, isError } from '../errors.js';
import { sourceStack } from './source-stack.js';

/** An error as a field. An error that we raise on purpose says all in its message: its place in the code does not matter. */
export function errorField(error: unknown): unknown {
  if (!isError(error)) return error;
  const { name: type, message } = error;
  if (error instanceof AdotdError) return { type, message, code: error.code };
  return { type, message, ...('code' in error && { code: error.code }), stack: sourceStack(error) };
}

/** The fields that say more than `message`: a number or a text that stands in it is left out, and so is 0. */
export function fieldsBeyond(message: string, fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([key, value]: [string, unknown]) => {
      if (isError(value)) return errorBeyond(message, key, value);
      const left = beyond(message, value);
      return left === undefined ? [] : [[key, left] as const];
    }),
  );
}

/** The code of an error that the message tells, or its stack without the message. */
function errorBeyond(message: string, key: string, error: Error): (readonly [string, unknown])[] {
  const told = message.includes(error.message);
  if (error instanceof AdotdError) return [['code', error.code], ...(told ? [] : [[key, error.message] as const])];
  const frames = sourceStack(error)
    .split('\n')
    .filter((line) => /^\s+at /.test(line));
  return [[key, { type: error.name, message: told ? '' : error.message, stack: frames.join('\n') }]];
}

function beyond(message: string, value: unknown): unknown {
  if (value === undefined || value === null || value === 0 || value === '') return undefined;
  if (Array.isArray(value)) {
    const left = value.flatMap((one: unknown) => beyond(message, one) ?? []);
    return left.length === 0 ? undefined : left;
  }
  if (typeof value === 'object') {
    const left = fieldsBeyond(message, value);
    return Object.keys(left).length === 0 ? undefined : left;
  }
  return stands(String(value), message) ? undefined : value;
}

/** Whether the text stands in the message, and not within a longer word or number there. */
function stands(text: string, message: string): boolean {
  for (let at = message.indexOf(text); at >= 0; at = message.indexOf(text, at + 1)) {
    const [before = '', after = ''] = [message[at - 1], message[at + text.length]];
    if (!/[a-z0-9]/i.test(before) && !/[a-z0-9]/i.test(after)) return true;
  }
  return false;
}
