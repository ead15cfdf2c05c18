/** Binds every address: UDP and TCP on the same port, TLS on another. */
import type { Catalog } from '../../image/catalog.js';
import { listenTcp, listenTls } from '../../transport/stream.js';
import type { Endpoint, Listener, TransportContext } from '../../transport/transport.js';
import { listenUdp } from '../../transport/udp-dgram.js';
import type { ActivatedSockets } from '../process/socket-activation.js';
import { freePortRetry } from './free-ports.js';

/**
 * Binds UDP and TCP on each address, and TLS if there is `context.tls`. Port 0 stands for one that is free for all of them. Throws
 * ADOTD_LISTEN, with nothing bound.
 */
export async function bindAll(
  addresses: readonly string[],
  port: number,
  tlsPort: number,
  catalog: Catalog,
  context: TransportContext,
): Promise<Listener[]> {
  const tryOtherPorts = freePortRetry([port, tlsPort]);
  for (;;) {
    const bound: Listener[] = [];
    try {
      for (const address of addresses) {
        const endpoint = (): Endpoint => ({ address, port: bound[0]?.endpoint.port ?? port });
        bound.push(await listenUdp(endpoint(), catalog, context));
        bound.push(await listenTcp(endpoint(), context));
      }
      if (context.tls !== undefined) {
        let secure = tlsPort;
        for (const address of addresses) {
          const listener = await listenTls({ address, port: secure }, context);
          bound.push(listener);
          secure = listener.endpoint.port;
        }
      }
      return bound;
    } catch (error) {
      await Promise.all(bound.map((listener) => listener.abandon()));
      if (!tryOtherPorts(error)) throw error;
    }
  }
}

/** Listens on sockets that were handed over; the listeners own them from now on. Throws ADOTD_LISTEN, with all closed. */
export async function listenOn(
  sockets: ActivatedSockets,
  catalog: Catalog,
  context: TransportContext,
): Promise<Listener[]> {
  const listening: Listener[] = [];
  try {
    for (const { endpoint, fd } of sockets.udp) listening.push(await listenUdp(endpoint, catalog, context, fd));
    for (const { endpoint, fd } of sockets.tcp) {
      listening.push(await listenTcp(endpoint, context, { fd, shared: true }));
    }
    for (const { endpoint, fd } of sockets.tls) {
      listening.push(await listenTls(endpoint, context, { fd, shared: true }));
    }
    return listening;
  } catch (error) {
    await Promise.all(listening.map((listener) => listener.abandon()));
    throw error;
  }
}
