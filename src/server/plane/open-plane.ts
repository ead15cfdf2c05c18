/** Chooses the data plane: threads where the machine supports them, embedded otherwise or when configured. */
import { availableParallelism } from 'node:os';
import type { TLSSocketOptions } from 'node:tls';
import type { Config } from '../../config/schema.js';
import type { Catalog } from '../../image/catalog.js';
import type { Tap } from '../../observe/tap/tap.js';
import { mutualTls } from '../../tls/mutual-tls.js';
import { TlsContexts } from '../../tls/tls-context.js';
import { endpointText } from '../../transport/address.js';
import type { ClientCas } from '../certificates/client-authorities.js';
import type { TlsService } from '../certificates/tls-service.js';
import type { ActivatedSockets } from '../process/socket-activation.js';
import type { DataPlane } from './data-plane.js';
import { embeddedPlane, type MutualListener } from './embedded.js';
import type { WorkerSpawns } from './thread-messages.js';
import type { Fixture, ThreadServices } from './transport-context.js';

export interface PlaneOptions {
  readonly config: Config;
  /** Sockets that were handed over; with them, only `transfer.listen` is bound. */
  readonly sockets?: ActivatedSockets | undefined;
  /** The changes of a fixture. With one, everything runs embedded, in one thread. */
  readonly fixture?: Fixture | undefined;
  /** Functions that start threads; others in tests. */
  readonly spawn?: WorkerSpawns | undefined;
  /** Called when all sockets are bound, before a thread is started: privileges can be given up. */
  bound?(): void;
}

/** Binds the addresses; everything answers when the promise is fulfilled. Throws ADOTD_LISTEN, ADOTD_CONFIG, and errors of `bound`. */
export async function openPlane(
  options: PlaneOptions,
  catalog: Catalog,
  tls: TlsService | undefined,
  services: ThreadServices,
  tap?: Tap,
  clientCas: ClientCas = [],
): Promise<DataPlane> {
  const { config, fixture } = options;
  let obstacle: string | undefined;
  if (config.workers !== 'embedded' && fixture === undefined) {
    const { threadsObstacle } = await import('./threads.js');
    obstacle = threadsObstacle();
    if (obstacle === undefined) return openThreads(options, config.workers, catalog, tls, services, tap, clientCas);
    const wanted = config.workers === 'auto' ? '' : `\`workers: ${config.workers}\` is impossible here; `;
    services.log.warn({ workers: config.workers }, `${wanted}everything runs embedded, in one thread: ${obstacle}`);
  }
  const embedded = { ...services, tap: tap?.thread(), fixture };
  const mutual = tls === undefined ? [] : mutualListeners(config, tls);
  const plane = await embeddedPlane(
    config,
    options.sockets,
    catalog,
    tls?.offer,
    embedded,
    obstacle,
    mutual,
    clientCas,
  );
  try {
    options.bound?.();
  } catch (error) {
    await plane.close(0);
    throw error;
  }
  return plane;
}

/** The listeners of `transfer.listen`. A context is made for each connection: there are few, and certificates may change. */
function mutualListeners({ transfer }: Config, tls: TlsService): MutualListener[] {
  return transfer.listen.map(({ address, port }) => {
    const name = endpointText(address, port);
    const optionsFor = (ca: string): TLSSocketOptions => new TlsContexts(mutualTls(tls.settings, ca, name)).options();
    return { endpoint: { address, port }, optionsFor };
  });
}

/** Binds the sockets, gives up privileges, and starts the threads. */
async function openThreads(
  { config, sockets: handed, spawn, bound }: PlaneOptions,
  wanted: number | 'auto',
  catalog: Catalog,
  tls: TlsService | undefined,
  { clock, log, handle, transferred }: ThreadServices,
  tap: Tap | undefined,
  clientCas: ClientCas,
): Promise<DataPlane> {
  const { threadedPlane } = await import('./threads.js');
  const { bindPlaneSockets, buffersGranted, bindBesideHanded } = await import('./plane-sockets.js');
  const workers = wanted === 'auto' ? availableParallelism() : wanted;
  const sockets = handed ? bindBesideHanded(handed, config, workers) : bindPlaneSockets(config, workers);
  const shortfall = buffersGranted(sockets, config);
  if (shortfall !== undefined && !handed) log.info({}, shortfall);
  bound?.();
  return threadedPlane({
    config,
    sockets,
    clientCas,
    workers,
    spawn,
    catalog,
    tls: tls?.settings,
    clock,
    log,
    tap,
    handle,
    transferred,
  });
}
