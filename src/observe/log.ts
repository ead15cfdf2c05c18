/** The log: structured lines on standard error, by pino. Standard output is not ours. */

import { isatty } from 'node:tty';
import { counted } from '../errors.js';
import { errorField, fieldsBeyond } from './log-fields.js';
import { standardError } from './standard-streams.js';

/** The calls of a log that our code uses. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** Lines that could not be written, since the start; undefined: not counted. */
  readonly lost?: number;
}

/** A log whose level can change. */
export interface ServerLog extends Log {
  level: string;
  readonly lost: number;
}

type LogFormat = 'json' | 'pretty';

/**
 * A log on standard error. Lines are written at once, so that none is lost when the process ends. While nobody reads them, or they cannot
 * be written (a full disk), the server goes on. The lines wait, up to a limit; further ones are lost and counted, and a line says how many
 * when writing is possible again.
 */
export async function createLog(level: string, format: LogFormat): Promise<ServerLog> {
  const { pino } = await import('pino');
  const serializers = { err: errorField };
  // Lines for people leave out fields that the message has told.
  const shown = (fields: object, message: string): object =>
    format === 'json' ? fields : fieldsBeyond(message, fields);
  const output = standardError();
  const written = format === 'json' ? (line: string) => line : await prettyLines();
  const logger = pino({ level, serializers }, { write: (line: string) => output.write(written(line)) });
  output.recovered = (lost) =>
    logger.warn(
      { lost },
      `${counted(lost, 'line')} of the log ${lost === 1 ? 'is' : 'are'} lost: nobody read standard error, or it could not be written`,
    );
  return {
    debug: (fields, message) => logger.debug(shown(fields, message), message),
    info: (fields, message) => logger.info(shown(fields, message), message),
    warn: (fields, message) => logger.warn(shown(fields, message), message),
    error: (fields, message) => logger.error(shown(fields, message), message),
    get level() {
      return logger.level;
    },
    set level(next) {
      logger.level = next;
    },
    get lost() {
      return output.lost;
    },
  };
}

/** For people: a line of JSON as text. */
async function prettyLines(): Promise<(line: string) => string> {
  const { prettyFactory } = await import('pino-pretty');
  return prettyFactory({
    colorize: isatty(2),
    ignore: 'pid,hostname',
    translateTime: 'HH:MM:ss',
    singleLine: true,
  });
}

/** A log that says nothing. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
