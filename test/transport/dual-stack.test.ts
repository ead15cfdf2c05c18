/** UDP on an IPv6 socket of others that takes IPv4 too, as systemd opens them by default. */

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { type Libc, libc } from '../../src/transport/libc.js';
import { BATCH, createBatches, MSG_DONTWAIT } from '../../src/transport/mmsg.js';
import { encodeSocketAddress, Family } from '../../src/transport/socket-address.js';
import { closeSocket, describeSocket, prepareUdpSocket } from '../../src/transport/sockets.js';
import { threadWords } from '../../src/transport/thread-words.js';
import { udpFacts } from '../../src/transport/udp-facts.js';
import { createAnswerer, slotsFor } from '../../src/transport/udp-mmsg.js';
import { emptyCatalog } from '../support/catalog.js';
import { message } from '../support/responder.js';
import { context } from './support.js';

const SOCK_DGRAM = 2;
const BUFFERS = { reusePort: false, receiveBuffer: 65_536, sendBuffer: 65_536 };

const closing: (() => unknown)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

function system(): Libc {
  const found = libc();
  if (typeof found === 'string') throw new Error(found);
  return found;
}

/** What answers on such a socket, its port, and the clients' addresses that respond() was told. */
function answering() {
  const fd = system().socket(Family.INET6, SOCK_DGRAM, 0);
  closing.push(() => closeSocket(fd));
  const any = encodeSocketAddress({ address: '::', port: 0 }) ?? Buffer.alloc(0);
  expect(system().bind(fd, any, any.length)).toBe(0);
  const described = describeSocket(fd);
  if (typeof described === 'string') throw new Error(described);
  const { endpoint } = described;
  prepareUdpSocket(fd, endpoint, BUFFERS);
  const told: number[][] = [];
  const around = context({
    count: ({ client, clientLength }) => void told.push([...client.subarray(0, clientLength)]),
  });
  const slots = slotsFor(around);
  const batches = createBatches(system(), fd, 6, endpoint.address === '::', slots);
  const answerer = createAnswerer(batches, slots, udpFacts(emptyCatalog(), around), around, threadWords());
  return { told, port: endpoint.port, answer: () => answerer.answer(MSG_DONTWAIT, BATCH), events: around.events };
}

/** A client that has asked from an address; `from` is where its answer comes from. */
async function ask(client: string, server: string, port: number): Promise<{ from: Promise<string> }> {
  const socket = createSocket(client.includes(':') ? 'udp6' : 'udp4');
  closing.push(() => socket.close());
  const from = once(socket, 'message').then(([, { address }]) => String(address));
  socket.bind(0, client);
  await once(socket, 'listening');
  await new Promise((resolve) => socket.send(message(1, 12), port, server, resolve));
  return { from };
}

describe('an IPv6 socket that takes IPv4 too', () => {
  it('tells IPv4 clients by four octets, also between others, and answers from the address that was asked', async () => {
    const { told, port, answer } = answering();
    const asked = [
      await ask('127.0.0.9', '127.0.0.7', port),
      await ask('::1', '::1', port),
      await ask('127.0.0.8', '127.0.0.6', port),
    ];
    expect(answer()).toBe(3);
    expect(told).toEqual([
      [127, 0, 0, 9],
      [...Array(15).fill(0), 1],
      [127, 0, 0, 8],
    ]);
    expect(await Promise.all(asked.map(({ from }) => from))).toEqual(['127.0.0.7', '::1', '127.0.0.6']);
  });
});
