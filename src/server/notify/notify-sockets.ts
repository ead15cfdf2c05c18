/**
 * Sends NOTIFY messages and takes the messages that come back: UDP by a socket for each source address, TCP by a connection for each
 * message.
 */
import { createSocket, type Socket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';

/** A message on its way. */
export interface NotifyDelivery {
  readonly address: string;
  readonly port: number;
  /** The address of this server to send from; undefined: the system chooses. */
  readonly source: string | undefined;
  readonly octets: Uint8Array;
}

export interface NotifySockets {
  /** Sends a datagram; datagrams that come back go to `received`. */
  sendDatagram(delivery: NotifyDelivery, failed: (error: Error) => void): void;
  /** Sends over TCP; `received` gets the first message that comes back. Returns a function that closes the connection. */
  sendOnStream(
    delivery: NotifyDelivery,
    received: (message: Uint8Array) => void,
    failed: (error: Error) => void,
  ): () => void;
  close(): void;
}

/** Longest message with its length field. */
const LONGEST = 65_537;

/** `received` gets every datagram, with where it came from. */
export function openNotifySockets(
  received: (message: Uint8Array, address: string, port: number) => void,
): NotifySockets {
  const sockets = new Map<string, Socket>();
  /** The callbacks of messages that wait for their socket to be bound: they get the error when that fails. */
  const unbound = new Map<Socket, ((error: Error) => void)[]>();
  const streams = new Set<() => void>();
  const socketFor = (isV6: boolean, source: string | undefined): Socket => {
    const name = source ?? (isV6 ? '::' : '0.0.0.0');
    const known = sockets.get(name);
    if (known !== undefined) return known;
    const socket = createSocket({ type: isV6 ? 'udp6' : 'udp4', ipv6Only: isV6 });
    sockets.set(name, socket);
    unbound.set(socket, []);
    socket.on('message', (message, { address, port }) => received(message, address, port));
    socket.on('listening', () => unbound.delete(socket));
    socket.on('error', (error) => {
      // The source address is not there, or not any more: the next message tries again.
      if (sockets.get(name) === socket) sockets.delete(name);
      socket.close();
      const waiting = unbound.get(socket) ?? [];
      unbound.delete(socket);
      for (const failed of waiting) failed(error);
    });
    socket.bind({ address: name, port: 0, exclusive: true });
    socket.unref();
    return socket;
  };
  return {
    sendDatagram({ address, port, source, octets }, failed) {
      const socket = socketFor(isIPv6(address), source);
      // A socket that cannot be bound drops the datagrams that it was to send.
      unbound.get(socket)?.push(failed);
      socket.send(octets, port, address, (error) => {
        if (error) failed(error);
      });
    },
    sendOnStream({ address, port, source, octets }, answered, failed) {
      const local = source === undefined ? {} : { localAddress: source };
      const socket = connect({ host: address, port, noDelay: true, ...local });
      const close = (): void => {
        streams.delete(close);
        socket.destroy();
      };
      streams.add(close);
      socket.unref();
      let read = Buffer.alloc(0);
      socket.on('connect', () =>
        socket.write(Buffer.concat([Buffer.of(octets.length >> 8, octets.length & 255), octets])),
      );
      socket.on('data', (part: Buffer) => {
        read = Buffer.concat([read, part]);
        if (read.length > LONGEST) close();
        if (read.length < 2 || read.length < 2 + read.readUInt16BE(0)) return;
        const message = read.subarray(2, 2 + read.readUInt16BE(0));
        close();
        answered(message);
      });
      socket.on('error', (error) => {
        close();
        failed(error);
      });
      socket.on('end', close);
      return close;
    },
    close() {
      for (const socket of sockets.values()) socket.close();
      sockets.clear();
      for (const close of [...streams]) close();
    },
  };
}
