/**
 * HTTP servers that cut off requests which do not arrive in time. Node's own limits make a server look at its connections every so often,
 * also when there are none: an idle process would wake for that. Here each connection has a timer, and a server without connections none.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';

/** Milliseconds: the longest that a timer takes, 24 days. */
const NEVER = 2 ** 31 - 1;
const NO_LIMITS = { headersTimeout: 0, requestTimeout: 0, connectionsCheckingInterval: NEVER } as const;
const TOO_LATE = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n';

interface Waiting {
  timer: NodeJS.Timeout | undefined;
  /** The request that came last; undefined: none has come since the last response. */
  request: IncomingMessage | undefined;
}

interface Limits {
  /** Octets of a request's header. */
  readonly maxHeaderSize: number;
  /**
   * Milliseconds from the connection on in which the first request must have arrived, with its body. A later one has the same time, and in
   * addition the time that the connection may be idle. Too late: 408 (Request Timeout, RFC 9110 §15.5.9), and the connection is closed.
   */
  readonly requestTime: number;
}

/** An HTTP server with these limits, which does not listen yet. */
export function timedServer({ maxHeaderSize, requestTime }: Limits, answer: RequestListener): Server {
  const server = createServer({ ...NO_LIMITS, maxHeaderSize }, answer);
  const connections = new Map<Socket, Waiting>();
  const expectRequest = (socket: Socket, waiting: Waiting, milliseconds: number): void => {
    clearTimeout(waiting.timer);
    waiting.timer = setTimeout(() => {
      // Its response may take longer.
      if (waiting.request?.complete !== true) cut(socket);
    }, milliseconds).unref();
  };
  server.on('connection', (socket: Socket) => {
    const waiting: Waiting = { timer: undefined, request: undefined };
    connections.set(socket, waiting);
    expectRequest(socket, waiting, requestTime);
    socket.on('close', () => {
      clearTimeout(waiting.timer);
      connections.delete(socket);
    });
  });
  server.on('request', (request, response) => {
    const { socket } = request;
    const waiting = connections.get(socket);
    if (waiting === undefined) return;
    waiting.request = request;
    response.on('close', () => {
      // Another one may have come behind it already.
      if (waiting.request !== request || socket.destroyed) return;
      waiting.request = undefined;
      expectRequest(socket, waiting, server.keepAliveTimeout + requestTime);
    });
  });
  return server;
}

function cut(socket: Socket): void {
  if (socket.writable && socket.bytesWritten === 0) socket.write(TOO_LATE);
  socket.destroySoon();
}
