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
  /** Those of `transfer.listen`. */
  readonly transfers: readonly SocketsOfAddress[];
}

type SocketsOfAddress = readonly [BoundSocket, ...BoundSocket[]];

/**
 * Binds `workers` sockets for UDP and TCP on each address, and for TLS if it is configured. Queries and connections that come from now
 * on wait. Port 0 stands for one that is free for all of them. Throws ADOTD_LISTEN, with nothing bound.
 */
export function bindPlaneSockets(config: Config, workers: number): PlaneSockets {
  const { listen, port, tls_port: tlsPort } = config;
  const fastOpen = fastOpenObstacle() === undefined ? config.tcp.fast_open : 0;
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
      const transfers = config.transfer.listen.map(({ address, port: own }) =>
        bind(tcpSocket('tls'), { address, port: own }),
      );
      // Stream workers start no faster than UDP workers: a client that a truncated answer sends to TCP must not be refused meanwhile.
      for (const socket of tcp.flat()) startListening(socket, 'tcp');
      for (const socket of [...tls.flat(), ...transfers.flat()]) startListening(socket, 'tls');
      return { udp, tcp, tls, transfers };
    } catch (error) {
      for (const { fd } of bound) closeSocket(fd);
      if (!tryOtherPorts(error)) throw error;
    }
  }
}

/** Sockets that were handed over: all workers share them. */
export function sharedSockets({ udp, tcp, tls }: ActivatedSockets): PlaneSockets {
  const alone = (sockets: readonly BoundSocket[]): SocketsOfAddress[] =>
    sockets.map((socket) => [{ ...socket, shared: true }]);
  return { udp: alone(udp), tcp: alone(tcp), tls: alone(tls), transfers: [] };
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
