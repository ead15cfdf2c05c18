/**
 * Sessions on sockets: accepts connections, hands their octets to a Session, and puts TLS over them when the session or the port
 * asks for it. TCP on 53 and TLS on 853 differ only in when that happens.
 */

import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { TLSSocket, type TLSSocketOptions } from 'node:tls';
import { codeOf } from '../errors.js';
import type { Session } from '../session/session.js';
import { HandshakeEnd, SessionPath } from '../session/session-end.js';
import { ALPN_DOT } from '../tls/offered.js';
import { addressOctets } from './address.js';
import { readServerName } from './client-hello-reader.js';
import { openFast } from './fast-open.js';
import { handshakeFailure } from './handshake-failure.js';
import { listenError } from './listen-error.js';
import { refuseConnections } from './refuse-connections.js';
import { BACKLOG } from './sockets.js';
import { type Endpoint, type Listener, type OpenConnection, type StreamContext, TransportEvent } from './transport.js';
import { withholdFin } from './withheld-fin.js';

/** Above this many unsent octets node emits `drain`; a session's write buffer is never smaller. */
const HIGH_WATER = 16_384;
/**
 * Descriptors run short when no more than these are left. The shortage itself is invisible: at EMFILE libuv accepts connections and
 * closes them silently. But a new descriptor is the lowest free one, so all below it are in use.
 * Measured with 64 clients that connect at once: 8 are too few, 12 are enough.
 */
const LAST_DESCRIPTORS = 16;
const NOTHING = new Uint8Array(0);

/** A bound socket to listen on in place of binding one. It is the listener's from now on. */
interface GivenSocket {
  readonly fd: number;
  /** Other processes have it too. */
  readonly shared: boolean;
}

/** Listens for DNS over TCP (RFC 7766), with the STARTTLS upgrade where TLS is served. Throws ADOTD_LISTEN. */
export function listenTcp(endpoint: Endpoint, context: StreamContext, given?: GivenSocket): Promise<Listener> {
  return listenStream(endpoint, context, false, given);
}

/** Listens for DNS over TLS (RFC 7858): plaintext gets no answer. `context.tls` must be set. Throws ADOTD_LISTEN. */
export function listenTls(endpoint: Endpoint, context: StreamContext, given?: GivenSocket): Promise<Listener> {
  return listenStream(endpoint, context, true, given);
}

/** Listens on an address for stream sessions; `secure`: TLS from the first octet on. Throws ADOTD_LISTEN. */
export async function listenStream(
  endpoint: Endpoint,
  context: StreamContext,
  secure: boolean,
  given?: GivenSocket,
): Promise<Listener> {
  const protocol = secure ? 'tls' : 'tcp';
  /** Connections of this thread. */
  let open = 0;
  let acceptedAt = Number.NEGATIVE_INFINITY;
  let emptied: (() => void) | undefined;
  const server = createServer({ allowHalfOpen: true, noDelay: true, highWaterMark: HIGH_WATER }, (socket) => {
    const admitted = accept(socket, context, secure, () => {
      open--;
      if (open === 0) emptied?.();
    });
    if (!admitted) return;
    open++;
    acceptedAt = context.clock.milliseconds();
  });
  await listen(server, endpoint, protocol, given?.fd);
  if (context.fastOpen > 0 && given === undefined) openFast(server, context.fastOpen);
  // Accepting can fail for lack of descriptors; the connections that are open go on, some are asked to make room.
  server.on('error', (error) => {
    context.event(TransportEvent.TCP_ERROR);
    const code = codeOf(error);
    if (code === 'EMFILE' || code === 'ENFILE') context.outOfDescriptors();
  });
  const bound = server.address();

  return {
    protocol,
    endpoint: { address: endpoint.address, port: bound !== null && typeof bound === 'object' ? bound.port : 0 },
    publish(catalog) {
      context.sessions.facts.catalog = catalog;
    },
    async close() {
      context.sessions.stop();
      // Clients that have begun to connect are accepted and served. Without recent connections there is no wait.
      const { idleTime } = context.sessions;
      const frequented = open > 0 || context.clock.milliseconds() < acceptedAt + idleTime;
      // A fixture refuses clients at once: a test that reconnects would wait for a second, and the C library would be loaded.
      const filtered = given?.shared !== true && context.intercept === undefined;
      if (filtered && refuseConnections(descriptorOf(server)) && frequented) await sleep(idleTime);
      // One whole turn of the event loop, whichever phase this is.
      await turn();
      await turn();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await closed;
      // The server emits 'close' before the last connections do.
      if (open > 0) await new Promise<void>((resolve) => (emptied = resolve));
    },
    abandon: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** Begins a session, or closes a connection that is one too many; returns whether it began one. */
function accept(socket: Socket, context: StreamContext, secure: boolean, closed: () => void): boolean {
  // Without a handler a reset would end the process. 'close' follows.
  socket.on('error', () => context.event(TransportEvent.TCP_ERROR));
  const address = new Uint8Array(16);
  const length = addressOctets(socket.remoteAddress ?? '', address);
  const client = address.slice(0, length);
  if (length === 0 || !context.sessions.admit(client)) {
    context.event(TransportEvent.TCP_REFUSED);
    socket.destroy();
    return false;
  }
  if (descriptorOf(socket) >= context.descriptors - LAST_DESCRIPTORS) context.outOfDescriptors();
  const connection = new StreamConnection(socket, context);
  const outer = context.intercept?.connection(connection, socket, secure) ?? connection;
  const session = context.sessions.open(outer, client, secure);
  session.clientPort = socket.remotePort ?? 0;
  socket.on('close', () => {
    connection.gone();
    context.sessions.closed(session, socket.bytesRead === 0);
    closed();
  });
  connection.serve(session, secure);
  if (secure) outer.startTls(NOTHING);
  return true;
}

class StreamConnection implements OpenConnection {
  readonly #raw: Socket;
  readonly #context: StreamContext;
  /** The connection, or TLS over it. */
  #socket: Socket;
  #session: Session | undefined;
  /** The answers in the clear that are to be sent. */
  #taken: Uint8Array = NOTHING;
  #takenFrom = 0;
  #takenTo = 0;
  /** Octets that are counted. */
  #received = 0;
  #sent = 0;

  constructor(socket: Socket, context: StreamContext) {
    this.#raw = socket;
    this.#socket = socket;
    this.#context = context;
  }

  /** Begins to deliver octets; `secure`: once TLS is started, which the caller does next. */
  serve(session: Session, secure: boolean): void {
    this.#session = session;
    if (!secure) this.#listen();
  }

  get tlsSocket(): TLSSocket | undefined {
    return this.#socket instanceof TLSSocket ? this.#socket : undefined;
  }

  get unsent(): number {
    return this.#socket.writableLength;
  }

  answer(octets: Uint8Array, from: number, to: number): void {
    if (this.#socket !== this.#raw) {
      // node:tls seals each write as a record. It keeps the octets until then, so it gets its own.
      this.#socket.write(Buffer.from(octets.subarray(from, to)));
      return;
    }
    if (octets !== this.#taken || from !== this.#takenTo) {
      this.send();
      this.#taken = octets;
      this.#takenFrom = from;
    }
    this.#takenTo = to;
  }

  send(): void {
    const taken = this.#taken.subarray(this.#takenFrom, this.#takenTo);
    if (taken.length > 0) this.#raw.write(Buffer.from(taken));
    this.#taken = NOTHING;
    this.#takenTo = 0;
  }

  flush(): void {
    this.#socket.write(NOTHING, () => this.#session?.drained());
  }

  yield(): void {
    setImmediate(() => this.#session?.goOn());
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  startTls(octets: Uint8Array, options?: TLSSocketOptions): void {
    const session = this.#session;
    const { tls } = this.#context;
    const given = options ?? (tls?.byName ? undefined : tls?.options());
    const raw = this.#raw;
    raw.removeAllListeners('data').removeAllListeners('drain').removeAllListeners('end');
    raw.pause();
    if (session !== undefined) this.#countOctets(session, SessionPath.TCP, octets.length);
    if (session !== undefined && given !== undefined) this.#secure(octets, given, session);
    else if (session === undefined || tls === undefined) this.destroy();
    else {
      const begin = (read: Uint8Array, name: string): void => this.#secure(read, tls.options(name), session);
      readServerName(raw, octets, begin, () => session.ended());
    }
  }

  /** Puts a TLS engine over the connection; `octets` are the first that it gets. */
  #secure(octets: Uint8Array, options: TLSSocketOptions, session: Session): void {
    const raw = this.#raw;
    if (octets.length > 0) raw.unshift(octets);
    const stream = this.#context.withholdFin === undefined ? raw : withholdFin(raw, this.#context.withholdFin);
    const secure = new TLSSocket(stream, options);
    this.#socket = secure;
    keepWritesApart(secure);
    secure.on('error', (error) => {
      if (session.isHandshaking) session.count.failed(handshakeFailure(codeOf(error)));
      else this.#context.event(TransportEvent.TCP_ERROR);
      // An alert has told the peer the reason; the connection is closed behind it.
      raw.destroySoon();
    });
    // After the handshake only this event tells of a fatal error, unless a tls.Server made the socket. RFC 8446 §6.2: the connection
    // is closed immediately.
    secure.on('_tlsError', () => {
      if (session.isHandshaking || raw.destroyed) return;
      this.#context.event(TransportEvent.TCP_ERROR);
      raw.destroySoon();
    });
    secure.on('close', () => raw.destroy());
    secure.once('secure', () => {
      const version = secure.getProtocol() ?? '';
      const { alpnProtocol, servername } = secure;
      const isDot = alpnProtocol === ALPN_DOT;
      const isNamed = typeof servername === 'string' && servername !== '';
      const agreed = { version, cipher: secure.getCipher().name, group: 'unknown', isDot, isNamed };
      this.#context.counts.agreed(session.count.path, agreed, session.client);
      if (options.requestCert === true && !this.#certified(secure, session)) return;
      session.secured(secure.isSessionReused(), version === 'TLSv1.3' && isDot);
    });
    this.#listen();
  }

  /** Whether the client has shown a certificate of our authority; otherwise the connection is closed. */
  #certified(secure: TLSSocket, session: Session): boolean {
    const certificate = secure.getPeerX509Certificate();
    if (certificate === undefined || verifyError(secure) !== undefined) {
      session.count.failed(HandshakeEnd.OTHER);
      this.destroy();
      return false;
    }
    session.certificate = Uint8Array.from(certificate.raw);
    return true;
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
    this.#raw.destroy();
  }

  /** The connection is closed, and keeps nothing alive. */
  gone(): void {
    if (this.#session !== undefined) this.#countOctets(this.#session, this.#session.count.path);
    if (this.#socket !== this.#raw) this.#socket.destroy();
    this.#session = undefined;
  }

  /** Counts the octets since the last call, except the `later` last ones that have come. */
  #countOctets({ client }: Session, path: SessionPath, later = 0): void {
    const received = this.#raw.bytesRead - later;
    const sent = this.#raw.bytesWritten;
    this.#context.counts.octets(path, received - this.#received, sent - this.#sent, client);
    this.#received = received;
    this.#sent = sent;
  }

  #listen(): void {
    const session = this.#session;
    this.#socket.on('data', (octets: Buffer) => session?.received(octets, 0, octets.length));
    this.#socket.on('drain', () => session?.drained());
    this.#socket.on('end', () => session?.ended());
  }
}

/**
 * Gives each write a TLS record of its own, or several when it is longer than a record. node:tls joins the writes that wait for
 * the one before, and seals them as one; a stream without `_writev` hands them on one after the other.
 * The price: node:tls seals and sends one write at a time, so that each record is a system call. Measured: 14 µs of CPU per
 * pipelined query, against 7 with shared records.
 */
function keepWritesApart(socket: TLSSocket): void {
  socket._writev = undefined;
}

/** The error of the client's certificate; undefined: none. node:tls tells it to its own server only. */
function verifyError(socket: TLSSocket): unknown {
  const handle: unknown = Reflect.get(socket, 'ssl');
  const verify: unknown =
    typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'verifyError') : undefined;
  return typeof verify === 'function' ? (verify.call(handle) ?? undefined) : 'unknown';
}

/** Its file descriptor, which node keeps to itself; -1 when there is none. */
function descriptorOf(socket: Socket | Server): number {
  const handle: unknown = Reflect.get(socket, '_handle');
  const fd: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : undefined;
  return typeof fd === 'number' ? fd : -1;
}

function listen(server: Server, endpoint: Endpoint, protocol: 'tcp' | 'tls', fd: number | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => reject(listenError(protocol, endpoint, error));
    server.once('error', failed);
    const at =
      fd === undefined ? { host: endpoint.address, port: endpoint.port, ipv6Only: true, exclusive: true } : { fd };
    server.listen({ ...at, backlog: BACKLOG }, () => {
      server.off('error', failed);
      resolve();
    });
  });
}
