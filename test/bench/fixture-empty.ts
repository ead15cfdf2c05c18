/** The least that a server for UDP, TCP and TLS can be in node: it echoes its input. A fixture is measured against it. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Asked } from './fixture-client.js';

interface EmptyServer extends Asked {
  close(): Promise<void>;
}

/** `cert` and `key` in PEM. It answers when the promise is fulfilled. */
export async function startEmptyServer(cert: string, key: string): Promise<EmptyServer> {
  const address = '127.0.0.1';
  const udp = createSocket('udp4');
  udp.on('message', (message, { port }) => udp.send(message, port, address));
  udp.bind(0, address);
  const tcp = createServer((socket) => socket.pipe(socket).on('error', () => socket.destroy()));
  const tls = createTlsServer({ cert, key }, (socket) => socket.pipe(socket).on('error', () => socket.destroy()));
  await Promise.all([once(udp, 'listening'), listening(tcp), listening(tls)]);
  const close = async (): Promise<void> => {
    udp.close();
    await Promise.all([tcp, tls].map((server) => new Promise((resolve) => server.close(resolve))));
  };
  return { address, udp: udp.address().port, tcp: portOf(tcp), tls: portOf(tls), ca: cert, close };

  function listening(server: Server): Promise<unknown> {
    return once(server.listen(0, address), 'listening');
  }
}

function portOf(server: Server): number {
  const bound = server.address();
  return typeof bound === 'object' ? (bound?.port ?? 0) : 0;
}
