/** TCP with node:net: one server an address, one Session a connection. */
import { createServer, type Server, type Socket } from 'node:net';
import { createFacts, Transport } from '../answer/facts.js';
import type { Catalog } from '../image/catalog.js';
import { Admission } from '../session/limits.js';
import { type Connection, Session, type SessionShared, scratchSize } from '../session/session.js';
import { addressOctets } from './address.js';
import { listenError } from './listen-error.js';
import { type Endpoint, type Listener, type TransportContext, TransportEvent } from './transport.js';

/** Connections that the system may hold before they are accepted: a guess; the system caps it (net.core.somaxconn). */
const BACKLOG = 1024;
/** From this many unsent octets on node tells when the rest is sent; a session's write buffer is never smaller. */
const HIGH_WATER = 16_384;

/** Binds a TCP address. Throws ADOTD_LISTEN. */
export async function listenTcp(endpoint: Endpoint, catalog: Catalog, context: TransportContext): Promise<Listener> {
  const facts = createFacts(catalog);
  facts.transport = Transport.TCP;
  const { responder } = context;
  const shared: SessionShared = {
    clock: context.clock,
    settings: context.sessions,
    respond: responder.respond.bind(responder),
    outcome: responder.outcome,
    facts,
    scratch: new Uint8Array(scratchSize(context.sessions)),
    count: context.count,
  };
  const sessions = new Map<Session, Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true, highWaterMark: HIGH_WATER }, (socket) => {
    accept(socket, shared, sessions, context);
  });
  await listen(server, endpoint);
  // Accepting can fail for lack of descriptors; the connections that are open go on.
  server.on('error', () => context.event(TransportEvent.TCP_ERROR));
  const bound = server.address();

  return {
    protocol: 'tcp',
    endpoint: { address: endpoint.address, port: bound !== null && typeof bound === 'object' ? bound.port : 0 },
    publish(next) {
      facts.catalog = next;
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // The server's own 'close' comes before that of the last connections.
      const gone = [...sessions.values()].map(
        (socket) => new Promise<void>((resolve) => socket.once('close', resolve)),
      );
      for (const session of sessions.keys()) session.close();
      await Promise.all([closed, ...gone]);
    },
  };
}

function accept(
  socket: Socket,
  shared: SessionShared,
  sessions: Map<Session, Socket>,
  context: TransportContext,
): void {
  // Without a handler a reset would end the process; 'close' follows and does the rest.
  socket.on('error', () => context.event(TransportEvent.TCP_ERROR));
  const address = new Uint8Array(16);
  const length = addressOctets(socket.remoteAddress ?? '', address);
  if (length === 0 || context.limits.admit(address, length) !== Admission.ADMITTED) {
    context.event(TransportEvent.TCP_REFUSED);
    socket.destroy();
    return;
  }
  context.event(TransportEvent.TCP_ACCEPTED);
  const session = new Session(shared, connectionOf(socket), address.subarray(0, length));
  sessions.set(session, socket);
  socket.on('data', (octets: Buffer) => session.received(octets));
  socket.on('drain', () => session.drained());
  socket.on('end', () => session.ended());
  socket.on('close', () => {
    session.closed();
    sessions.delete(session);
    context.limits.release(address, length);
    context.event(TransportEvent.TCP_CLOSED);
  });
}

function connectionOf(socket: Socket): Connection {
  return {
    write: (octets) => void socket.write(octets),
    get unsent() {
      return socket.writableLength;
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    end: () => void socket.end(),
    destroy: () => void socket.destroy(),
  };
}

function listen(server: Server, endpoint: Endpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => reject(listenError('tcp', endpoint, error));
    server.once('error', failed);
    const options = { host: endpoint.address, port: endpoint.port, backlog: BACKLOG, ipv6Only: true, exclusive: true };
    server.listen(options, () => {
      server.off('error', failed);
      resolve();
    });
  });
}
