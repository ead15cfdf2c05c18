/** The data plane in the calling thread: node:dgram, node:net and node:tls. It is portable, and no thread has to be started. */

import type { TLSSocketOptions } from 'node:tls';
import type { Config } from '../../config/schema.js';
import type { Catalog } from '../../image/catalog.js';
import { ClientWindow } from '../../observe/counters/client-window.js';
import { Counters } from '../../observe/counters/counters.js';
import { describeSessions } from '../../session/describe.js';
import { listenTls } from '../../transport/stream.js';
import type { Endpoint, Listener, TlsOffer, TransportContext } from '../../transport/transport.js';
import type { ClientCas } from '../certificates/client-authorities.js';
import type { ActivatedSockets } from '../process/socket-activation.js';
import type { DataPlane } from './data-plane.js';
import { bindAll, listenOn } from './listeners.js';
import { changedSettings, threadSettings } from './thread-settings.js';
import { type ThreadServices, transportContext } from './transport-context.js';

/** A listener whose clients have to show a certificate. */
export interface MutualListener {
  readonly endpoint: Endpoint;
  /** For a connection. `ca`: authorities of clients' certificates, PEM. */
  optionsFor(ca: string): TLSSocketOptions;
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
  clientCas: ClientCas = [],
): Promise<DataPlane> {
  const sockets = SOCKETS_PER_ADDRESS * config.listen.length;
  let running = config;
  let settings = threadSettings(config, sockets, services.log);
  const context = transportContext(settings, catalog, tls, services);
  const listeners =
    handed === undefined
      ? await bindAll(config.listen, config.port, config.tls_port, catalog, context)
      : await listenOn(handed, catalog, context);
  const others = new MutualListeners(mutual, context);
  try {
    await others.replaceClientCas(clientCas);
  } catch (error) {
    await Promise.all([...listeners, ...others.open].map((listener) => listener.abandon()));
    throw error;
  }
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
      for (const listener of [...listeners, ...others.open]) listener.publish(next);
    },
    async replaceTls() {
      // `tls` is read for each connection.
    },
    replaceClientCas: (cas) => others.replaceClientCas(cas),
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
      closed ??= closeAll([...listeners, ...others.open]);
      return closed;
    },
  };
}

/** The listeners of `transfer.listen` that have authorities of clients' certificates. */
class MutualListeners {
  readonly open: Listener[] = [];
  readonly #mutual: readonly MutualListener[];
  readonly #context: TransportContext;
  readonly #opened = new Set<MutualListener>();
  #cas: ClientCas = [];

  constructor(mutual: readonly MutualListener[], context: TransportContext) {
    this.#mutual = mutual;
    this.#context = context;
  }

  /** Throws ADOTD_LISTEN for one that cannot be opened; those before it are open. */
  async replaceClientCas(cas: ClientCas): Promise<void> {
    this.#cas = cas;
    for (const [index, one] of this.#mutual.entries()) {
      if (cas[index] === undefined || this.#opened.has(one)) continue;
      const options = (): TLSSocketOptions => one.optionsFor(this.#cas[index] ?? '');
      const tls: TlsOffer = { byName: false, options };
      this.open.push(await listenTls(one.endpoint, { ...this.#context, tls }));
      this.#opened.add(one);
    }
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
