/** Asks a running server over its control socket. */
import { type IncomingMessage, request } from 'node:http';
import { AdotdError, ErrorCode } from '../errors.js';

/** Octets of an answer that is read as a whole: 100,000 zones with their diagnostics. A guess. */
const MAX_ANSWER = 256 * 1024 * 1024;

export interface ControlClient {
  /** The JSON that is answered. */
  json(method: 'GET' | 'POST', path: string, body?: object): Promise<unknown>;
  /** What is answered, as it comes. */
  stream(path: string): Promise<AsyncIterable<Buffer>>;
}

/** A client of the control socket `socket`. What it cannot do it throws as AdotdError. */
export function controlClient(socket: string): ControlClient {
  const ask = (method: string, path: string, body?: object): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const asked = request({ socketPath: socket, method, path, agent: false });
      asked.once('response', resolve);
      asked.once('error', (error) => reject(unreachable(socket, error)));
      asked.end(body && JSON.stringify(body));
    });
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
      return response;
    },
  };
}

async function whole(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let octets = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    octets += chunk.length;
    if (octets > MAX_ANSWER) throw new AdotdError(ErrorCode.CONTROL, `the answer has more than ${MAX_ANSWER} octets`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
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
  return new AdotdError(ErrorCode.CONTROL, `cannot reach the server at ${socket}: ${reason(error)}`, { cause: error });
}

function reason(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ENOENT':
      return 'no such socket; is the server running, with this control.socket?';
    case 'ECONNREFUSED':
      return 'nobody answers; the server has ended';
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
