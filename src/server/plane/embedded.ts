/** The data plane in the calling thread: node:dgram, node:net and node:tls. It is portable, and no thread has to be started. */
import type { Config } from '../../config/schema.js';
import type { Catalog } from '../../image/catalog.js';
import { ClientWindow } from '../../observe/counters/client-window.js';
import { Counters } from '../../observe/counters/counters.js';
import { describeSessions } from '../../session/describe.js';
import { listenTls } from '../../transport/stream.js';
import type { Endpoint, Listener, TlsOffer, TransportContext } from '../../transport/transport.js';
import type { ActivatedSockets } from '../process/socket-activation.js';
import type { DataPlane } from './data-plane.js';
import { bindAll, listenOn } from './listeners.js';
import { changedSettings, threadSettings } from './thread-settings.js';
import { type ThreadServices, transportContext } from './transport-context.js';

/** A listener whose clients have to show a certificate. */
interface MutualListener {
  readonly endpoint: Endpoint;
  readonly tls: TlsOffer;
}

/** UDP, TCP and TLS. */
const SOCKETS_PER_ADDRESS = 3;

/**
 * Binds the addresses, or takes the sockets that were `handed` over, and answers. `tls` is asked for each connection; `obstacle` is the
 * reason, for the status, why there are no threads. Throws ADOTD_LISTEN and as threadSettings() does.
 */
export async function embeddedPlane(
  config: Config,
  handed: ActivatedSockets | undefined,
  catalog: Catalog,
  tls: TlsOffer | undefined,
  services: ThreadServices,
  obstacle?: string,
  mutual: readonly MutualListener[] = [],
): Promise<DataPlane> {
  const sockets = SOCKETS_PER_ADDRESS * config.listen.length;
  let running = config;
  let settings = threadSettings(config, sockets, services.log);
  const context = transportContext(settings, catalog, tls, services);
  const listeners =
    handed === undefined
      ? await bindAll(config.listen, config.port, config.tls_port, catalog, context)
      : await listenOn(handed, catalog, context);
  const others = await listenMutual(mutual, context, listeners);
  const endpoints = (protocol: Listener['protocol']) =>
    listeners.filter((listener) => listener.protocol === protocol).map(({ endpoint }) => endpoint);
  const clients = new ClientWindow([services.counters]);
  let closed: Promise<void> | undefined;
  return {
    udp: endpoints('udp'),
    tcp: endpoints('tcp'),
    tls: endpoints('tls'),
    status: { path: 'embedded', udpWorkers: 0, streamWorkers: 0, restarts: 0, obstacle, streams: 'node' },
    get settings() {
      return settings;
    },
    counters: () => clients.completed(Counters.sum([services.counters.words])),
    days: services.days ?? [],
    cpu: () => ({ udp: 0, stream: 0 }),
    async publish(next) {
      for (const listener of [...listeners, ...others]) listener.publish(next);
    },
    async replaceTls() {
      // `tls` is read for each connection.
    },
    async configure(next) {
      const changed = changedSettings(settings, running, next, sockets);
      running = next;
      if (changed === undefined) return false;
      settings = changed;
      context.configure(changed);
      return true;
    },
    sessions: async (longest) => describeSessions(context.sessions, longest),
    close(drainTime = context.sessions.drainTime) {
      clients.close();
      context.sessions.drainTime = drainTime;
      closed ??= closeAll([...listeners, ...others]);
      return closed;
    },
  };
}

/** Listens for clients with certificates as well. Throws ADOTD_LISTEN, with all closed. */
async function listenMutual(
  mutual: readonly MutualListener[],
  context: TransportContext,
  bound: readonly Listener[],
): Promise<Listener[]> {
  const listeners: Listener[] = [];
  try {
    for (const { endpoint, tls } of mutual) listeners.push(await listenTls(endpoint, { ...context, tls }));
    return listeners;
  } catch (error) {
    await Promise.all([...bound, ...listeners].map((listener) => listener.abandon()));
    throw error;
  }
}

/** UDP is answered until the last session is closed: its clients may have nobody else to ask meanwhile. */
async function closeAll(listeners: readonly Listener[]): Promise<void> {
  const [udp, streams] = [listeners.filter(isUdp), listeners.filter((listener) => !isUdp(listener))];
  await Promise.all(streams.map((listener) => listener.close()));
  await Promise.all(udp.map((listener) => listener.close()));
}

function isUdp({ protocol }: Listener): boolean {
  return protocol === 'udp';
}
