import { getSystemErrorMap } from 'node:util';
import { isNativeError } from 'node:util/types';

/**
 * Every error that adotd raises on purpose has a code of this table: operators grep codes, tests assert them, and only
 * errors of this kind may leave a parser, whatever bytes it was given.
 */
export const ErrorCode = {
  /** A zone file, or a record given by the API, cannot be read. */
  ZONE_SYNTAX: 'ADOTD_ZONE_SYNTAX',
  /** A zone was read, but its data is inconsistent (no SOA, CNAME and other data, …). */
  ZONE_INVALID: 'ADOTD_ZONE_INVALID',
  /** A change of a zone begins at another serial than the zone has, or does not lead to a new one. */
  CHANGE_SERIAL: 'ADOTD_CHANGE_SERIAL',
  /** A change removes a record that the zone does not have. */
  RECORD_MISSING: 'ADOTD_RECORD_MISSING',
  /** A change adds a record that the zone has already. */
  RECORD_PRESENT: 'ADOTD_RECORD_PRESENT',
  /** A change has a record of another zone. */
  OUT_OF_ZONE: 'ADOTD_OUT_OF_ZONE',
  /** A primary could not be reached, refused a transfer, or sent one that cannot be used. */
  TRANSFER: 'ADOTD_TRANSFER',
  /** A key of DNSSEC cannot be read or used. */
  DNSSEC_KEY: 'ADOTD_DNSSEC_KEY',
  /** A zone cannot be changed as it is: it is not served, comes from a primary, or has no version yet. */
  ZONE_STATE: 'ADOTD_ZONE_STATE',
  /** A message or a piece of wire format cannot be parsed. */
  WIRE: 'ADOTD_WIRE',
  /** A value in presentation format cannot be parsed. */
  PRESENTATION: 'ADOTD_PRESENTATION',
  /** The configuration file or a command line option is wrong. */
  CONFIG: 'ADOTD_CONFIG',
  /** An address cannot be listened on. */
  LISTEN: 'ADOTD_LISTEN',
  /** A file or folder cannot be read. */
  FILE: 'ADOTD_FILE',
  /** The folder of the durable state cannot be used, or what was stored there cannot be read. */
  STATE: 'ADOTD_STATE',
  /** A certificate, a private key or a file of ticket keys cannot be used. */
  TLS: 'ADOTD_TLS',
  /** A running server could not be reached over its control socket, or refused what it was asked. */
  CONTROL: 'ADOTD_CONTROL',
  /** A fixture was not asked what a test waited for. */
  TIMEOUT: 'ADOTD_TIMEOUT',
  /** A fixture that was closed cannot do this any more. */
  CLOSED: 'ADOTD_CLOSED',
} as const;

export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

/** An error with a code of the table; its message says what was found, what was expected, and where. */
export class AdotdError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'AdotdError';
    this.code = code;
  }
}

/**
 * Whether a thrown value is an error. Neither test does alone: in jest, Node.js throws errors of another realm than ours, and an
 * error that comes from a thread is one by its prototype only.
 */
export function isError(thrown: unknown): thrown is Error {
  return isNativeError(thrown) || thrown instanceof Error;
}

/** The message of a thrown value. */
export function messageOf(thrown: unknown): string {
  return isError(thrown) ? thrown.message : String(thrown);
}

/** The reason of a system error without code, call and path: `no such file or directory`. Of other errors, the message. */
export function systemReason(thrown: unknown): string {
  const message = messageOf(thrown);
  return /^[A-Z0-9]+: ([^,]*)/.exec(message)?.[1] ?? reasonOfNumber(thrown) ?? message;
}

/** Messages of child processes and sockets (`spawn dig ENOENT`) lack the reason; its number says it. */
function reasonOfNumber(thrown: unknown): string | undefined {
  const number: unknown = isError(thrown) && 'errno' in thrown ? thrown.errno : undefined;
  return typeof number === 'number' ? getSystemErrorMap().get(number)?.[1] : undefined;
}

/** The code of an error, such as the system's `EADDRINUSE`; an empty string where it has none. */
export function codeOf(thrown: unknown): string {
  return isError(thrown) && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
}

/** A count with its noun: `1 zone`, `3 zones`; `many` where the plural is no `s`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
