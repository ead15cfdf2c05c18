/** A UDP worker: a thread that answers datagrams. */
import { serveMmsg } from '../transport/udp-mmsg.js';
import { udpContext } from './context.js';
import { runThread } from './thread.js';

await runThread(async ({ settings, catalog, sockets, words }, tools) => {
  const loop = serveMmsg(sockets, catalog, udpContext(settings, tools), words);
  return {
    publish: (next) => loop.publish(next),
    replaceTls() {},
    stop: () => loop.stop(),
  };
});
