/** A stream worker: a thread with sessions over TCP, STARTTLS and TLS. */
import { describeSessions } from '../../session/describe.js';
import { TlsContexts } from '../../tls/tls-context.js';
import { duplicateSocket } from '../../transport/sockets.js';
import { listenStream } from '../../transport/stream.js';
import { GENERATION } from '../../transport/thread-words.js';
import type { Listener } from '../../transport/transport.js';
import { beat } from './heartbeat.js';
import { streamContext } from './transport-context.js';
import { runThread } from './worker-thread.js';

await runThread(async ({ settings, catalog, tls, sockets, words, share }, tools) => {
  const contexts = tls && new TlsContexts(tls);
  const offer = contexts && { options: () => contexts.socketOptions() };
  const context = streamContext(settings, catalog, offer, tools, share);
  const listeners: Listener[] = [];
  for (const { fd, endpoint, secure, shared } of sockets) {
    // node closes what it listens on; the control thread's own stays open, and with it what waits to be accepted.
    listeners.push(await listenStream(endpoint, context, secure, { fd: duplicateSocket(fd), shared }));
  }
  words[GENERATION] = catalog.generation;
  const heart = beat(words, () => context.sessions.handshaking);
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
      heart.stop();
    },
  };
});
