/** A proxy before a server's ports that records every octet in both directions. It passes resets and FINs on. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

type Sender = 'client' | 'server';

export interface Recorder extends AsyncDisposable {
  readonly address: string;
  /** For UDP, TCP and STARTTLS. */
  readonly port: number;
  readonly tlsPort: number;
  /** Whether these octets have passed, in any letter case, within one datagram or one direction of a connection. */
  saw(octets: Uint8Array, from?: Sender): boolean;
  /** How many octets have passed. */
  readonly octets: number;
}

interface Recorded {
  readonly address: string;
  readonly udp: number;
  readonly tls: number;
}

export async function record({ address, udp, tls }: Recorded): Promise<Recorder> {
  const streams: { readonly from: Sender; readonly octets: Buffer[] }[] = [];
  const sockets = new Set<Socket>();
  const closers: (() => Promise<unknown>)[] = [];

  /** One direction. */
  const pass = (sender: Sender, from: Socket, to: Socket): void => {
    const stream: Buffer[] = [];
    streams.push({ from: sender, octets: stream });
    from.on('data', (octets) => {
      stream.push(octets);
      if (!to.destroyed) to.write(octets);
    });
    from.on('end', () => to.end());
    from.on('error', () => to.resetAndDestroy());
    from.on('close', () => sockets.delete(from));
    sockets.add(from);
  };
  const relay = async (port: number, own: number): Promise<Server> => {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      const behind = connect({ port, host: address, allowHalfOpen: true, noDelay: true });
      pass('client', client, behind);
      pass('server', behind, client);
    });
    server.listen(own, '127.0.0.1');
    await once(server, 'listening');
    closers.push(async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    });
    return server;
  };
  const portOf = (server: Server): number => (server.address() as AddressInfo).port;

  /** Each client has a socket of its own, so that answers find their way back. */
  const datagrams = async (): Promise<number> => {
    const front = createSocket('udp4');
    const behind = new Map<number, UdpSocket>();
    front.on('message', (octets, { port: client }) => {
      streams.push({ from: 'client', octets: [octets] });
      const socket = behind.get(client) ?? createSocket('udp4');
      if (!behind.has(client)) {
        behind.set(client, socket);
        socket.on('message', (reply) => {
          streams.push({ from: 'server', octets: [reply] });
          front.send(reply, client, '127.0.0.1', () => {});
        });
      }
      socket.send(octets, udp, address, () => {});
    });
    front.bind(0, '127.0.0.1');
    await once(front, 'listening');
    closers.push(async () => {
      for (const socket of behind.values()) socket.close();
      front.close();
      await once(front, 'close');
    });
    return front.address().port;
  };

  /** A port that is free for UDP and TCP. */
  const both = async (): Promise<number> => {
    for (let tries = 0; ; tries++) {
      const port = await datagrams();
      try {
        await relay(udp, port);
        return port;
      } catch (error) {
        await closers.pop()?.();
        if (tries === 20) throw error;
      }
    }
  };

  const port = await both();
  const tlsPort = portOf(await relay(tls, 0));
  return {
    address: '127.0.0.1',
    port,
    tlsPort,
    saw(octets, from) {
      const text = Buffer.from(octets).toString('latin1').toLowerCase();
      const looked = streams.filter((stream) => from === undefined || stream.from === from);
      return looked.some((stream) => Buffer.concat(stream.octets).toString('latin1').toLowerCase().includes(text));
    },
    get octets() {
      return streams.flatMap(({ octets }) => octets).reduce((sum, { length }) => sum + length, 0);
    },
    [Symbol.asyncDispose]: async () => void (await Promise.all(closers.map((close) => close()))),
  };
}
