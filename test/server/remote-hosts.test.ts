import { describe, expect, it } from 'vitest';
import { configSchema } from '../../src/config/schema.js';
import { AdotdError, ErrorCode } from '../../src/errors.js';
import { matchingPlane } from '../../src/server/plane/matching-plane.js';
import { transferSettings } from '../../src/server/plane/transfer-settings.js';
import { RemoteHosts } from '../../src/server/remote-hosts.js';
import { isRemote } from '../../src/server/remotes.js';
import { NoAddress } from '../../src/server/secondaries/resolve-remote.js';
import type { Peer } from '../../src/transfer/peer.js';
import { FakeClock } from '../support/clock.js';

const peer = (last: number): Peer => ({
  address: Uint8Array.of(192, 0, 2, last),
  port: 53,
  transport: 1,
  key: undefined,
  certificate: undefined,
});
const CONFIG = {
  remotes: [
    { name: 'second', addresses: ['192.0.2.1', 'second.example'] },
    { name: 'told', addresses: ['told.example'] },
  ],
  zones: { policies: [{ zones: ['example'], transfer: { to: ['second'] }, notify: ['told'] }] },
};

function open(config: object = CONFIG) {
  const clock = new FakeClock();
  const log: string[] = [];
  const note = (_: object, text: string): void => void log.push(text);
  const dns = { asked: [] as string[], addresses: ['192.0.2.2'] as readonly string[] | Error, ttl: 60 };
  const parsed = configSchema.parse(config);
  const hosts = new RemoteHosts(parsed, {
    clock,
    log: { info: note, warn: note },
    lookUp: () => async (name) => {
      dns.asked.push(name);
      if (dns.addresses instanceof Error) throw dns.addresses;
      return { addresses: dns.addresses, ttl: dns.ttl };
    },
  });
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 10; i++) await Promise.resolve();
  };
  return {
    hosts,
    log,
    dns,
    config: parsed,
    clock,
    settle,
    async pass(seconds: number) {
      clock.advance(seconds * 1000);
      await settle();
    },
    /** The last octets of the addresses that are those of the remote. */
    matched: () => [1, 2, 3].filter((last) => isRemote(hosts.get('second')!, peer(last))),
  };
}

const NONE = new NoAddress(ErrorCode.TRANSFER, 'found no address of second.example: ENOTFOUND');
const SILENT = new AdotdError(ErrorCode.TRANSFER, 'found no address of second.example: ETIMEOUT');

describe('a remote that is configured by the name of a host', () => {
  it('is matched by its addresses, which are looked up again when their TTL ends', async () => {
    const s = open();
    expect(s.matched()).toEqual([1]);
    await s.settle();
    expect(s.matched()).toEqual([1, 2]);
    s.dns.addresses = ['192.0.2.3'];
    await s.pass(59);
    expect(s.matched()).toEqual([1, 2]);
    await s.pass(1);
    expect(s.matched()).toEqual([1, 3]);
    // A remote from which no request comes is looked up when it is told something.
    expect(s.dns.asked).toEqual(['second.example', 'second.example']);
  });

  it('is refused while its name has no address, and the log says so once', async () => {
    const s = open();
    await s.settle();
    s.dns.addresses = NONE;
    await s.pass(60);
    expect(s.matched()).toEqual([1]);
    for (let i = 0; i < 5; i++) await s.pass(30);
    expect(s.log).toEqual([
      'found no address of second.example: ENOTFOUND; requests of second from there are refused until it has one',
    ]);
    s.dns.addresses = ['192.0.2.2'];
    await s.pass(30);
    expect(s.matched()).toEqual([1, 2]);
    expect(s.log[1]).toBe('second.example has an address again: 192.0.2.2');
  });

  it('keeps its addresses for an hour when resolvers do not answer', async () => {
    const s = open();
    await s.settle();
    s.dns.addresses = SILENT;
    await s.pass(60);
    for (let i = 0; i < 119; i++) await s.pass(30);
    expect([s.matched(), s.log]).toEqual([[1, 2], []]);
    await s.pass(30);
    expect([s.matched(), s.log.length]).toEqual([[1], 1]);
  });

  it('is looked up at once at a reload, and no more when nobody is to match it', async () => {
    const s = open();
    s.dns.addresses = NONE;
    await s.settle();
    s.dns.addresses = ['192.0.2.2'];
    s.hosts.configure(s.config);
    await s.settle();
    expect(s.matched()).toEqual([1, 2]);
    s.hosts.configure(configSchema.parse({ ...CONFIG, zones: {} }));
    expect(s.clock.timers).toBe(0);
    s.hosts.configure(s.config);
    await s.settle();
    await s.hosts.close();
    expect(s.clock.timers).toBe(0);
  });

  it('is known to the threads, of which the last configuration stays', async () => {
    const s = open();
    const seen: string[] = [];
    let slow: Promise<void> = Promise.resolve();
    const configure = matchingPlane(s.config, {
      remotes: s.hosts,
      log: { error: (_: object, text: string) => void s.log.push(text) },
      async configure(config) {
        await slow;
        const [rule] = transferSettings(config)!.rules;
        seen.push([...rule!.to[0]!.addresses!].map((address) => Number.parseInt(address.slice(-2), 16)).join());
        return true;
      },
    });
    await s.settle();
    await s.settle();
    expect(seen.at(-1)).toBe('1,2');
    let goOn = (): void => {};
    slow = new Promise((resolve) => (goOn = resolve));
    const second = { name: 'second', addresses: ['192.0.2.9', 'second.example'] };
    const done = configure(configSchema.parse({ ...CONFIG, remotes: [second, CONFIG.remotes[1]] }));
    s.dns.addresses = ['192.0.2.3'];
    await s.pass(60);
    goOn();
    expect(await done).toBe(true);
    await s.settle();
    await s.settle();
    expect(seen.at(-1)).toBe('9,3');
  });
});
