/** The log: structured lines on standard error, by pino. Standard output is not ours. */
import type { Logger } from 'pino';
import { isError } from '../errors.js';
import { sourceStack } from './source-stack.js';

/** The calls of a log that our code uses. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

type LogFormat = 'json' | 'pretty';

/** Octets of lines that may wait until they can be written; further ones are lost. */
const MAX_WAITING = 1024 * 1024;

/**
 * A log on standard error. Lines are written at once, so that none is lost when the process ends. When they cannot be written (a
 * full disk), the server goes on, and writes them when that is possible again.
 */
export async function createLog(level: string, format: LogFormat): Promise<Logger> {
  const { pino } = await import('pino');
  const { err } = pino.stdSerializers;
  const serializers = {
    err: (error: Error) => (isError(error) ? { ...err(error), stack: sourceStack(error) } : error),
  };
  if (format === 'json') {
    const destination = pino.destination({ dest: 2, sync: true, maxLength: MAX_WAITING });
    // Nothing can report the error, and without a listener it would end the process.
    destination.on('error', () => undefined);
    return pino({ level, serializers }, destination);
  }
  const { default: pretty } = await import('pino-pretty');
  const stream = pretty({
    destination: 2,
    sync: true,
    colorize: process.stderr.isTTY,
    ignore: 'pid,hostname',
    translateTime: 'HH:MM:ss',
    singleLine: true,
  });
  return pino({ level, serializers }, stream);
}

/** A log that says nothing. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
