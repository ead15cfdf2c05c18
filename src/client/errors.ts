/** The errors of the client, by codes. The client shares no errors with the server. */
import { isNativeError } from 'node:util/types';

export const ClientErrorCode = {
  /** A name, type or option that the caller gave cannot be sent. */
  INPUT: 'CLIENT_INPUT',
  /** Nothing listens there: a TCP reset to the SYN, or an ICMP "port unreachable". */
  REFUSED: 'CLIENT_REFUSED',
  /** The host or its network cannot be reached, or its name has no address. */
  UNREACHABLE: 'CLIENT_UNREACHABLE',
  /** A step took longer than allowed; `step` says which. */
  TIMED_OUT: 'CLIENT_TIMED_OUT',
  /** The connection was reset. */
  RESET: 'CLIENT_RESET',
  /** The connection was closed before the answer was complete. */
  CLOSED: 'CLIENT_CLOSED',
  /** The TLS handshake failed; `reason` is the text of TLS. */
  HANDSHAKE: 'CLIENT_HANDSHAKE',
  /** The handshake succeeded, but the certificate is not one that the caller accepts. */
  CERTIFICATE: 'CLIENT_CERTIFICATE',
  /** STARTTLS: the answer to the first query did not offer the upgrade. */
  NO_UPGRADE: 'CLIENT_NO_UPGRADE',
  /** An answer cannot be decoded. */
  MALFORMED: 'CLIENT_MALFORMED',
  /** A message with the right ID answers another question, or is no response. */
  MISMATCH: 'CLIENT_MISMATCH',
  /** The answer to a signed query is not signed, or wrongly; or the server did not accept the query's signature. */
  TSIG: 'CLIENT_TSIG',
  /** The server answered a zone transfer with an RCODE other than NOERROR. */
  TRANSFER: 'CLIENT_TRANSFER',
  /** The caller's AbortSignal was aborted. */
  ABORTED: 'CLIENT_ABORTED',
  /** The client was closed, before the query or during it. */
  ENDED: 'CLIENT_ENDED',
  /** Opportunistic: no transport brought an answer; `attempts` has the error of each. */
  NO_ANSWER: 'CLIENT_NO_ANSWER',
  /**
   * Pre-deployed: no session with the right server opened, or none brought an answer. Nothing was asked in cleartext. `attempts`
   * has the error of each transport, `reason` is the most telling of their codes.
   */
  NOT_PRIVATE: 'CLIENT_NOT_PRIVATE',
} as const;

export type ClientErrorCode = (typeof ClientErrorCode)[keyof typeof ClientErrorCode];

/** The steps of an exchange that take time. */
export type Step = 'connect' | 'upgrade' | 'handshake' | 'answer';

/** A transport that brought no answer. */
export interface Attempt {
  readonly transport: 'udp' | 'tcp' | 'starttls' | 'tls';
  readonly error: ClientError;
}

interface ClientErrorOptions extends ErrorOptions {
  readonly step?: Step | undefined;
  readonly attempts?: readonly Attempt[];
}

/** The only kind of error that leaves the client. */
export class ClientError extends Error {
  readonly code: ClientErrorCode;
  /** The step that failed, if that is known. */
  readonly step: Step | undefined;
  /** With NO_ANSWER and NOT_PRIVATE: the transports that were tried, in order. */
  readonly attempts: readonly Attempt[];

  constructor(code: ClientErrorCode, message: string, options: ClientErrorOptions = {}) {
    super(message, options);
    this.name = 'ClientError';
    this.code = code;
    this.step = options.step;
    this.attempts = options.attempts ?? [];
  }

  /**
   * With NO_ANSWER and NOT_PRIVATE: the code of the most telling attempt. An attempt with a wrong answer, or with an answer of somebody
   * else, comes first; without such an attempt, the one that came farthest does. So a server without STARTTLS is the reason only if TLS
   * came no farther than that.
   */
  get reason(): ClientErrorCode | undefined {
    const [wrong] = inOrder(this.attempts, ({ error }) => WRONG.indexOf(error.code));
    if (wrong !== undefined) return wrong.error.code;
    const farthest = Math.max(...this.attempts.map(progress));
    const best = this.attempts.filter((attempt) => progress(attempt) === farthest);
    return (inOrder(best, ({ error }) => SILENT.indexOf(error.code))[0] ?? best[0])?.error.code;
  }
}

/** Codes of wrong answers: first those of somebody else, then those of the server. */
const WRONG: readonly ClientErrorCode[] = [
  ClientErrorCode.CERTIFICATE,
  ClientErrorCode.MISMATCH,
  ClientErrorCode.MALFORMED,
  ClientErrorCode.HANDSHAKE,
];

/** Codes of attempts without an answer, the most telling first. This order decides between attempts that came equally far. */
const SILENT: readonly ClientErrorCode[] = [
  ClientErrorCode.NO_UPGRADE,
  ClientErrorCode.RESET,
  ClientErrorCode.CLOSED,
  ClientErrorCode.REFUSED,
  ClientErrorCode.TIMED_OUT,
];

const STEPS: readonly Step[] = ['connect', 'upgrade', 'handshake', 'answer'];

/** How far an attempt came; an error without a step is that of an open session. */
const progress = ({ error }: Attempt): number => STEPS.indexOf(error.step ?? 'answer');

/** The attempts that have a rank, the lowest first. */
function inOrder(attempts: readonly Attempt[], rank: (attempt: Attempt) => number): Attempt[] {
  return attempts.filter((one) => rank(one) >= 0).sort((a, b) => rank(a) - rank(b));
}

/** The error of a whole session as that of a query in it: with the query's step. */
export function inStep(error: ClientError, step: Step): ClientError {
  if (error.step !== undefined) return error;
  return new ClientError(error.code, error.message, { cause: error.cause ?? error, step });
}

/** `value`, if it fits into `bits`. Throws CLIENT_INPUT. */
export function fitting(value: number, bits: 8 | 16 | 32, what: string): number {
  const max = 2 ** bits - 1;
  if (Number.isInteger(value) && value >= 0 && value <= max) return value;
  throw new ClientError(ClientErrorCode.INPUT, `found ${value} as ${what}, expected a number from 0 to ${max}`);
}

const SYSTEM: Readonly<Record<string, readonly [ClientErrorCode, string]>> = {
  ECONNREFUSED: [ClientErrorCode.REFUSED, 'connection refused'],
  ECONNRESET: [ClientErrorCode.RESET, 'connection reset'],
  EPIPE: [ClientErrorCode.RESET, 'connection reset'],
  ETIMEDOUT: [ClientErrorCode.TIMED_OUT, 'the network gave up waiting'],
  EHOSTUNREACH: [ClientErrorCode.UNREACHABLE, 'no route to the host'],
  ENETUNREACH: [ClientErrorCode.UNREACHABLE, 'no route to the network'],
  ENOTFOUND: [ClientErrorCode.UNREACHABLE, 'the server name has no address'],
  EAI_AGAIN: [ClientErrorCode.UNREACHABLE, 'the server name cannot be resolved now'],
};

/** The message of an unknown error; any value may have been thrown. */
export function reasonOf(error: unknown): string {
  return isNativeError(error) ? error.message : String(error);
}

/**
 * The code of an error of the system or of Node.js; '' when it has none. In jest the errors of Node.js have another class than ours, so
 * `instanceof Error` does not recognize them.
 */
export function systemCode(error: unknown): string {
  return isNativeError(error) && 'code' in error ? String(error.code) : '';
}

/** The error of node:net, node:dgram or node:dns as a ClientError; `about` begins its message. */
export function fromSystem(error: unknown, about: string, step: Step): ClientError {
  if (error instanceof ClientError) return error;
  const known = SYSTEM[systemCode(error)];
  if (known !== undefined) return new ClientError(known[0], `${about}: ${known[1]}`, { cause: error, step });
  return new ClientError(ClientErrorCode.UNREACHABLE, `${about}: ${reasonOf(error)}`, { cause: error, step });
}

export function timedOut(about: string, step: Step, milliseconds: number, detail = ''): ClientError {
  const what = {
    connect: 'connection',
    upgrade: 'answer to the first query',
    handshake: 'TLS handshake',
    answer: 'answer',
  };
  const message = `${about}: no ${what[step]} within ${Number((milliseconds / 1000).toFixed(3))} s${detail}`;
  return new ClientError(ClientErrorCode.TIMED_OUT, message, { step });
}
