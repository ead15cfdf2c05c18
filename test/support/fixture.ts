/**
 * startServer() for the tests of fixtures. They run twice: with a server in the calling thread, and, in the project `fixture in a thread` of
 * vitest.config.ts, with one in a thread of its own.
 */
import * as source from '../../src/index.js';

export const IN_THREAD = process.env.ADOTD_TEST_FIXTURE === 'thread';

type Start = typeof source.startServer;

/** A server in a thread of its own, whatever the project. */
export const startInThread: Start = async (options = {}) => {
  // What is no object is to be refused as it is.
  const isObject = typeof options === 'object' && options !== null;
  return source.startServer(isObject ? { thread: true, ...options } : options);
};

export const startServer: Start = async (options) => {
  const before = listening();
  const server = await (IN_THREAD ? startInThread : source.startServer)(options);
  const isHere = listening() > before;
  if (isHere === IN_THREAD)
    throw new Error(`the server ${isHere ? 'listens' : 'does not listen'} in the calling thread`);
  return server;
};

/** TCP sockets that listen in this thread. */
function listening(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap').length;
}
