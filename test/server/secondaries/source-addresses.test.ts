import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { openNotifySockets } from '../../../src/server/notify/notify-sockets.js';
import { connectPrimary } from '../../../src/server/secondaries/connect-primary.js';
import { systemClock } from '../../../src/session/clock.js';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));
/** Addresses of other nameservers, and the ones that we ask them from. Linux has all of 127.0.0.0/8. */
const PAIRS = [['127.0.0.1', '127.0.0.9'], ...(hasIpv6 ? [['::1', '::1']] : [])] as [string, string][];
const SOURCES = PAIRS.map(([, source]) => source);
/** An address that no machine has (RFC 5737). */
const FOREIGN = '192.0.2.1';

/** Listens over TCP, and echoes a message; `from`: where connections came from. */
async function listener(address: string): Promise<{ port: number; from: (string | undefined)[] }> {
  const from: (string | undefined)[] = [];
  const server = createServer((socket) => {
    from.push(socket.remoteAddress);
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  server.listen(0, address);
  await once(server, 'listening');
  ends.push(async () => {
    server.close();
    await once(server, 'close');
  });
  return { port: (server.address() as AddressInfo).port, from };
}

describe('the source address of a remote', () => {
  it.each(PAIRS)('is where transfers from %s are asked from: %s', async (address, source) => {
    const { port, from } = await listener(address);
    const settings = { name: 'one', addresses: [address], port, key: undefined, sources: SOURCES, tls: undefined };
    const socket = await connectPrimary(settings, address, systemClock);
    socket.write('x');
    await once(socket, 'data');
    socket.destroy();
    expect(from).toEqual([source]);
  });

  it('is named when a primary cannot be asked from there', async () => {
    const { port } = await listener('127.0.0.1');
    const settings = { name: 'one', addresses: [], port, key: undefined, sources: [FOREIGN], tls: undefined };
    await expect(connectPrimary(settings, '127.0.0.1', systemClock)).rejects.toThrow(
      /address not available.* from 192\.0\.2\.1: look at the remote's `source`/,
    );
  });

  it.each(PAIRS)('is where NOTIFY to %s comes from, and its response goes to: %s', async (address, source) => {
    const peer = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    peer.on('message', (message, { address: from, port }) => {
      froms.push(from);
      peer.send(message, port, from);
    });
    const froms: string[] = [];
    peer.bind(0, address);
    await once(peer, 'listening');
    ends.push(async () => void peer.close());
    const { port, from } = await listener(address);
    let answered = (_: Uint8Array): void => {};
    const response = (): Promise<Uint8Array> => new Promise((resolve) => (answered = resolve));
    const sockets = openNotifySockets((message) => answered(message));
    ends.push(async () => sockets.close());
    const octets = Buffer.alloc(12, 7);
    const failed = (error: Error): void => {
      throw error;
    };
    const datagram = response();
    sockets.sendDatagram({ address, port: peer.address().port, source, octets }, failed);
    expect(Buffer.from(await datagram)).toEqual(octets);
    const stream = response();
    sockets.sendOnStream({ address, port, source, octets }, (message) => answered(message), failed);
    expect(Buffer.from(await stream)).toEqual(octets);
    expect([froms, from]).toEqual([[source], [source]]);
  });

  it('fails every NOTIFY that waits for it, when it is none of this machine', async () => {
    const { port } = await listener('127.0.0.1');
    const sockets = openNotifySockets(() => {});
    ends.push(async () => sockets.close());
    const send = (how: 'sendDatagram' | 'sendOnStream'): Promise<Error> =>
      new Promise((resolve, reject) => {
        const delivery = { address: '127.0.0.1', port, source: FOREIGN, octets: Buffer.alloc(12) };
        if (how === 'sendDatagram') sockets.sendDatagram(delivery, resolve);
        else sockets.sendOnStream(delivery, reject, resolve);
      });
    const errors = await Promise.all([send('sendDatagram'), send('sendDatagram'), send('sendOnStream')]);
    expect(errors.map((error) => (error as NodeJS.ErrnoException).code)).toEqual(Array(3).fill('EADDRNOTAVAIL'));
  });
});
