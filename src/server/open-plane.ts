/** Chooses the data plane: threads where the machine has what they need, embedded otherwise or when asked for. */
import { availableParallelism } from 'node:os';
import type { Config } from '../config/schema.js';
import type { Catalog } from '../image/catalog.js';
import type { ThreadTools } from './context.js';
import { embeddedPlane } from './embedded.js';
import type { DataPlane } from './plane.js';
import { bindPlaneSockets } from './plane-sockets.js';
import { threadedPlane, threadsObstacle } from './threads.js';
import type { TlsService } from './tls-service.js';

/** Binds the addresses; everything answers when the promise is fulfilled. Throws ADOTD_LISTEN and ADOTD_CONFIG. */
export async function openPlane(
  config: Config,
  catalog: Catalog,
  tls: TlsService | undefined,
  tools: ThreadTools,
): Promise<DataPlane> {
  const { log, clock } = tools;
  if (config.workers !== 'embedded') {
    const obstacle = threadsObstacle();
    if (obstacle === undefined) {
      const workers = config.workers === 'auto' ? availableParallelism() : config.workers;
      const sockets = bindPlaneSockets(config, workers);
      return threadedPlane(config, sockets, workers, catalog, tls?.settings, clock, log);
    }
    log.warn({ workers: config.workers }, `everything runs embedded, in one thread: ${obstacle}`);
  }
  return embeddedPlane(config, catalog, tls?.offer, tools);
}
