/** A UDP worker: a thread that answers datagrams. */
import { serveMmsg } from '../../transport/udp-mmsg.js';
import { udpContext } from './transport-context.js';
import { runThread } from './worker-thread.js';

await runThread(async ({ settings, catalog, sockets, words }, services, rest) => {
  const context = udpContext(settings, services);
  const loop = serveMmsg(sockets, catalog, context, words, rest);
  return {
    publish: (next) => loop.publish(next),
    replaceTls() {},
    configure: (next) => context.configure(next),
    stop: () => loop.stop(),
  };
});
