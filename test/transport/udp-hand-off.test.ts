import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS } from '../../src/answer/answer-settings.js';
import { HandOff, MOST_HANDED } from '../../src/answer/hand-off/hand-off.js';
import { createResponder } from '../../src/answer/respond.js';
import { Opcode } from '../../src/protocol/iana.js';
import { closeSocket, openUdpSocket } from '../../src/transport/sockets.js';
import { threadWords } from '../../src/transport/thread-words.js';
import { listenUdp } from '../../src/transport/udp-dgram.js';
import { serveMmsg } from '../../src/transport/udp-mmsg.js';
import { emptyCatalog } from '../support/catalog.js';
import { buildQuery } from '../support/message.js';
import { type HeldHandler, heldHandler } from '../support/requests.js';
import { context } from './support.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Served {
  readonly port: number;
  readonly held: HeldHandler;
  /** Octets of the responses that were counted. */
  readonly counted: number[];
  stop(): Promise<void>;
}

type Serve = (address: string) => Promise<Served>;

function contextOf() {
  const held = heldHandler();
  const counted: number[] = [];
  const responder = createResponder({ ...DEFAULT_SETTINGS, handedOpcodes: 1 << Opcode.NOTIFY });
  const handOff = new HandOff(held.handle);
  const count = (_facts: unknown, _outcome: unknown, _asked: number, answered: number): void =>
    void counted.push(answered);
  return { held, counted, shared: { ...context({ handOff }), responder, count } };
}

const byMmsg: Serve = async (address) => {
  const { held, counted, shared } = contextOf();
  const socket = openUdpSocket({ address, port: 0 }, { reusePort: false, receiveBuffer: 4 << 20, sendBuffer: 4 << 20 });
  const loop = serveMmsg([socket], emptyCatalog(), shared, threadWords());
  closing.push(async () => {
    await loop.stop();
    closeSocket(socket.fd);
  });
  return { port: socket.endpoint.port, held, counted, stop: () => loop.stop() };
};

const byDgram: Serve = async (address) => {
  const { held, counted, shared } = contextOf();
  const listener = await listenUdp({ address, port: 0 }, emptyCatalog(), shared);
  closing.push(() => listener.close());
  return { port: listener.endpoint.port, held, counted, stop: () => listener.close() };
};

function client(): Socket {
  const socket = createSocket('udp4');
  closing.push(() => socket.close());
  return socket;
}

const notify = (id: number): Uint8Array => buildQuery({ name: 'a.test.', type: 'SOA', opcode: Opcode.NOTIFY, id });
const query = (id: number): Uint8Array => buildQuery({ name: 'a.test.', type: 'SOA', id });

const waiting = async ({ held }: Served, count: number): Promise<void> => {
  while (held.waiting.length < count) await new Promise((resolve) => setTimeout(resolve, 2));
};

describe.each([
  ['recvmmsg', byMmsg],
  ['node:dgram', byDgram],
])('a datagram that is handed off, by %s', (name, serve) => {
  it('gets its reply later, from the address that it was sent to, and queries go on meanwhile', async () => {
    const served = await serve(name === 'recvmmsg' ? '0.0.0.0' : '127.0.0.9');
    const [first, other] = [client(), client()];
    const reply = once(first, 'message') as Promise<[Buffer, RemoteInfo]>;
    first.send(notify(1), served.port, '127.0.0.9');
    await waiting(served, 1);
    for (let id = 2; id < 6; id++) {
      const answer = once(other, 'message') as Promise<[Buffer, RemoteInfo]>;
      other.send(query(id), served.port, '127.0.0.9');
      expect((await answer)[0].readUInt16BE(0)).toBe(id);
    }
    expect(served.counted).toHaveLength(4);
    await served.held.answer(0);
    const [octets, from] = await reply;
    expect([octets.readUInt16BE(0), octets[2]! & 0x80, from.address]).toEqual([1, 0x80, '127.0.0.9']);
    expect(served.counted.at(-1)).toBe(octets.length);
  });

  it('is dropped when too many wait', async () => {
    const served = await serve('127.0.0.1');
    const from = client();
    for (let id = 0; id < MOST_HANDED + 3; id++) from.send(notify(id), served.port, '127.0.0.1');
    await waiting(served, MOST_HANDED);
    while (served.counted.length < 3) await new Promise((resolve) => setTimeout(resolve, 2));
    expect([served.held.waiting.length, served.counted]).toEqual([MOST_HANDED, [0, 0, 0]]);
    while (served.held.waiting.length > 0) await served.held.answer(undefined);
  });

  it('gets its reply while the server stops, which waits for it', async () => {
    const served = await serve('127.0.0.1');
    const from = client();
    const reply = once(from, 'message') as Promise<[Buffer, RemoteInfo]>;
    from.send(notify(7), served.port, '127.0.0.1');
    await waiting(served, 1);
    let stopped = false;
    const stopping = served.stop().then(() => {
      stopped = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(stopped).toBe(false);
    await served.held.answer(0);
    expect((await reply)[0].readUInt16BE(0)).toBe(7);
    await stopping;
  });
});
