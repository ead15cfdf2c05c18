/** A stream worker: a thread with sessions over TCP, STARTTLS and TLS. */
import { describeSessions } from '../../session/describe.js';
import { TlsContexts } from '../../tls/tls-context.js';
import { duplicateSocket } from '../../transport/sockets.js';
import { listenStream } from '../../transport/stream.js';
import { GENERATION, HANDSHAKES, HEARTBEAT } from '../../transport/thread-words.js';
import type { Listener } from '../../transport/transport.js';
import { streamContext } from './transport-context.js';
import { runThread } from './worker-thread.js';

/** Milliseconds between two heartbeats. A thread that is watched may miss several. */
const BEAT_INTERVAL = 50;

await runThread(async ({ settings, catalog, tls, sockets, words, share }, services) => {
  const contexts = tls && new TlsContexts(tls);
  const context = streamContext(settings, catalog, contexts, services, share);
  const listeners: Listener[] = [];
  for (const { fd, endpoint, secure, shared } of sockets) {
    // Node closes the descriptor that it listens on. The control thread keeps the original, and with it the connections that wait.
    listeners.push(await listenStream(endpoint, context, secure, { fd: duplicateSocket(fd), shared }));
  }
  words[GENERATION] = catalog.generation;
  // It keeps the thread alive, too.
  const heart = setInterval(() => {
    words[HANDSHAKES] = context.sessions.handshaking;
    words[HEARTBEAT] = (words[HEARTBEAT]! + 1) | 0;
  }, BEAT_INTERVAL);
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
      await Promise.all(listeners.map((listener) => listener.close()));
      clearInterval(heart);
    },
  };
});
