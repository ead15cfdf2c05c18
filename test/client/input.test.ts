/** A mistake of the caller is reported with its place before anything is sent. */
import { describe, expect, it } from 'vitest';
import {
  type CapabilityCache,
  type Client,
  type ClientOptions,
  createCapabilityCache,
  createClient,
  type ProbeOptions,
  probe,
  type ResolveOptions,
} from '../../src/client/index.js';
import { FakeClock } from './fake-clock.js';
import { udpServer } from './support.js';

const DAY = 86_400_000;
/** Nothing listens on this port, and nothing is sent to it. */
const AT = { address: '127.0.0.1', port: 9, tlsPort: 9 };
const BASE = { server: AT, name: 'a.test', type: 'A' };

/** Options as a JavaScript program may give them, which TypeScript would refuse. */
const untyped = <T>(value: unknown): T => value as T;

describe('options of a client', () => {
  const pre = (verification: unknown) => ({ profile: 'pre-deployed', verification });
  it.each([
    [null, /^options: found null, expected an object/],
    [{ timeout: 5 }, /^timeout: unknown; did you mean timeouts\?/],
    [{ tiemouts: {} }, /^tiemouts: unknown; did you mean timeouts\?/],
    [{ timeouts: { handshake: 5 } }, /^timeouts\.handshake: unknown; known are total, establish/],
    [
      { timeouts: { total: Number.POSITIVE_INFINITY } },
      /^timeouts\.total: found Infinity, expected a whole number from 1/,
    ],
    [{ timeouts: { answer: 0 } }, /^timeouts\.answer: found 0/],
    [{ timeouts: { udp: '500' } }, /^timeouts\.udp: found "500"/],
    [{ timeouts: { total: DAY + 1 } }, /to 86400000$/],
    [{ timeouts: null }, /^timeouts: found null/],
    [{ sessions: { idle: 5 } }, /^sessions\.idle: unknown; did you mean idleMs\?/],
    [{ sessions: { maxInFlight: 1.5 } }, /^sessions\.maxInFlight: found 1\.5/],
    [{ order: 'tls' }, /^order: found "tls", expected a list/],
    [{ order: ['tls', 'dot'] }, /^order\[1\]: found "dot", expected one of tls, starttls, cleartext/],
    [{ order: ['tls', 'tls'] }, /^order: found \[tls, tls\]/],
    [{ profile: 'private' }, /^profile: found "private"/],
    [{ verification: null }, /^verification: found null/],
    [{ verification: {} }, /^verification\.kind: found undefined, expected one of none, ca, pin, tlsa/],
    [pre({ kind: 'foo' }), /^verification\.kind: found "foo"/],
    [pre({ kind: 'pin' }), /^verification\.pins: found undefined, expected a list/],
    [pre({ kind: 'pin', pins: [5] }), /^verification\.pins\[0\]: found 5, expected text/],
    [pre({ kind: 'pin', pin: [] }), /^verification\.pin: unknown; did you mean pins\?/],
    [pre({ kind: 'tlsa', records: '3 1 1 ab' }), /^verification\.records: found "3 1 1 ab", expected a list/],
    [pre({ kind: 'ca', ca: ['x'] }), /^verification\.ca: found a list of 1/],
    [{ capabilities: { max: -1 } }, /^capabilities\.max: found -1/],
    [{ capabilities: { persistence: -1 } }, /^capabilities\.persistence: found -1/],
    [{ capabilities: { failure: Number.NaN } }, /^capabilities\.failure: found NaN/],
    [{ capabilities: { file: '' } }, /^capabilities\.file: found ""/],
    [{ capabilities: { cache: {} } }, /^capabilities\.cache: found an object, expected an object with the methods get/],
    [{ onWarning: 'log' }, /^onWarning: found "log", expected a function/],
    [{ clock: Date }, /^clock: found a function/],
    [{ ['x'.repeat(5000)]: 1 }, /^x{60}: unknown; known are/],
  ])('%j are refused', (options, message) => {
    expect(() => createClient(untyped<ClientOptions>(options))).toThrow(
      expect.objectContaining({ code: 'CLIENT_INPUT', message: expect.stringMatching(message) }),
    );
  });

  it('that are undefined count as absent', async () => {
    const clock = new FakeClock();
    const sessions = { maxInFlight: undefined, maxServers: undefined };
    const timeouts = { total: undefined, udp: 50, cleartextAfter: undefined };
    const options = { order: ['cleartext'], udpTries: undefined, timeouts, sessions, clock, onWarning: undefined };
    await using client = createClient(untyped<ClientOptions>(options));
    await using server = await udpServer(() => []);
    const asked = client.resolve(
      untyped({ ...BASE, server: { ...server, tlsPort: undefined }, edns: { padding: undefined } }),
    );
    await expect.poll(() => clock.timers.length).toBeGreaterThan(0);
    expect(clock.timers).toEqual([50]);
    await client.close();
    await expect(asked).rejects.toMatchObject({ code: 'CLIENT_ENDED' });
  });
});

describe('a question', () => {
  const wrongs: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [
      { timeoutMs: Number.POSITIVE_INFINITY },
      /^timeoutMs: found Infinity, expected a whole number from 1 to 86400000$/,
    ],
    [{ timeoutMs: 2 ** 31 }, /^timeoutMs: found 2147483648/],
    [{ timeoutMs: DAY + 1 }, /^timeoutMs/],
    [{ timeoutMs: 0 }, /^timeoutMs/],
    [{ timeoutMs: -1 }, /^timeoutMs/],
    [{ timeoutMs: 0.4 }, /^timeoutMs/],
    [{ timeoutMs: Number.NaN }, /^timeoutMs/],
    [{ timeoutMs: '500' }, /^timeoutMs: found "500"/],
    [{ timeout: 500 }, /^timeout: unknown; did you mean timeoutMs\?/],
    [{ server: undefined }, /^server: found undefined/],
    [{ server: {} }, /^server\.address: found undefined/],
    [{ server: '' }, /^server: found "", expected text that is not empty/],
    [{ server: 'a b' }, /^server\.address: found "a b", expected the host name/],
    [{ server: { ...AT, port: '53' } }, /^server\.port: found "53"/],
    [{ server: { ...AT, tlsPort: 65_536 } }, /^server\.tlsPort: found 65536/],
    [{ server: { ...AT, name: 'a\0b' } }, /^server\.name: found "a\\u0000b", expected the host name/],
    [{ server: { ...AT, name: '192.0.2.1' } }, /^server\.name: found "192\.0\.2\.1"/],
    [{ server: { ...AT, name: 'x'.repeat(64) } }, /^server\.name/],
    [{ server: { ...AT, name: '' } }, /^server\.name/],
    [{ name: undefined }, /^name: found undefined, expected text/],
    [{ name: 5 }, /^name: found 5/],
    [{ name: '' }, /it is empty/],
    [{ type: undefined }, /^type: found undefined/],
    [{ type: 65_536 }, /^type: found 65536/],
    [{ type: 'FOO' }, /unknown type FOO/],
    [{ class: 'IN' }, /^class: found "IN"/],
    [{ recursion: 1 }, /^recursion: found 1, expected true or false/],
    [{ signal: {} }, /^signal: found an object, expected an AbortSignal/],
    [{ edns: null }, /^edns: found null/],
    [{ edns: { padding: Number.POSITIVE_INFINITY } }, /^edns\.padding: found Infinity/],
    [{ edns: { padding: -1 } }, /^edns\.padding: found -1/],
    [{ edns: { options: [{ code: 1 }] } }, /^edns\.options\[0\]\.data: found undefined, expected octets/],
    [{ edns: { options: {} } }, /^edns\.options: found an object, expected a list/],
    [{ edns: { cookie: 'x' } }, /^edns\.cookie: found "x", expected true, false or octets/],
  ];

  it.each(wrongs)('with %j is refused, and nothing is sent', async (change, message) => {
    const seen: Buffer[] = [];
    await using server = await udpServer((query) => {
      seen.push(query);
      return [];
    });
    await using client = createClient({ order: ['cleartext'], timeouts: { udp: 50, total: 200 } });
    const asked = client.resolve(untyped<ResolveOptions>({ ...BASE, server, ...change }));
    await expect(asked).rejects.toMatchObject({
      name: 'ClientError',
      code: 'CLIENT_INPUT',
      message: expect.stringMatching(message),
    });
    expect(seen).toEqual([]);
  });

  it('that is none is refused', async () => {
    await using client: Client = createClient();
    await expect(client.resolve(untyped(undefined))).rejects.toMatchObject({ code: 'CLIENT_INPUT' });
  });
});

describe('options of a probe', () => {
  it.each([
    [{ server: '' }, /^server: found ""/],
    [{ server: undefined }, /^server: found undefined/],
    [{ stepMs: Number.POSITIVE_INFINITY }, /^stepMs: found Infinity/],
    [{ stepMs: 0 }, /^stepMs: found 0/],
    [{ totalMs: 2 ** 31 }, /^totalMs: found 2147483648/],
    [{ totalMs: -5 }, /^totalMs: found -5/],
    [{ idleMs: Number.NaN }, /^idleMs: found NaN/],
    [{ idleMs: -1 }, /^idleMs: found -1/],
    [{ port: '53' }, /^port: found "53"/],
    [{ zone: '' }, /^zone: found ""/],
    [{ zone: 'a..b' }, /empty label/],
    [{ name: 'a\0b' }, /^name: found/],
    [{ verification: { kind: 'foo' } }, /^verification\.kind: found "foo"/],
    [{ zones: ['a.test'] }, /^zones: unknown; did you mean zone\?/],
  ])('%j are refused', async (change, message) => {
    const options = untyped<ProbeOptions>({ server: '127.0.0.1', port: 9, tlsPort: 9, stepMs: 50, ...change });
    await expect(probe(options)).rejects.toMatchObject({
      code: 'CLIENT_INPUT',
      message: expect.stringMatching(message),
    });
  });
});

describe('a cache of capabilities', () => {
  const cacheOf = (): CapabilityCache => createCapabilityCache({ now: () => 0 });
  const KEY = { transport: 'tls', address: '192.0.2.1', port: 853 } as const;

  it.each([
    [{ ...KEY, transport: 'tcp' }, /^key\.transport: found "tcp", expected one of tls, starttls, udp/],
    [{ ...KEY, port: -1 }, /^key\.port: found -1/],
    [{ ...KEY, address: 'ns.test' }, /^key\.address: found "ns\.test", expected an IP address/],
    [{}, /^key\.transport: found undefined/],
  ])('is told of no such thing as %j', (key, message) => {
    const cache = cacheOf();
    const refused = expect.objectContaining({ code: 'CLIENT_INPUT', message: expect.stringMatching(message) });
    expect(() => cache.worked(untyped(key))).toThrow(refused);
    expect(() => cache.failed(untyped(key), 'CLIENT_REFUSED')).toThrow(refused);
    expect(cache.entries()).toEqual([]);
  });

  it('is told of no unknown reason, and has no times below 0', () => {
    expect(() => cacheOf().failed(KEY, untyped('NOPE'))).toThrow(/^reason: found "NOPE"/);
    expect(() => createCapabilityCache({ now: () => 0, times: { damping: -1 } })).toThrow(/^times\.damping: found -1/);
    expect(() => createCapabilityCache(untyped({}))).toThrow(/^now: found undefined, expected a function/);
  });

  it('keeps the same address in two networks apart', () => {
    const cache = cacheOf();
    cache.worked({ ...KEY, address: 'fe80::1%eth0' });
    expect(cache.get({ ...KEY, address: 'fe80::1%eth1' })).toBeUndefined();
    expect(cache.get({ ...KEY, address: 'fe80:0::1%eth0' })).toMatchObject({ status: 'works' });
  });
});
