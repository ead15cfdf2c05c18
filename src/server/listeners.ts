/** Binds every address for UDP and TCP, all on the same port. */
import type { Catalog } from '../image/catalog.js';
import { systemCode } from '../transport/listen-error.js';
import { listenTcp } from '../transport/tcp.js';
import type { Listener, TransportContext } from '../transport/transport.js';
import { listenUdp } from '../transport/udp-dgram.js';

/** How often another free port is tried when the one that UDP got is taken for TCP. */
const ATTEMPTS = 20;

/** Binds UDP and TCP on each address. Port 0: one that is free for all of them. Throws ADOTD_LISTEN, with nothing bound. */
export async function bindAll(
  addresses: readonly string[],
  port: number,
  catalog: Catalog,
  context: TransportContext,
): Promise<Listener[]> {
  for (let attempt = 1; ; attempt++) {
    const bound: Listener[] = [];
    try {
      for (const address of addresses) {
        for (const listen of [listenUdp, listenTcp]) {
          const endpoint = { address, port: bound[0]?.endpoint.port ?? port };
          bound.push(await listen(endpoint, catalog, context));
        }
      }
      return bound;
    } catch (error) {
      await Promise.all(bound.map((listener) => listener.close()));
      const taken = error instanceof Error && systemCode(error.cause) === 'EADDRINUSE';
      if (port !== 0 || !taken || attempt === ATTEMPTS) throw error;
    }
  }
}
