/** Passes each datagram and each connection on to one of several servers, by chance, as if all of them had one address. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export class EitherServer {
  /** Ports on loopback. */
  targets: readonly number[] = [];
  port = 0;
  readonly #random: () => number;
  readonly #datagrams = createSocket('udp4');
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((client) => {
    const upstream = connect({ port: this.#pick(), host: '127.0.0.1' });
    client.pipe(upstream);
    upstream.pipe(client);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => this.#sockets.delete(socket));
    }
  });

  private constructor(random: () => number) {
    this.#random = random;
  }

  static async open(random: () => number): Promise<EitherServer> {
    const either = new EitherServer(random);
    either.#server.listen(0, '127.0.0.1');
    await once(either.#server, 'listening');
    const address = either.#server.address();
    either.port = typeof address === 'object' && address !== null ? address.port : 0;
    either.#datagrams.on('message', (octets, { port }) => {
      const own = createSocket('udp4');
      const timer = setTimeout(() => own.close(), 5000);
      own.on('message', (answer) => {
        either.#datagrams.send(answer, port, '127.0.0.1');
        clearTimeout(timer);
        own.close();
      });
      own.send(octets, either.#pick(), '127.0.0.1');
    });
    either.#datagrams.bind(either.port, '127.0.0.1');
    await once(either.#datagrams, 'listening');
    return either;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#datagrams.close();
  }

  #pick(): number {
    return this.targets[Math.floor(this.#random() * this.targets.length)]!;
  }
}
