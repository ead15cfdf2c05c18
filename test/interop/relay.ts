/** A relay between client and server: it records all octets, and can interfere like a middlebox. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { freePort } from '../support/peers/server.js';

interface Interference {
  /** Gets octets from the client, and returns the octets for the server; undefined: none. `seen` came before on this connection. */
  readonly toServer?: (octets: Buffer, seen: Buffer) => Buffer | undefined;
  readonly toClient?: (octets: Buffer, seen: Buffer) => Buffer | undefined;
  /** What becomes of datagrams; `pass`: to the same port of the server and back. Default: the port is closed for them. */
  readonly datagrams?: 'pass' | 'swallow';
}

interface Relay extends AsyncDisposable {
  readonly port: number;
  /** All octets from the server and from the client, one buffer a connection. */
  readonly fromServer: Buffer[];
  readonly fromClient: Buffer[];
}

/** Listens on a free port of loopback and passes connections on to `port`. */
export async function startRelay(port: number, interference: Interference = {}): Promise<Relay> {
  const fromServer: Buffer[] = [];
  const fromClient: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    const index = fromServer.push(Buffer.alloc(0)) - 1;
    fromClient.push(Buffer.alloc(0));
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('end', () => other.end());
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroySoon();
      });
    }
    client.on('data', (octets) => {
      const before = fromClient[index] ?? Buffer.alloc(0);
      const passed = interference.toServer === undefined ? octets : interference.toServer(octets, before);
      fromClient[index] = Buffer.concat([before, octets]);
      if (passed !== undefined && passed.length > 0) upstream.write(passed);
    });
    upstream.on('data', (octets) => {
      const before = fromServer[index] ?? Buffer.alloc(0);
      const passed = interference.toClient === undefined ? octets : interference.toClient(octets, before);
      fromServer[index] = Buffer.concat([before, octets]);
      if (passed !== undefined && passed.length > 0) client.write(passed);
    });
  });
  const own = await freePort();
  const closeDatagrams = await datagrams(own, port, interference.datagrams);
  server.listen(own, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: own,
    fromServer,
    fromClient,
    [Symbol.asyncDispose]: async () => {
      closeDatagrams();
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Takes the datagrams of a port; returns the end of it. Each client has a socket of its own, so that answers find their way back. */
async function datagrams(own: number, server: number, way: Interference['datagrams']): Promise<() => void> {
  if (way === undefined) return () => {};
  const front = createSocket('udp4');
  const behind = new Map<number, UdpSocket>();
  const socketOf = (client: number): UdpSocket => {
    const known = behind.get(client);
    if (known !== undefined) return known;
    const socket = createSocket('udp4');
    behind.set(client, socket);
    socket.on('message', (reply) => front.send(reply, client, '127.0.0.1', () => {}));
    return socket;
  };
  front.on('message', (octets, { port: client }) => {
    if (way === 'pass') socketOf(client).send(octets, server, '127.0.0.1', () => {});
  });
  front.bind(own, '127.0.0.1');
  await once(front, 'listening');
  return () => {
    for (const socket of [front, ...behind.values()]) socket.close();
  };
}

/** Lengths of the TLS records of application data (type 23) that a server sent after one response in the clear. */
export function applicationRecords(stream: Buffer = Buffer.alloc(2)): number[] {
  const lengths: number[] = [];
  for (let at = 2 + stream.readUInt16BE(0); at + 5 <= stream.length; at += 5 + stream.readUInt16BE(at + 3)) {
    if (stream[at] === 23) lengths.push(stream.readUInt16BE(at + 3));
  }
  return lengths;
}
