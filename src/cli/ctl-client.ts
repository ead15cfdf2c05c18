/** A client of the control socket. */
import { statSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { AdotdError, ErrorCode } from '../errors.js';

/** Octets of an answer that is read as a whole: 100,000 zones with their diagnostics. A guess. */
const MAX_ANSWER = 256 * 1024 * 1024;

export interface ControlClient {
  /** Fulfilled with the JSON of the response. */
  json(method: 'GET' | 'POST', path: string, body?: object): Promise<unknown>;
  /** Fulfilled with the response's body, chunk by chunk. */
  stream(path: string): Promise<AsyncIterable<Buffer>>;
}

/**
 * A client of the control socket `socket`. All errors are AdotdError. A server that sends nothing for `timeout` milliseconds is an error,
 * since it sends signs of life even while it works (control.ts).
 */
export function controlClient(socket: string, timeout: number): ControlClient {
  const late = (): AdotdError => {
    const heard = `it sent nothing for ${timeout / 1000} s, although the socket is open: its control thread hangs, or is stopped`;
    return new AdotdError(
      ErrorCode.CONTROL,
      `no answer from the server at ${socket}: ${heard} (--timeout waits longer)`,
    );
  };
  const ask = (method: string, path: string, body?: object): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const asked = request({ socketPath: socket, method, path, agent: false, timeout });
      asked.once('response', (response) => {
        asked.setTimeout(0);
        resolve(response);
      });
      asked.once('timeout', () => asked.destroy(late()));
      asked.once('error', (error) => reject(error instanceof AdotdError ? error : unreachable(socket, error)));
      asked.end(body && JSON.stringify(body));
    });
  const whole = async (response: IncomingMessage): Promise<string> => {
    const chunks: Buffer[] = [];
    let octets = 0;
    for await (const chunk of withTimeout(response, timeout, late)) {
      octets += chunk.length;
      if (octets > MAX_ANSWER) throw new AdotdError(ErrorCode.CONTROL, `the answer has more than ${MAX_ANSWER} octets`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  };
  return {
    async json(method, path, body) {
      const response = await ask(method, path, body);
      const value = parsed(await whole(response));
      if (response.statusCode !== 200) throw refused(value, response.statusCode);
      return value;
    },
    async stream(path) {
      const response = await ask('GET', path);
      if (response.statusCode !== 200) throw refused(parsed(await whole(response)), response.statusCode);
      return withTimeout(response, timeout, late);
    },
  };
}

/** The chunks of a response. The timeout runs only between them, not while a slow reader takes one. */
async function* withTimeout(
  response: IncomingMessage,
  timeout: number,
  late: () => AdotdError,
): AsyncGenerator<Buffer, void, undefined> {
  const chunks: AsyncIterator<Buffer> = response[Symbol.asyncIterator]();
  for (;;) {
    const timer = setTimeout(() => response.destroy(late()), timeout);
    try {
      const { done, value } = await chunks.next();
      clearTimeout(timer);
      if (done) return;
      yield value;
    } finally {
      clearTimeout(timer);
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AdotdError(ErrorCode.CONTROL, 'the answer is no JSON: is there another program on the control socket?');
  }
}

function refused(value: unknown, status: number | undefined): AdotdError {
  const error = typeof value === 'object' && value !== null && 'error' in value ? value.error : undefined;
  const message = typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : '';
  return new AdotdError(ErrorCode.CONTROL, message || `the server refused with status ${status}`);
}

function unreachable(socket: string, error: NodeJS.ErrnoException): AdotdError {
  return new AdotdError(ErrorCode.CONTROL, `cannot reach the server at ${socket}: ${reason(socket, error)}`, {
    cause: error,
  });
}

function reason(socket: string, error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ENOENT':
      return 'no such socket; is the server running, with this control.socket?';
    case 'ECONNREFUSED':
      return somethingElse(socket) ?? 'nobody answers; the server has ended';
    case 'EAGAIN':
      return 'too many others wait there for an answer: its control thread hangs, or is stopped';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied; run this as the user that the server runs as, or as root';
    case 'ENOTSOCK':
      return 'that is no socket';
    case 'ECONNRESET':
    case 'EPIPE':
      return 'the server closed the connection; its log may say why';
    default:
      return error.message;
  }
}

/** Describes a file that is no socket: the system gives the same error for it as for a socket on which nobody listens. */
function somethingElse(socket: string): string | undefined {
  const found = statSync(socket, { throwIfNoEntry: false });
  if (found === undefined || found.isSocket()) return undefined;
  return found.isDirectory() ? 'that is a folder, expected a socket' : 'that is no socket';
}
