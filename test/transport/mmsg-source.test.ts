import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { type Libc, libc } from '../../src/transport/libc.js';
import { BATCH, createBatches, createSlots, MSG_DONTWAIT } from '../../src/transport/mmsg.js';
import { closeSocket, openUdpSocket } from '../../src/transport/sockets.js';
import { createWait } from '../../src/transport/wait.js';

const loaded = libc();
const system = loaded as Libc;
const descriptors: number[] = [];
afterEach(() => {
  for (const fd of descriptors.splice(0)) closeSocket(fd);
});

const SOL_SOCKET = 1;
const SO_TIMESTAMP = 29;
const IPPROTO_IP = 0;
const IP_PKTINFO = 8;
const IPPROTO_IPV6 = 41;
const IPV6_RECVPKTINFO = 49;

interface Exchange {
  /** What the socket is bound to. */
  readonly bound: '0.0.0.0' | '::';
  /** Addresses that are asked in turn, all in one batch. */
  readonly asked: readonly string[];
  /** Options set before: level, option, value. */
  readonly options?: readonly (readonly [number, number, number])[];
  /** Address that the client sends from. */
  readonly from?: string;
}

/** Asks, answers, and returns where the answers came from. */
async function sources({ bound, asked, options = [], from }: Exchange): Promise<string[]> {
  const buffers = { reusePort: false, receiveBuffer: 65_536, sendBuffer: 65_536 };
  const { fd, endpoint } = openUdpSocket({ address: bound, port: 0 }, buffers);
  descriptors.push(fd);
  for (const [level, option, value] of options) {
    expect(system.setsockopt(fd, level, option, Buffer.of(value, 0, 0, 0), 4)).toBe(0);
  }
  const slots = createSlots(512);
  const batches = createBatches(system, fd, bound === '::' ? 6 : 4, true, slots);
  const client = createSocket(bound === '::' ? 'udp6' : 'udp4');
  client.bind(0, from);
  await once(client, 'listening');
  try {
    const found: string[] = [];
    for (const address of asked) {
      await new Promise<void>((resolve) => client.send(Buffer.of(1), endpoint.port, address, () => resolve()));
    }
    const all = new Promise<void>((resolve) => {
      client.on('message', (_octets: Buffer, source: RemoteInfo) => {
        found.push(source.address);
        if (found.length === asked.length) resolve();
      });
    });
    for (let done = 0; done < asked.length; ) {
      expect(createWait(system, [fd]).poll(2000)).toBe(1);
      const count = batches.receive(MSG_DONTWAIT, BATCH);
      for (let i = 0; i < count; i++) batches.put(i, i, 12);
      expect(batches.send(count)).toBe(0);
      done += count;
    }
    await all;
    return found;
  } finally {
    client.close();
  }
}

/** IPv6 addresses of this machine's network, with or without (0) the number of an interface. */
function ownAddresses(scope: 0 | 1): string[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses
      .filter(({ family, internal, scopeid = 0 }) => family === 'IPv6' && !internal && Math.sign(scopeid) === scope)
      .map(({ address }) => (scope === 0 ? address : `${address}%${name}`)),
  );
}

describe('the source address of responses', () => {
  const asked = ['127.0.0.2', '127.0.0.3', '127.0.0.2', '127.1.2.3', '127.0.0.1'];

  it('is the address that was asked, on 0.0.0.0', async () => {
    expect(await sources({ bound: '0.0.0.0', asked })).toEqual(asked);
  });

  it('is the address that was asked, on ::', async () => {
    const addresses = ['::1', ...ownAddresses(0)];
    const twice = [...addresses, ...addresses.reverse()];
    expect(await sources({ bound: '::', asked: twice })).toEqual(twice);
  });

  // Where there is none, the tests of wildcard addresses in network namespaces have one.
  it('is a link-local address with its interface where that was asked', async () => {
    for (const address of ownAddresses(1)) {
      expect(await sources({ bound: '::', asked: [address, address] })).toEqual([address, address]);
      // From a link-local address too: the scope of the client's address is kept.
      expect(await sources({ bound: '::', asked: [address], from: address })).toEqual([address]);
    }
  });

  it('is found among control messages that others have switched on', async () => {
    const options = [[SOL_SOCKET, SO_TIMESTAMP, 1]] as const;
    expect(await sources({ bound: '0.0.0.0', asked, options })).toEqual(asked);
    expect(await sources({ bound: '::', asked: ['::1', '::1'], options })).toEqual(['::1', '::1']);
  });

  it('is the system’s choice when it is not told which address was asked', async () => {
    const off = { options: [[IPPROTO_IP, IP_PKTINFO, 0]] } as const;
    expect(await sources({ bound: '0.0.0.0', asked: ['127.0.0.2', '127.0.0.3'], ...off })).toEqual([
      '127.0.0.1',
      '127.0.0.1',
    ]);
    const off6 = { options: [[IPPROTO_IPV6, IPV6_RECVPKTINFO, 0]] } as const;
    expect(await sources({ bound: '::', asked: ['::1'], ...off6 })).toEqual(['::1']);
  });
});
