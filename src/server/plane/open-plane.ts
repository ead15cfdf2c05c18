/** Chooses the data plane: threads where the machine has what they need, embedded otherwise or when asked for. */
import { availableParallelism } from 'node:os';
import type { Config } from '../../config/schema.js';
import type { Catalog } from '../../image/catalog.js';
import type { Tap } from '../../observe/tap/tap.js';
import type { ActivatedSockets } from '../process/socket-activation.js';
import type { TlsService } from '../tls-service.js';
import type { DataPlane } from './data-plane.js';
import { embeddedPlane } from './embedded.js';
import type { Fixture, ThreadTools } from './transport-context.js';

export interface PlaneOptions {
  readonly config: Config;
  /** Sockets that were handed over: then nothing is bound. */
  readonly sockets?: ActivatedSockets | undefined;
  /** What a fixture changes; everything then runs embedded, in one thread. */
  readonly fixture?: Fixture | undefined;
  /** Called when all sockets are bound, before a thread is started: privileges can be given up. */
  bound?(): void;
}

/** Binds the addresses; everything answers when the promise is fulfilled. Throws ADOTD_LISTEN, ADOTD_CONFIG, and what `bound` throws. */
export async function openPlane(
  options: PlaneOptions,
  catalog: Catalog,
  tls: TlsService | undefined,
  tools: ThreadTools,
  tap?: Tap,
): Promise<DataPlane> {
  const { config } = options;
  const { log, clock } = tools;
  let obstacle: string | undefined;
  if (config.workers !== 'embedded' && options.fixture === undefined) {
    const { threadedPlane, threadsObstacle } = await import('./threads.js');
    obstacle = threadsObstacle();
    if (obstacle === undefined) {
      const { bindPlaneSockets, buffersGranted, sharedSockets } = await import('./plane-sockets.js');
      const workers = config.workers === 'auto' ? availableParallelism() : config.workers;
      const sockets = options.sockets ? sharedSockets(options.sockets) : bindPlaneSockets(config, workers);
      const shortfall = buffersGranted(sockets, config);
      if (shortfall !== undefined && !options.sockets) log.info({}, shortfall);
      options.bound?.();
      return threadedPlane(config, sockets, workers, catalog, tls?.settings, clock, log, tap);
    }
    const wanted = config.workers === 'auto' ? '' : `\`workers: ${config.workers}\` cannot be had; `;
    log.warn({ workers: config.workers }, `${wanted}everything runs embedded, in one thread: ${obstacle}`);
  }
  const plane = await embeddedPlane(
    config,
    options.sockets,
    catalog,
    tls?.offer,
    {
      ...tools,
      tap: tap?.thread(),
      fixture: options.fixture,
    },
    obstacle,
  );
  options.bound?.();
  return plane;
}
