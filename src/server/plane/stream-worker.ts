/** A stream worker: a thread with sessions over TCP, STARTTLS and TLS. */
import { messageOf } from '../../errors.js';
import type { Counters } from '../../observe/counters/counters.js';
import { describeSessions } from '../../session/describe.js';
import { mutualTls } from '../../tls/mutual-tls.js';
import { createTlsEngine, type EngineFault, type TlsEngine } from '../../tls/openssl/engine.js';
import { TlsContexts, type TlsSettings } from '../../tls/tls-context.js';
import { endpointText } from '../../transport/address.js';
import { type LoopClock, loopClock } from '../../transport/epoll/loop-clock.js';
import { serveStreams } from '../../transport/epoll/stream-loop.js';
import { type Libc, libc } from '../../transport/libc.js';
import type { Rest } from '../../transport/rest.js';
import { duplicateSocket } from '../../transport/sockets.js';
import { listenStream } from '../../transport/stream.js';
import { GENERATION, HANDSHAKES, HEARTBEAT } from '../../transport/thread-words.js';
import { type Endpoint, type Listener, type StreamContext, TransportEvent } from '../../transport/transport.js';
import type { ClientCas } from '../certificates/client-authorities.js';
import type { ThreadData, ThreadSocket } from './thread-messages.js';
import { streamContext, type ThreadServices } from './transport-context.js';
import { runThread } from './worker-thread.js';

/** Milliseconds between two heartbeats. A thread that is watched may miss several. */
const BEAT_INTERVAL = 50;

const FAULTS: Readonly<Record<EngineFault, TransportEvent>> = {
  refused: TransportEvent.TLS_CALL_REFUSED,
  leftover: TransportEvent.TLS_OCTETS_LEFT,
  callback: TransportEvent.TLS_CALLBACK_FAILED,
};

/** The sockets are served. */
interface Serving {
  readonly context: ReturnType<typeof streamContext>;
  replaceTls(settings: TlsSettings): void;
  replaceClientCas(cas: ClientCas): Promise<void>;
  /** Fulfilled when all sessions are gone. */
  stop(): Promise<void>;
}

await runThread(async (data, services, rest) => {
  const { catalog, words } = data;
  const system = libc();
  const engine =
    data.streams === 'epoll' && data.tls ? engineFor(data.tls, data.pointers, services.counters) : undefined;
  if (typeof engine === 'string') services.log.warn({}, `streams run on node:net and node:tls: ${engine}`);
  const byNode = data.streams === 'node' || typeof engine === 'string' || typeof system === 'string';
  const { context, replaceTls, replaceClientCas, stop } = byNode
    ? await serveByNode(data, services)
    : await serveByEpoll(data, { ...services, rest }, system, engine);
  words[GENERATION] = catalog.generation;
  return {
    publish(next) {
      context.sessions.facts.catalog = next;
      words[GENERATION] = next.generation;
    },
    replaceTls,
    replaceClientCas: (cas) =>
      replaceClientCas(cas).catch((error) =>
        services.log.error({ err: error }, `clients with certificates are not served: ${messageOf(error)}`),
      ),
    configure: (next) => context.configure(next),
    sessions: (longest) => describeSessions(context.sessions, longest),
    async stop(drainTime = context.sessions.drainTime) {
      context.sessions.drainTime = drainTime;
      await stop();
    },
  };
});

/** The TLS engine of this thread, or why there is none: a certificate that node takes and OpenSSL does not is one reason. */
function engineFor(tls: TlsSettings, pointers: ThreadData['pointers'], counters: Counters): TlsEngine | string {
  try {
    return createTlsEngine(tls, pointers, (fault) => counters.event(FAULTS[fault]));
  } catch (error) {
    return messageOf(error);
  }
}

/** Serves the sockets on a loop of our own. */
async function serveByEpoll(
  data: ThreadData,
  { rest, ...services }: ThreadServices & { readonly rest: Rest },
  system: Libc,
  tls: TlsEngine | undefined,
): Promise<Serving> {
  const { settings, catalog, share, sockets, words, owned } = data;
  const clock: LoopClock = loopClock(services.clock);
  const context = streamContext(settings, catalog, undefined, { ...services, clock }, share);
  const loop = serveStreams(sockets, { system, context, clock, words, rest, owned, tls });
  const mutual = await serveMutual(data, context);
  return {
    context,
    replaceTls(next) {
      tls?.replace(next);
      mutual.replaceTls(next);
    },
    replaceClientCas: (cas) => mutual.replaceClientCas(cas),
    async stop() {
      await Promise.all([loop.stop(), mutual.stop()]);
      tls?.close();
    },
  };
}

/** Serves the sockets by node:net and node:tls. */
async function serveByNode(data: ThreadData, services: ThreadServices): Promise<Serving> {
  const { settings, catalog, tls, share, sockets, words } = data;
  const contexts = tls && new TlsContexts(tls);
  const context = streamContext(settings, catalog, contexts, services, share);
  const listeners: Listener[] = [];
  for (const { fd, endpoint, secure, shared } of sockets) {
    // Node closes the descriptor that it listens on. The control thread keeps the original, and with it the connections that wait.
    listeners.push(await listenStream(endpoint, context, secure, { fd: duplicateSocket(fd), shared }));
  }
  const mutual = await serveMutual(data, context);
  // It keeps the thread alive, too.
  const heart = setInterval(() => {
    words[HANDSHAKES] = context.sessions.handshaking;
    words[HEARTBEAT] = (words[HEARTBEAT]! + 1) | 0;
  }, BEAT_INTERVAL);
  return {
    context,
    replaceTls(next) {
      contexts?.replace(next);
      mutual.replaceTls(next);
    },
    replaceClientCas: (cas) => mutual.replaceClientCas(cas),
    async stop() {
      await Promise.all([...listeners.map((listener) => listener.close()), mutual.stop()]);
      clearInterval(heart);
    },
  };
}

/**
 * Serves the sockets whose clients have to show a certificate, on node:tls in any case: few connections come there, and the node side of
 * the thread has its turns beside the loop. A socket without authorities is not served until it has some.
 */
async function serveMutual(
  { transfers = [], clientCas = [], tls }: ThreadData,
  context: StreamContext,
): Promise<Pick<Serving, 'replaceTls' | 'replaceClientCas' | 'stop'>> {
  const served = new Map<ThreadSocket, TlsContexts>();
  const listeners: Listener[] = [];
  let settings = tls;
  let cas: ClientCas = [];
  const settingsOf = (of: TlsSettings, ca: string, { address, port }: Endpoint): TlsSettings =>
    mutualTls(of, ca, endpointText(address, port));
  const replaceClientCas = async (next: ClientCas): Promise<void> => {
    cas = next;
    for (const [index, socket] of transfers.entries()) {
      const ca = next[index];
      if (ca === undefined || settings === undefined) continue;
      const { fd, endpoint, shared } = socket;
      const own = settingsOf(settings, ca, endpoint);
      const contexts = served.get(socket);
      if (contexts !== undefined) {
        contexts.replace(own);
        continue;
      }
      const first = new TlsContexts(own);
      served.set(socket, first);
      const given = { fd: duplicateSocket(fd), shared };
      listeners.push(await listenStream(endpoint, { ...context, tls: first }, true, given));
    }
  };
  await replaceClientCas(clientCas);
  return {
    replaceTls(next) {
      settings = next;
      for (const [index, socket] of transfers.entries()) {
        const ca = cas[index];
        if (ca !== undefined) served.get(socket)?.replace(settingsOf(next, ca, socket.endpoint));
      }
    },
    replaceClientCas,
    async stop() {
      await Promise.all(listeners.map((listener) => listener.close()));
    },
  };
}
