import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Client, ClientErrorCode, type ClientOptions, createClient } from '../../src/client/index.js';
import { SEED } from '../support/seed.js';
import { make } from '../tls/support.js';
import { pinOf } from './certificates.js';
import { FakeClock } from './fake-clock.js';
import {
  type FaultyServer,
  faulty,
  type Kinds,
  STARTTLS_FAULTS,
  STREAM_FAULTS,
  STREAM_GOOD,
  type StarttlsKind,
  type TcpKind,
  TLS_FAULTS,
  type TlsKind,
  UDP_FAULTS,
  UDP_GOOD,
  type UdpKind,
} from './faulty.js';
import { ONE_BY_ONE } from './support.js';

const NAME = 'private.secret.test';
let certificate: { cert: string; key: string };
let pin: string;
beforeAll(async () => {
  certificate = await make({ names: ['ns.test'] });
  pin = pinOf(certificate.cert);
});

interface Scene {
  readonly client: Client;
  readonly faulty: FaultyServer;
  readonly clock: FakeClock;
}

/** A client and a server. When the client would wait in vain, the clock moves on at once. */
async function scene(kinds: Kinds, options: ClientOptions, act: (scene: Scene) => Promise<void>): Promise<void> {
  const clock = new FakeClock();
  const stalled = (step: 'udp' | 'stream'): void => clock.advance(step === 'udp' ? 1500 : 4000);
  await using server = await faulty(kinds, { certificate, stalled });
  await using client = createClient({ clock, onWarning: (message) => expect.unreachable(message), ...options });
  await act({ client, faulty: server, clock });
}

const TLS_KINDS: readonly TlsKind[] = [...TLS_FAULTS, ...STREAM_FAULTS, ...STREAM_GOOD];
const STARTTLS_KINDS: readonly StarttlsKind[] = [...STARTTLS_FAULTS, ...STREAM_FAULTS, ...STREAM_GOOD];
const UDP_KINDS: readonly UdpKind[] = [...UDP_FAULTS, ...UDP_GOOD];
const TCP_KINDS: readonly TcpKind[] = ['refused port', ...STREAM_FAULTS, ...STREAM_GOOD];
const isGood = (kind: string): boolean => ['good', 'close after each', 'without EDNS', 'wrong first'].includes(kind);

/**
 * Every way to break TLS with some ways to break STARTTLS, and the other way round. Other pairs would show little more, because
 * one transport is tried after the other.
 */
const PAIRS = [
  ...TLS_KINDS.flatMap((tls) =>
    (['good', 'no TO', 'stalled handshake', 'silent'] as const).map((starttls) => ({ tls, starttls })),
  ),
  ...STARTTLS_KINDS.flatMap((starttls) =>
    (['refused port', 'stalled handshake', 'wrong question'] as const).map((tls) => ({ tls, starttls })),
  ),
];

/** Runs all, some at a time. */
async function each<T>(all: readonly T[], act: (one: T) => Promise<void>): Promise<void> {
  const queue = [...all];
  const worker = async (): Promise<void> => {
    for (let one: T | undefined; (one = queue.shift()) !== undefined; ) await act(one);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

/** The transports that can answer. On a closed port there is no STARTTLS either. */
function working(kinds: Kinds): string[] {
  return [
    ...(isGood(kinds.tls) ? ['tls'] : []),
    ...(isGood(kinds.starttls) && kinds.tcp !== 'refused port' ? ['starttls'] : []),
    ...(isGood(kinds.udp) ? ['udp'] : []),
    ...(isGood(kinds.tcp) ? ['tcp'] : []),
  ];
}

/** Three questions in turn: capabilities learnt from the first must not harm the next ones. */
async function opportunistic(kinds: Kinds): Promise<void> {
  const expected = working(kinds);
  await scene(kinds, { timeouts: ONE_BY_ONE }, async ({ client, faulty: { server } }) => {
    for (let i = 0; i < 3; i++) {
      const asked = client.resolve({ server, name: NAME, type: 'TXT' });
      if (expected.length > 0) {
        const { message, transport } = await asked;
        expect(message.answers.map(({ data }) => data)).toEqual([`"${expected[0]}"`]);
        expect(transport).toBe(expected[0]);
      } else {
        const done = await asked.catch((error: { code: string }) => error);
        if ('code' in done) expect(done.code).toBe(ClientErrorCode.NO_ANSWER);
        else expect(done.message.rcode !== 0 || done.truncated).toBe(true);
      }
    }
  });
}

describe('the opportunistic profile', () => {
  it('is answered over the first transport that can, however TLS and STARTTLS are broken', async () => {
    await each(PAIRS, (pair) => opportunistic({ ...pair, udp: 'good', tcp: 'good' }));
  });

  it('is answered by port 53, however UDP and TCP are broken, as long as one of them is not', async () => {
    const all = UDP_KINDS.flatMap((udp) => TCP_KINDS.map((tcp) => ({ udp, tcp })));
    await each(all, (both) => opportunistic({ ...both, tls: 'refused port', starttls: 'no TO' }));
  });

  it('never fails what port 53 could answer, whatever is broken together', async () => {
    const kinds = fc.record({
      tls: fc.constantFrom(...TLS_KINDS),
      starttls: fc.constantFrom(...STARTTLS_KINDS),
      udp: fc.constantFrom(...UDP_KINDS),
      tcp: fc.constantFrom(...TCP_KINDS),
    });
    await fc.assert(fc.asyncProperty(kinds, opportunistic), { seed: SEED, numRuns: 200 });
  }, 240_000);
});

describe('the pre-deployed profile', () => {
  /** Answered inside TLS by the owner of the key, or not at all. The name is never in plaintext. */
  async function preDeployed(kinds: Kinds, trusted: boolean): Promise<void> {
    const pins = [trusted ? pin : Buffer.alloc(32, 7).toString('base64')];
    const options: ClientOptions = { profile: 'pre-deployed', verification: { kind: 'pin', pins } };
    const [expected] = trusted ? working(kinds).filter((one) => one === 'tls' || one === 'starttls') : [];
    await scene(kinds, options, async ({ client, faulty: { server, plain, counts } }) => {
      for (let i = 0; i < 2; i++) {
        const asked = client.resolve({ server, name: NAME, type: 'TXT' });
        if (expected !== undefined) {
          const { message, transport, encrypted, tls } = await asked;
          expect(message.answers.map(({ data }) => data)).toEqual([`"${expected}"`]);
          expect({ transport, encrypted, verified: tls?.verified }).toEqual({
            transport: expected,
            encrypted: true,
            verified: 'pin',
          });
        } else {
          const done = await asked.catch((error: { code: string; reason: string }) => error);
          if ('code' in done) {
            expect(done.code).toBe(ClientErrorCode.NOT_PRIVATE);
            expect(Object.values(ClientErrorCode)).toContain(done.reason);
          } else expect(done).toMatchObject({ encrypted: true });
        }
      }
      const sent = Buffer.concat(plain).toString('latin1').toLowerCase();
      for (const label of ['private', 'secret']) expect(sent).not.toContain(label);
      expect(counts).toMatchObject({ udpQueries: 0, tcpQueries: 0 });
      if (!trusted) expect(counts).toMatchObject({ tlsQueries: 0, starttlsQueries: 0 });
    });
  }

  it('is answered inside TLS or not at all, and never shows the name, whatever is broken together', async () => {
    await each(PAIRS, (pair) => preDeployed({ ...pair, udp: 'good', tcp: 'good' }, true));
  });

  it('asks nothing of a server with another key, whatever else is broken', async () => {
    await each(PAIRS, (pair) => preDeployed({ ...pair, udp: 'good', tcp: 'good' }, false));
  });
});
