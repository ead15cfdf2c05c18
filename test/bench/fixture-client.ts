/** Asks a server one question, over a connection of its own. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export const TRANSPORTS = ['udp', 'tcp', 'starttls', 'tls'] as const;
export type Transport = (typeof TRANSPORTS)[number];

export interface Asked {
  readonly address: string;
  readonly udp: number;
  readonly tcp: number;
  readonly tls: number;
  readonly ca: string;
}

/** www.example.test A, with an OPT record that has the TO bit. */
const QUERY = Buffer.concat([
  Buffer.from('\x12\x67\0\0\0\x01\0\0\0\0\0\x01\x03www\x07example\x04test\0\0\x01\0\x01', 'latin1'),
  Buffer.from([0, 0, 41, 4, 0xd0, 0, 0, 0x40, 0, 0, 0]),
]);
const FRAMED = Buffer.concat([Buffer.from([0, QUERY.length]), QUERY]);

/** Waits for the answer; over STARTTLS, for that to the query inside of TLS. */
export async function askOnce({ address: host, ...server }: Asked, transport: Transport): Promise<void> {
  if (transport === 'udp') {
    const socket = createSocket('udp4');
    socket.send(QUERY, server.udp, host);
    await once(socket, 'message');
    socket.close();
    return;
  }
  if (transport === 'tls') return answered(connectTls({ host, port: server.tls, ca: server.ca }));
  const plain = connect({ host, port: server.tcp });
  if (transport === 'tcp') return answered(plain);
  plain.write(FRAMED);
  await once(plain, 'data');
  plain.removeAllListeners('data');
  await answered(connectTls({ socket: plain, ca: server.ca, servername: 'localhost' }));
}

async function answered(socket: Socket): Promise<void> {
  socket.write(FRAMED);
  await once(socket, 'data');
  socket.destroy();
}
