/** The ways to serve streams, for tests that hold on each of them. */

import { descriptorTable } from '../../src/transport/epoll/owned-descriptors.js';
import { type StreamLoopOptions, serveStreams } from '../../src/transport/epoll/stream-loop.js';
import { libc } from '../../src/transport/libc.js';
import { createRest } from '../../src/transport/rest.js';
import { closeSocket, openTcpSocket, startListening } from '../../src/transport/sockets.js';
import { listenTcp } from '../../src/transport/stream.js';
import { threadWords } from '../../src/transport/thread-words.js';
import type { Endpoint, Listener } from '../../src/transport/transport.js';
import type { TestContext } from './support.js';

const system = libc();

export interface StreamPathUnderTest {
  readonly path: 'node' | 'epoll';
  listenTcp(endpoint: Endpoint, context: TestContext): Promise<Listener>;
}

/** The loop in the calling thread, on a socket of its own. */
export function listenByEpoll(
  endpoint: Endpoint,
  context: TestContext,
  change: Partial<StreamLoopOptions> = {},
  secure = false,
): Listener & { readonly owned: Int32Array; readonly words: Int32Array } {
  const protocol = secure ? 'tls' : 'tcp';
  if (typeof system === 'string') throw new Error(system);
  const socket = openTcpSocket(endpoint, { reusePort: false, fastOpen: 0 }, protocol);
  startListening(socket, protocol);
  const owned = descriptorTable(0x1_0000);
  const words = threadWords();
  const served = { fd: socket.fd, endpoint: socket.endpoint, secure, shared: false };
  const loop = serveStreams([served], {
    system,
    context,
    clock: context.clock,
    words,
    rest: createRest(words, () => {}),
    owned,
    patience: 0,
    ...change,
  });
  let stopped: Promise<void> | undefined;
  const close = (): Promise<void> => {
    if (stopped !== undefined) return stopped;
    stopped = loop.stop();
    // As the control thread does: the loop has a duplicate.
    closeSocket(socket.fd);
    return stopped;
  };
  return { protocol, endpoint: socket.endpoint, publish() {}, close, abandon: close, owned, words };
}

/** All of them that this machine has. */
export const STREAM_PATHS: readonly StreamPathUnderTest[] = [
  { path: 'node', listenTcp },
  ...(typeof system === 'string'
    ? []
    : [
        {
          path: 'epoll' as const,
          listenTcp: async (endpoint: Endpoint, context: TestContext) => listenByEpoll(endpoint, context),
        },
      ]),
];
