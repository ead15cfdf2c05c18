/** A stream worker: a thread with sessions over TCP, STARTTLS and TLS. */
import { describeSessions } from '../../session/describe.js';
import { TlsContexts } from '../../tls/tls-context.js';
import { loopClock } from '../../transport/epoll/loop-clock.js';
import { serveStreams } from '../../transport/epoll/stream-loop.js';
import { libc } from '../../transport/libc.js';
import { duplicateSocket } from '../../transport/sockets.js';
import { listenStream } from '../../transport/stream.js';
import { GENERATION, HANDSHAKES, HEARTBEAT } from '../../transport/thread-words.js';
import type { Listener, StreamContext } from '../../transport/transport.js';
import type { ThreadData } from './thread-messages.js';
import { streamContext } from './transport-context.js';
import { runThread } from './worker-thread.js';

/** Milliseconds between two heartbeats. A thread that is watched may miss several. */
const BEAT_INTERVAL = 50;

await runThread(async (data, services) => {
  const { settings, catalog, tls, words, share, streams } = data;
  const contexts = tls && new TlsContexts(tls);
  const clock = loopClock(services.clock);
  const context = streamContext(settings, catalog, contexts, { ...services, clock }, share);
  const stop = streams === 'epoll' ? serveByEpoll(data, { context, clock }) : await serveByNode(data, context);
  words[GENERATION] = catalog.generation;
  return {
    publish(next) {
      context.sessions.facts.catalog = next;
      words[GENERATION] = next.generation;
    },
    replaceTls: (next) => contexts?.replace(next),
    configure: (next) => context.configure(next),
    sessions: (longest) => describeSessions(context.sessions, longest),
    async stop(drainTime = context.sessions.drainTime) {
      context.sessions.drainTime = drainTime;
      await stop();
    },
  };
});

/** Serves the sockets on a loop of our own; returns what stops that. */
function serveByEpoll(
  { sockets, words, owned }: ThreadData,
  served: Pick<Parameters<typeof serveStreams>[1], 'context' | 'clock'>,
): () => Promise<void> {
  const system = libc();
  if (typeof system === 'string') throw new Error(`epoll cannot be called: ${system}`);
  const loop = serveStreams(sockets, { ...served, system, words, owned });
  return () => loop.stop();
}

/** Serves the sockets by node:net and node:tls; returns what stops that. */
async function serveByNode({ sockets, words }: ThreadData, context: StreamContext): Promise<() => Promise<void>> {
  const listeners: Listener[] = [];
  for (const { fd, endpoint, secure, shared } of sockets) {
    // Node closes the descriptor that it listens on. The control thread keeps the original, and with it the connections that wait.
    listeners.push(await listenStream(endpoint, context, secure, { fd: duplicateSocket(fd), shared }));
  }
  // It keeps the thread alive, too.
  const heart = setInterval(() => {
    words[HANDSHAKES] = context.sessions.handshaking;
    words[HEARTBEAT] = (words[HEARTBEAT]! + 1) | 0;
  }, BEAT_INTERVAL);
  return async () => {
    await Promise.all(listeners.map((listener) => listener.close()));
    clearInterval(heart);
  };
}
