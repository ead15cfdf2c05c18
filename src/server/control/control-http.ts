/** Bodies of the control interface's HTTP: small JSON in requests, JSON or a stream of text in responses. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { AdotdError } from '../../errors.js';

/** Octets of a request's body, which at most contains a zone's private keys: 32 of RSA with 4,096 bits. */
const MAX_BODY = 131_072;
/** Milliseconds after which the connection is closed if the client reads nothing. */
const READ_TIMEOUT = 60_000;

/** A request that cannot be carried out, with the HTTP status of its response. */
export class ControlError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** The JSON of a request; undefined without a body. Throws ControlError. */
export async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let octets = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue;
    octets += chunk.length;
    if (octets > MAX_BODY) throw new ControlError(413, 'TOO_LARGE', `expected a body of at most ${MAX_BODY} octets`);
    chunks.push(chunk);
  }
  if (octets === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new ControlError(400, 'BAD_REQUEST', 'expected a body of JSON');
  }
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const text = `${JSON.stringify(value)}\n`;
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}

/** Sends the error; a response that has begun is broken off. */
export function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const [status, code] =
    error instanceof ControlError
      ? [error.status, error.code]
      : error instanceof AdotdError
        ? [400, error.code]
        : [500, 'INTERNAL'];
  const message = status === 500 ? 'the request failed; the log says why' : (error as Error).message;
  // The rest of a request that is too large is not read.
  if (status === 413) response.setHeader('Connection', 'close');
  sendJson(response, status, { error: { code, message } });
}

/** The destination of a text: a ServerResponse, or another in tests. */
export interface PieceSink extends Writable {
  writeHead(status: number, headers: Record<string, string>): unknown;
  setTimeout(milliseconds: number, late: () => void): unknown;
}

/** Sends text piece by piece, as fast as the client reads it; other work of this thread goes on between the pieces. */
export async function sendPieces(response: PieceSink, type: string, pieces: Iterator<string>): Promise<void> {
  response.writeHead(200, { 'Content-Type': type });
  response.setTimeout(READ_TIMEOUT, () => response.destroy());
  for (let piece = pieces.next(); !piece.done && !response.destroyed; piece = pieces.next()) {
    if (!response.write(piece.value)) await drained(response);
    // In any case: a fast client would otherwise keep this thread from all other work.
    await nextTurn();
  }
  response.end();
}

function drained(response: PieceSink): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}
