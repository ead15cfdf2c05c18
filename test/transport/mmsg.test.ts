import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { constants } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { type Libc, libc } from '../../src/transport/libc.js';
import {
  BATCH,
  type Batches,
  createBatches,
  createSlots,
  MSG_DONTWAIT,
  MSG_WAITFORONE,
  type Slots,
} from '../../src/transport/mmsg.js';
import { closeSocket, limitReceiving, openUdpSocket } from '../../src/transport/sockets.js';
import { createWait } from '../../src/transport/wait.js';

const loaded = libc();
const system = loaded as Libc;
const descriptors: number[] = [];
const clients: Socket[] = [];

afterEach(() => {
  for (const fd of descriptors.splice(0)) closeSocket(fd);
  for (const socket of clients.splice(0)) socket.close();
});

interface Opened {
  readonly fd: number;
  readonly port: number;
  readonly slots: Slots;
  readonly batches: Batches;
}

function open(address = '127.0.0.1', { capacity = 1232, calls = system } = {}): Opened {
  const options = { reusePort: false, receiveBuffer: 4 << 20, sendBuffer: 4 << 20 };
  const { fd, endpoint } = openUdpSocket({ address, port: 0 }, options);
  descriptors.push(fd);
  const slots = createSlots(capacity);
  const wildcard = address === '::' || address === '0.0.0.0';
  const batches = createBatches(calls, fd, address.includes(':') ? 6 : 4, wildcard, slots);
  return { fd, port: endpoint.port, slots, batches };
}

async function client(type: 'udp4' | 'udp6' = 'udp4'): Promise<Socket> {
  const socket = createSocket(type);
  clients.push(socket);
  socket.bind(0, type === 'udp4' ? '127.0.0.1' : '::');
  await once(socket, 'listening');
  return socket;
}

const send = (from: Socket, octets: Uint8Array, port: number, host = '127.0.0.1'): Promise<void> =>
  new Promise((resolve, reject) => from.send(octets, port, host, (error) => (error ? reject(error) : resolve())));

/** Receives a batch: what was sent has arrived, also where the system puts the delivery off a little. */
async function receive({ fd, batches }: Opened, most = BATCH): Promise<number> {
  await wait(10);
  expect(createWait(system, [fd]).poll(2000)).toBe(1);
  return batches.receive(MSG_DONTWAIT, most);
}

const requestOf = ({ slots, batches }: Opened, message: number): Buffer => {
  const at = message * slots.requestStride;
  return Buffer.from(slots.octets.slice(at, at + batches.lengthOf(message)));
};

function respond({ slots, batches }: Opened, response: number, message: number, octets: Uint8Array): void {
  slots.octets.set(octets, slots.responseAt + response * slots.responseStride);
  batches.put(response, message, octets.length);
}

/** The C library, with sendmmsg done by `sendmmsg`, which is given the real one. */
function withSend(sendmmsg: (real: Libc['sendmmsg'], ...args: Parameters<Libc['sendmmsg']>) => number): Libc {
  return { ...system, sendmmsg: (...args) => sendmmsg(system.sendmmsg, ...args) };
}

describe('batches of datagrams', () => {
  it('receives datagrams of 0 to 65,507 octets whole', async () => {
    const opened = open();
    const from = await client();
    const lengths = [0, 1, 11, 12, 512, 1232, 4096, 4097, 16_384, 65_506, 65_507];
    const sent = lengths.map((length) => Buffer.from(Uint8Array.from({ length }, (_, i) => length + i * 7)));
    for (const octets of sent) await send(from, octets, opened.port);
    expect(await receive(opened)).toBe(lengths.length);
    sent.forEach((octets, message) => {
      expect(requestOf(opened, message).equals(octets), `${octets.length} octets`).toBe(true);
    });
  });

  it('says who sent each message, on IPv4 and IPv6', async () => {
    for (const [address, octets] of [
      ['127.0.0.1', [127, 0, 0, 1]],
      ['::1', [...new Array(15).fill(0), 1]],
    ] as const) {
      const opened = open(address);
      const all = await Promise.all([1, 2, 3].map(() => client(address === '::1' ? 'udp6' : 'udp4')));
      for (const from of all) await send(from, Buffer.of(1), opened.port, address);
      expect(await receive(opened)).toBe(3);
      const found = new Uint8Array(16);
      all.forEach((from, message) => {
        expect(opened.batches.portOf(message)).toBe(from.address().port);
        const length = opened.batches.copyAddress(message, found);
        expect([...found.subarray(0, length)]).toEqual(octets);
      });
    }
  });

  it('gives 64 clients at once their own responses, of every length up to the largest', async () => {
    const capacity = 4096;
    const opened = open('127.0.0.1', { capacity });
    const all = await Promise.all(Array.from({ length: BATCH }, () => client()));
    const got = all.map((socket) => once(socket, 'message'));
    for (const [number, socket] of all.entries()) await send(socket, Buffer.of(number), opened.port);
    expect(await receive(opened)).toBe(BATCH);
    const response = (number: number): Buffer =>
      Buffer.alloc(12 + Math.round(((capacity - 12) * number) / (BATCH - 1)), number);
    for (let i = 0; i < BATCH; i++) respond(opened, i, i, response(requestOf(opened, i)[0] ?? 0));
    expect(opened.batches.send(BATCH)).toBe(0);
    for (const [number, arrival] of got.entries()) {
      const [octets] = (await arrival) as [Buffer];
      expect(octets.equals(response(number)), `client ${number}`).toBe(true);
    }
  });

  it('leaves out messages without a response, differently in every batch', async () => {
    const opened = open();
    const all = await Promise.all(Array.from({ length: 8 }, () => client()));
    for (const isAnswered of [(n: number) => n % 2 === 1, (n: number) => n < 3, () => true, (n: number) => n > 5]) {
      const answered = [...all.keys()].filter(isAnswered);
      const got = answered.map((number) => once(all[number] as Socket, 'message'));
      for (const [number, socket] of all.entries()) await send(socket, Buffer.of(number), opened.port);
      expect(await receive(opened)).toBe(all.length);
      let responses = 0;
      for (let i = 0; i < all.length; i++) if (isAnswered(i)) respond(opened, responses++, i, requestOf(opened, i));
      expect(opened.batches.send(responses)).toBe(0);
      const octets = (await Promise.all(got)) as [Buffer][];
      expect(octets.map(([one]) => one[0])).toEqual(answered);
    }
  });

  it('returns 0 when nothing has come, and an error that is final', () => {
    const opened = open();
    expect(opened.batches.receive(MSG_DONTWAIT, BATCH)).toBe(0);
    closeSocket(descriptors.pop() ?? -1);
    expect(opened.batches.receive(MSG_DONTWAIT, BATCH)).toBe(-constants.errno.EBADF);
  });

  it('goes on with the next message when one cannot be sent', async () => {
    // More than a datagram can hold: EMSGSIZE.
    const opened = open('127.0.0.1', { capacity: 65_536 });
    const from = await client();
    const got: number[] = [];
    from.on('message', (octets) => got.push(octets[0] ?? -1));
    for (let i = 0; i < 6; i++) await send(from, Buffer.of(i), opened.port);
    expect(await receive(opened)).toBe(6);
    for (let i = 0; i < 6; i++) respond(opened, i, i, Buffer.alloc(i === 0 || i === 3 || i === 5 ? 65_530 : 20, i));
    expect(opened.batches.send(6)).toBe(3);
    while (got.length < 3) await once(from, 'message');
    expect(got).toEqual([1, 2, 4]);
  });

  describe('taken one by one', () => {
    /** The C library, with the names of its calls for datagrams kept. */
    function withNames(names: string[]): Libc {
      const kept =
        <Args extends number[]>(name: string, real: (...args: Args) => number) =>
        (...args: Args): number => {
          names.push(name);
          return real(...args);
        };
      return {
        ...system,
        recvmmsg: kept('recvmmsg', system.recvmmsg),
        sendmmsg: kept('sendmmsg', system.sendmmsg),
        recvfrom: kept('recvfrom', system.recvfrom),
        sendtoAt: kept('sendto', system.sendtoAt),
      };
    }

    it.each([
      ['127.0.0.1', '127.0.0.1', ['recvfrom', 'sendto']],
      ['::1', '::1', ['recvfrom', 'sendto']],
      ['0.0.0.0', '127.0.0.9', ['recvmmsg', 'sendmmsg']],
      ['::', '::1', ['recvmmsg', 'sendmmsg']],
    ] as const)('are the same as in batches on %s', async (address, to, calls) => {
      const names: string[] = [];
      const opened = open(address, { capacity: 65_535, calls: withNames(names) });
      const all = await Promise.all([1, 2].map(() => client(to === '::1' ? 'udp6' : 'udp4')));
      const found = new Uint8Array(16);
      // IPv6 does not fragment: 65,000 octets are what loopback takes whole.
      for (const length of [0, 1, 12, 1232, 65_000]) {
        const octets = Buffer.from(Uint8Array.from({ length }, (_, i) => length + i * 7));
        for (const from of all) await send(from, octets, opened.port, to);
        for (const from of all) {
          const answer = once(from, 'message');
          expect(await receive(opened, 1)).toBe(1);
          expect(requestOf(opened, 0).equals(octets)).toBe(true);
          expect(opened.batches.portOf(0)).toBe(from.address().port);
          expect(opened.batches.copyAddress(0, found)).toBe(to === '::1' ? 16 : 4);
          respond(opened, 0, 0, octets);
          expect(opened.batches.send(1)).toBe(0);
          const [got, source] = (await answer) as [Buffer, { address: string }];
          expect([got.equals(octets), source.address]).toEqual([true, to]);
        }
      }
      expect(opened.batches.receive(MSG_DONTWAIT, 1)).toBe(0);
      expect(new Set(names)).toEqual(new Set(calls));
    });

    it('take turns with batches', async () => {
      const opened = open();
      const from = await client();
      const got: number[] = [];
      from.on('message', (octets) => got.push(octets[0] ?? -1));
      for (let i = 0; i < 9; i++) await send(from, Buffer.of(i), opened.port);
      let received = 0;
      for (const [most, wanted] of [
        [1, 1],
        [1, 1],
        [BATCH, 7],
      ] as const) {
        expect(await receive(opened, most)).toBe(wanted);
        // The last of a batch alone, and then one that comes alone.
        for (let i = 0; i < wanted; i++)
          if (wanted === 1 || i === wanted - 1) respond(opened, 0, i, requestOf(opened, i));
        expect(opened.batches.send(1)).toBe(0);
        received += wanted;
      }
      expect(received).toBe(9);
      await send(from, Buffer.of(9), opened.port);
      expect(await receive(opened, 1)).toBe(1);
      respond(opened, 0, 0, requestOf(opened, 0));
      expect(opened.batches.send(1)).toBe(0);
      while (got.length < 4) await once(from, 'message');
      expect(got).toEqual([0, 1, 8, 9]);
    });

    it('are lost when their response cannot be sent, and an error is returned as it is', async () => {
      // More than a datagram can hold: EMSGSIZE.
      const opened = open('127.0.0.1', { capacity: 65_536 });
      const from = await client();
      await send(from, Buffer.of(1), opened.port);
      expect(await receive(opened, 1)).toBe(1);
      respond(opened, 0, 0, Buffer.alloc(65_530));
      expect(opened.batches.send(1)).toBe(1);
      closeSocket(descriptors.pop() ?? -1);
      expect(opened.batches.receive(MSG_DONTWAIT, 1)).toBe(-constants.errno.EBADF);
    });

    it('are waited for as long as the socket allows', async () => {
      const opened = open();
      expect(limitReceiving(opened.fd, 20)).toBe(true);
      for (const most of [1, BATCH]) expect(opened.batches.receive(MSG_WAITFORONE, most)).toBe(0);
      await send(await client(), Buffer.of(1), opened.port);
      await wait(10);
      expect(opened.batches.receive(MSG_WAITFORONE, 1)).toBe(1);
    });
  });

  describe('when the system does not take all at once', () => {
    /** Sends eight responses through `calls`; returns how many were lost and which arrived. */
    async function exchange(calls: Libc): Promise<{ lost: number; got: number[] }> {
      const opened = open('127.0.0.1', { calls });
      const from = await client();
      const got: number[] = [];
      from.on('message', (octets) => got.push(octets[0] ?? -1));
      for (let i = 0; i < 8; i++) await send(from, Buffer.of(i), opened.port);
      expect(await receive(opened)).toBe(8);
      for (let i = 0; i < 8; i++) respond(opened, i, i, Buffer.alloc(12, i));
      const lost = opened.batches.send(8);
      while (got.length < 8 - lost) await once(from, 'message');
      return { lost, got };
    }
    const whole = { lost: 0, got: [0, 1, 2, 3, 4, 5, 6, 7] };

    it('sends the rest after a part', async () => {
      const calls = withSend((real, fd, headers, count, flags) => real(fd, headers, Math.min(count, 3), flags));
      expect(await exchange(calls)).toEqual(whole);
    });

    it('tries again after an interruption', async () => {
      let interrupted = 0;
      const calls: Libc = {
        ...withSend((real, ...args) => (interrupted++ < 3 ? -1 : real(...args))),
        errorNumber: () => constants.errno.EINTR,
      };
      expect(await exchange(calls)).toEqual(whole);
    });

    it('waits while there is no room, and loses nothing when there is again', async () => {
      let full = 0;
      let polls = 0;
      const calls: Libc = {
        ...withSend((real, fd, headers, _count, flags) => (full++ % 2 === 0 ? -1 : real(fd, headers, 2, flags))),
        errorNumber: () => constants.errno.EAGAIN,
        poll(...args) {
          polls++;
          return system.poll(...args);
        },
      };
      expect(await exchange(calls)).toEqual(whole);
      expect(polls).toBe(4);
    });

    it('gives the rest up when there is no room for long, and says how many that are', async () => {
      let sent = false;
      const calls: Libc = {
        ...withSend((real, fd, headers, _count, flags) => {
          if (sent) return -1;
          sent = true;
          return real(fd, headers, 2, flags);
        }),
        errorNumber: () => constants.errno.EAGAIN,
        poll: () => 0,
      };
      expect(await exchange(calls)).toEqual({ lost: 6, got: [0, 1] });
    });
  });
});
