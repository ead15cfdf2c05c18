/** What fails is remembered in both profiles: it costs its time once, not with every query. Time is moved by hand. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Client, type ClientOptions, createClient } from '../../src/client/index.js';
import { make } from '../tls/support.js';
import { pinOf } from './certificates.js';
import { FakeClock } from './fake-clock.js';
import { type FaultyServer, faulty, type Kinds } from './faulty.js';
import { answer, settled } from './support.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
let certificate: { cert: string; key: string };
beforeAll(async () => {
  certificate = await make({ names: ['ns.test'] });
});

type Changing = { -readonly [K in keyof Kinds]: Kinds[K] };

interface Scene {
  readonly client: Client;
  readonly clock: FakeClock;
  readonly faulty: FaultyServer;
  /** Kinds that count from the next connection or datagram on. */
  readonly kinds: Changing;
  /** One query: the milliseconds that it takes, and what comes of it. */
  ask(): Promise<{ took: number; transport?: string; downgraded?: boolean; code?: string; reason?: string }>;
}

async function scene(given: Partial<Kinds>, options: ClientOptions, act: (scene: Scene) => Promise<void>) {
  const clock = new FakeClock();
  const kinds: Changing = { tls: 'good', starttls: 'good', udp: 'good', tcp: 'good', ...given };
  await using one = await faulty(kinds, { certificate });
  await using client = createClient({ clock, ...options });
  const ask = async () => {
    const began = clock.now();
    let done: Awaited<ReturnType<Scene['ask']>> | undefined;
    void client.resolve({ server: one.server, name: 'www.test', type: 'TXT' }).then(
      ({ transport, downgraded }) => {
        done = { took: clock.now() - began, transport, downgraded };
      },
      ({ code, reason }: { code: string; reason?: string }) => {
        done = { took: clock.now() - began, code, ...(reason !== undefined && { reason }) };
      },
    );
    for (;;) {
      // What needs no time comes first.
      await settled();
      if (done !== undefined) return done;
      clock.advance(clock.timers[0] ?? 0);
    }
  };
  await act({ client, clock, faulty: one, kinds, ask });
}

const preDeployed = (): ClientOptions => ({
  profile: 'pre-deployed',
  verification: { kind: 'pin', pins: [pinOf(certificate.cert)] },
});

describe('UDP that is dead, beside TCP that is alive', () => {
  it('costs its tries once in an hour, then once in a day; TCP is asked first meanwhile', async () => {
    await scene({ udp: 'silent' }, { order: ['cleartext'] }, async ({ clock, faulty: { counts }, ask }) => {
      expect(await ask()).toMatchObject({ took: 4500, transport: 'tcp' });
      for (let i = 0; i < 5; i++) expect(await ask()).toMatchObject({ took: 0, transport: 'tcp' });
      clock.advance(HOUR);
      expect(await ask()).toMatchObject({ took: 4500, transport: 'tcp' });
      clock.advance(DAY - 1);
      expect(await ask()).toMatchObject({ took: 0, transport: 'tcp' });
      expect(counts.udpQueries).toBe(6);
    });
  });

  it('is asked again when its time is over, and then stays the first', async () => {
    await scene({ udp: 'silent' }, { order: ['cleartext'] }, async ({ client, clock, kinds, ask }) => {
      await ask();
      kinds.udp = 'good';
      expect(await ask()).toMatchObject({ transport: 'tcp' });
      clock.advance(HOUR);
      expect(await ask()).toMatchObject({ took: 0, transport: 'udp' });
      expect(client.capabilities.entries()).toEqual([]);
    });
  });

  it('is the last resort when TCP is gone, too; it is not for an error that came over TCP', async () => {
    await scene({ udp: 'silent' }, { order: ['cleartext'] }, async ({ clock, faulty: { counts }, kinds, ask }) => {
      await ask();
      clock.advance(20_000);
      await settled();
      const before = counts.udpQueries;
      kinds.tcp = 'servfail';
      expect(await ask()).toMatchObject({ took: 0, transport: 'tcp' });
      expect(counts.udpQueries).toBe(before);
      kinds.tcp = 'reset on the query';
      kinds.udp = 'good';
      clock.advance(20_000);
      expect(await ask()).toMatchObject({ took: 0, transport: 'udp' });
    });
  });

  it('is not found dead by one query that is lost while others are answered', async () => {
    await scene(
      { udp: 'refused port' },
      { order: ['cleartext'] },
      async ({ client, clock, faulty: { server }, ask }) => {
        const udp = createSocket('udp4');
        udp.on('message', (query, from) => {
          if (!query.includes('lost')) udp.send(answer(query, { text: 'udp' }), from.port, from.address);
        });
        udp.bind(server.port, server.address);
        await once(udp, 'listening');
        const lost = client.resolve({ server, name: 'lost.test', type: 'TXT' });
        await settled();
        clock.advance(1500);
        expect(await ask()).toMatchObject({ took: 0, transport: 'udp' });
        clock.advance(3000);
        expect(await lost).toMatchObject({ transport: 'tcp', attempts: [{ transport: 'udp' }] });
        expect(client.capabilities.entries()).toEqual([]);
        expect(await ask()).toMatchObject({ took: 0, transport: 'udp' });
        udp.close();
      },
    );
  });
});

describe('a handshake that is swallowed', () => {
  const SWALLOWED = ['stalled handshake', 'dropped dummy'] as const;

  it.each(SWALLOWED)(
    'costs the opportunistic profile its time once an hour, then once a day (STARTTLS: %s)',
    async (starttls) => {
      await scene({ tls: 'stalled handshake', starttls }, {}, async ({ clock, ask }) => {
        expect(await ask()).toMatchObject({ took: 4000, transport: 'udp', downgraded: false });
        clock.advance(250);
        for (let i = 0; i < 5; i++) expect(await ask()).toMatchObject({ took: 0, transport: 'udp' });
        clock.advance(HOUR);
        expect(await ask()).toMatchObject({ took: 4000, transport: 'udp' });
        clock.advance(DAY - 1);
        expect(await ask()).toMatchObject({ took: 0, transport: 'udp' });
      });
    },
  );

  it.each([
    ['stalled handshake', 'stalled handshake', 4250, 'CLIENT_TIMED_OUT'],
    ['stalled handshake', 'dropped dummy', 4250, 'CLIENT_TIMED_OUT'],
    ['stalled handshake', 'no TO', 4000, 'CLIENT_TIMED_OUT'],
    ['refused port', 'stalled handshake', 4000, 'CLIENT_TIMED_OUT'],
    ['refused port', 'dropped dummy', 4000, 'CLIENT_TIMED_OUT'],
  ] as const)(
    'costs the pre-deployed profile its time once (TLS: %s, STARTTLS: %s)',
    async (tls, starttls, first, reason) => {
      await scene({ tls, starttls }, preDeployed(), async ({ ask, clock, kinds }) => {
        const failed = { code: 'CLIENT_NOT_PRIVATE', reason };
        expect(await ask()).toEqual({ took: first, ...failed });
        for (let i = 0; i < 10; i++) expect(await ask()).toEqual({ took: 0, ...failed });
        // Later ones wait for a second now and then.
        clock.advance(60_000);
        const { took, ...again } = await ask();
        expect([again, took <= 1250]).toEqual([failed, true]);
        kinds.tls = 'good';
        kinds.starttls = 'good';
        // What was opened is given up, and its time passes.
        for (const milliseconds of [4000, 300_000]) {
          clock.advance(milliseconds);
          await settled();
        }
        expect(await ask()).toMatchObject({ took: 0, transport: tls === 'refused port' ? 'starttls' : 'tls' });
      });
    },
  );

  it.each([
    ['stalled handshake', 'good', 250],
    ['good', 'stalled handshake', 0],
  ] as const)(
    'is left alone for an hour where the other works (TLS: %s, STARTTLS: %s)',
    async (tls, starttls, first) => {
      await scene({ tls, starttls }, preDeployed(), async ({ clock, faulty: { counts }, ask }) => {
        expect(await ask()).toMatchObject({ took: first });
        clock.advance(4000);
        for (let i = 0; i < 5; i++) {
          clock.advance(20_000);
          await settled();
          expect(await ask()).toMatchObject({ took: 0 });
        }
        expect(Math.min(counts.tls, counts.tcp)).toBe(tls === 'good' ? 0 : 1);
      });
    },
  );

  it('after it had worked costs its time once, and cleartext is a downgrade from then on', async () => {
    await scene({ starttls: 'no TO' }, {}, async ({ clock, kinds, ask }) => {
      expect(await ask()).toMatchObject({ transport: 'tls', downgraded: false });
      kinds.tls = 'stalled handshake';
      clock.advance(10_000);
      await settled();
      expect(await ask()).toMatchObject({ took: 4000, transport: 'udp', downgraded: true });
      for (let i = 0; i < 5; i++) expect(await ask()).toEqual({ took: 0, transport: 'udp', downgraded: true });
    });
  });
});
