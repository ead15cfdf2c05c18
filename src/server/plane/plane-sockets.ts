/** The sockets of the data plane's threads. The control thread binds them once. */
import type { Config } from '../../config/schema.js';
import { fastOpenObstacle } from '../../transport/fast-open.js';
import {
  type BoundSocket,
  bufferShortfall,
  closeSocket,
  openTcpSocket,
  openUdpSocket,
  startListening,
} from '../../transport/sockets.js';
import type { Endpoint } from '../../transport/transport.js';
import type { ActivatedSockets } from '../process/socket-activation.js';
import { freePortRetry } from './free-ports.js';

/** By address, in the order of the configuration: a socket for each worker, or one that all share. */
export interface PlaneSockets {
  readonly udp: readonly SocketsOfAddress[];
  readonly tcp: readonly SocketsOfAddress[];
  readonly tls: readonly SocketsOfAddress[];
  /** Those of `transfer.listen`. Nobody listens on them: connections are refused until authorities of clients are known. */
  readonly transfers: readonly SocketsOfAddress[];
}

type SocketsOfAddress = readonly [BoundSocket, ...BoundSocket[]];

/**
 * Binds `workers` sockets for UDP and TCP on each address, and for TLS if it is configured. Queries and connections that come from now
 * on wait. Port 0 stands for one that is free for all of them. Throws ADOTD_LISTEN, with nothing bound.
 */
export function bindPlaneSockets(config: Config, workers: number): PlaneSockets {
  const { listen, port, tls_port: tlsPort } = config;
  const fastOpen = fastOpenOf(config);
  const buffers = { receiveBuffer: config.udp.receive_buffer, sendBuffer: config.udp.send_buffer };
  const tryOtherPorts = freePortRetry([port, tlsPort]);
  for (;;) {
    const bound: BoundSocket[] = [];
    const bind = (open: (reusePort: boolean, endpoint: Endpoint) => BoundSocket, endpoint: Endpoint) =>
      bindForAll(open, endpoint, workers, bound);
    const udpSocket = (reusePort: boolean, endpoint: Endpoint): BoundSocket =>
      openUdpSocket(endpoint, { ...buffers, reusePort });
    const tcpSocket = (protocol: 'tcp' | 'tls') => (reusePort: boolean, endpoint: Endpoint) =>
      openTcpSocket(endpoint, { reusePort, fastOpen }, protocol);
    try {
      const udp: SocketsOfAddress[] = [];
      const tcp: SocketsOfAddress[] = [];
      const tls: SocketsOfAddress[] = [];
      for (const address of listen) {
        const sockets = bind(udpSocket, { address, port: udp[0]?.[0].endpoint.port ?? port });
        udp.push(sockets);
        tcp.push(bind(tcpSocket('tcp'), sockets[0].endpoint));
      }
      for (const address of config.tls.enabled ? listen : []) {
        tls.push(bind(tcpSocket('tls'), { address, port: tls[0]?.[0].endpoint.port ?? tlsPort }));
      }
      const transfers = bindTransfers(config, workers, bound);
      // Stream workers start no faster than UDP workers: a client that a truncated answer sends to TCP must not be refused meanwhile.
      for (const socket of tcp.flat()) startListening(socket, 'tcp');
      for (const socket of tls.flat()) startListening(socket, 'tls');
      return { udp, tcp, tls, transfers };
    } catch (error) {
      for (const { fd } of bound) closeSocket(fd);
      if (!tryOtherPorts(error)) throw error;
    }
  }
}

/**
 * Sockets that were handed over, which all workers share, and those of `transfer.listen`, which are bound all the same: a service manager
 * has no way to say that a socket is for them. Throws ADOTD_LISTEN, with nothing bound.
 */
export function bindBesideHanded({ udp, tcp, tls }: ActivatedSockets, config: Config, workers: number): PlaneSockets {
  const alone = (sockets: readonly BoundSocket[]): SocketsOfAddress[] =>
    sockets.map((socket) => [{ ...socket, shared: true }]);
  const bound: BoundSocket[] = [];
  try {
    const transfers = bindTransfers(config, workers, bound);
    return { udp: alone(udp), tcp: alone(tcp), tls: alone(tls), transfers };
  } catch (error) {
    for (const { fd } of bound) closeSocket(fd);
    throw error;
  }
}

/** Binds the addresses of `transfer.listen`, and adds the sockets to `bound`. When one cannot be bound, those before it are in `bound`. */
function bindTransfers(config: Config, workers: number, bound: BoundSocket[]): SocketsOfAddress[] {
  const fastOpen = fastOpenOf(config);
  const open = (reusePort: boolean, endpoint: Endpoint): BoundSocket =>
    openTcpSocket(endpoint, { reusePort, fastOpen }, 'tls');
  return config.transfer.listen.map(({ address, port }) => bindForAll(open, { address, port }, workers, bound));
}

function fastOpenOf({ tcp }: Config): number {
  return fastOpenObstacle() === undefined ? tcp.fast_open : 0;
}

/** A message when the system grants smaller buffers than configured; undefined otherwise. */
export function buffersGranted({ udp }: PlaneSockets, config: Config): string | undefined {
  const [first] = udp;
  const { receive_buffer: receiveBuffer, send_buffer: sendBuffer } = config.udp;
  return first && bufferShortfall(first[0].fd, { reusePort: false, receiveBuffer, sendBuffer });
}

/**
 * Binds one socket for each worker. The port is first bound without SO_REUSEPORT, which would let a second server of the same user
 * silently take half of the queries.
 */
function bindForAll(
  open: (reusePort: boolean, endpoint: Endpoint) => BoundSocket,
  endpoint: Endpoint,
  workers: number,
  bound: BoundSocket[],
): SocketsOfAddress {
  const alone = open(false, endpoint);
  if (workers === 1) {
    bound.push(alone);
    return [alone];
  }
  closeSocket(alone.fd);
  const one = (): BoundSocket => {
    const socket = open(true, alone.endpoint);
    bound.push(socket);
    return socket;
  };
  return [one(), ...Array.from({ length: workers - 1 }, one)];
}
