import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { summaryOf } from '../../src/observe/counters/summary.js';
import { metricsText } from '../../src/observe/metrics/prometheus.js';
import { HandshakeEnd, SessionEnd, SessionPath } from '../../src/session/session-end.js';
import { handshakeFailure } from '../../src/transport/handshake-failure.js';
import { metricsInput } from '../observe/input.js';
import { framed, message } from '../support/responder.js';
import { all, ask, clientHello, tlsWorld } from './tls.js';

const world = tlsWorld();
const { listen, listenUpgrading, dial, dialTcp } = world;
const worldByName = tlsWorld(true);
afterEach(async () => {
  await world.close();
  await worldByName.close();
});

type Listening = Awaited<ReturnType<typeof listen>>;

/** What a client does with a connection on which the server waits for a ClientHello. */
interface Case {
  readonly end: keyof typeof HandshakeEnd;
  readonly client: string;
  act(socket: Socket, listening: Listening): Promise<unknown>;
  /** On the port for TLS only: after STARTTLS it is no handshake, or plaintext goes on. */
  readonly tlsOnly?: boolean;
  readonly handshakeTime?: number;
}

/** Begins TLS over the socket, and waits for how it goes on. */
async function handshake(socket: Socket, options: object): Promise<void> {
  const secure = tlsConnect({ socket, rejectUnauthorized: false, ...options });
  await new Promise<void>((resolve) => secure.once('secureConnect', resolve).once('error', () => resolve()));
}

const CASES: readonly Case[] = [
  { end: 'FULL', client: 'completes it', act: (socket) => handshake(socket, {}) },
  { end: 'NOT_TLS', client: 'sends DNS', act: async (socket) => socket.write(framed(message(1))), tlsOnly: true },
  {
    end: 'NOT_TLS',
    client: 'sends HTTP',
    act: async (socket) => socket.write('GET / HTTP/1.0\r\n\r\n'),
    tlsOnly: true,
  },
  {
    end: 'VERSION',
    client: 'has old versions only',
    act: (socket) => handshake(socket, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
  },
  {
    end: 'NOTHING_SHARED',
    client: 'has no cipher of ours',
    act: (socket) => handshake(socket, { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA:@SECLEVEL=0' }),
  },
  { end: 'NOTHING_SHARED', client: 'wants h2', act: (socket) => handshake(socket, { ALPNProtocols: ['h2'] }) },
  ...(['TLSv1.2', 'TLSv1.3'] as const).flatMap((version): Case[] => [
    {
      end: 'ALERT',
      client: `does not trust the certificate and says so, ${version}`,
      // node's own client would complete the handshake and judge then; OpenSSL's verification ends it with an alert.
      async act(socket) {
        socket.write(await clientHello({ minVersion: version, maxVersion: version }));
        await once(socket, 'data');
        // Alert, fatal, unknown CA: in the clear, as a client sends it that has no keys yet.
        socket.write(Buffer.of(21, 3, 3, 0, 2, 2, 48));
      },
    },
    {
      end: 'CLOSED',
      client: `refuses the certificate without a word, ${version}`,
      async act(socket) {
        socket.write(await clientHello({ minVersion: version, maxVersion: version }));
        await once(socket, 'data');
        socket.end();
      },
    },
  ]),
  {
    end: 'CLOSED',
    client: 'closes within its ClientHello',
    act: async (socket) => socket.end((await clientHello()).subarray(0, 40)),
  },
  { end: 'NOTHING_SENT', client: 'closes at once', act: async (socket) => socket.end(), tlsOnly: true },
  {
    end: 'CONNECTION',
    client: 'resets it',
    async act(socket) {
      socket.write(await clientHello());
      await once(socket, 'data');
      socket.resetAndDestroy();
    },
  },
  {
    end: 'TIMEOUT',
    client: 'goes silent',
    act: async (socket) => socket.write((await clientHello()).subarray(0, 40)),
    handshakeTime: 100,
  },
  {
    end: 'STOPPED',
    client: 'goes silent, and the server stops',
    async act(socket, { listener, shared }) {
      socket.write((await clientHello()).subarray(0, 40));
      await expect.poll(() => shared.sessions.handshaking).toBe(1);
      void listener.close();
    },
  },
];

const PATHS = { tls: SessionPath.TLS, starttls: SessionPath.STARTTLS } as const;
const SUITE_CASES = CASES.flatMap((one) =>
  (one.tlsOnly ? (['tls'] as const) : (['tls', 'starttls'] as const)).flatMap((path) =>
    ([false, true] as const).map((byName) => ({ ...one, path, byName, how: byName ? ' (certificates by name)' : '' })),
  ),
);

/** What the metrics of a family say, by their labels: `{path="tls",reason="alert"}` → 1. Zeros are left out. */
function shown(text: string, name: string): Record<string, number> {
  const lines = text.matchAll(new RegExp(`^${name}\\{(.*)\\} (\\d+)$`, 'gm'));
  return Object.fromEntries(
    [...lines].flatMap(([, labels = '', value]) => (value === '0' ? [] : [[labels, Number(value)]])),
  );
}

describe('a handshake is counted where it begins, and once where it ends:', () => {
  it.each(SUITE_CASES)('$path: $end, when the client $client$how', async (one) => {
    const { path, end, act, byName, handshakeTime = 3_000 } = one;
    const settings = { handshakeTime };
    const there = byName ? worldByName : world;
    const listening = await (path === 'tls' ? there.listen({ settings }) : there.listenUpgrading({ settings }));
    const { counters } = listening.shared;
    const socket = await dialTcp(listening.port);
    if (path === 'starttls') await ask(socket);
    await act(socket, listening);
    await expect.poll(() => counters.handshakes(PATHS[path], HandshakeEnd[end])).toBe(1);

    const ended = Object.entries(HandshakeEnd).filter(([, one]) => counters.handshakes(PATHS[path], one) > 0);
    expect(ended.map(([name]) => name)).toEqual([end]);
    expect([counters.opened(PATHS[path]), counters.handshaking(PATHS[path])]).toEqual([1, 0]);

    const text = metricsText(metricsInput({ counters }));
    const label = end.toLowerCase();
    expect(shown(text, 'adotd_tls_handshakes_begun_total')).toEqual({ [`path="${path}"`]: 1 });
    expect(shown(text, 'adotd_tls_handshakes_under_way')).toEqual({});
    expect({
      ...shown(text, 'adotd_tls_handshakes_total'),
      ...shown(text, 'adotd_tls_handshake_failures_total'),
    }).toEqual({ [`path="${path}",${end === 'FULL' ? 'kind' : 'reason'}="${label}"`]: 1 });
    expect(summaryOf(counters)[`${path}_handshakes`]).toEqual({ begun: 1, [label]: 1 });

    socket.destroy();
    await expect.poll(() => listening.shared.sessions.size).toBe(0);
    for (const one of Object.values(SessionPath)) {
      const closed = Object.values(SessionEnd).reduce<number>((sum, why) => sum + counters.ends(one, why), 0);
      expect([one, counters.open(one), closed]).toEqual([one, 0, counters.opened(one)]);
    }
    expect(counters.ends(SessionPath.TCP, SessionEnd.UPGRADED)).toBe(path === 'starttls' ? 1 : 0);
  });

  it('tls and starttls: RESUMED, with the version and the cipher that were agreed on', async () => {
    const listening = await listen();
    const upgrading = await listenUpgrading();
    const first = await dial(listening.port);
    const [session] = (await once(first, 'session')) as [Buffer];
    await ask(await dial(listening.port, { session }));
    const raw = await dialTcp(upgrading.port);
    await ask(raw);
    await ask(await dial(upgrading.port, { session, socket: raw }));
    const { counters } = listening.shared;
    expect(summaryOf(counters).tls_handshakes).toEqual({ begun: 2, full: 1, resumed: 1 });
    expect(summaryOf(upgrading.shared.counters).starttls_handshakes).toEqual({ begun: 1, resumed: 1 });
    const suite = 'version="TLSv1.3",cipher="TLS_AES_128_GCM_SHA256"';
    expect(shown(metricsText(metricsInput({ counters })), 'adotd_tls_suites_total')).toEqual({
      [`path="tls",${suite}`]: 2,
    });
    expect(counters.handshakeTimes(SessionPath.TLS).counts.reduce((sum, one) => sum + one)).toBe(2);
  });

  it('starttls: not at all, while it is unclear whether a ClientHello comes', async () => {
    const { port, shared } = await listenUpgrading({ settings: { handshakeTime: 100 } });
    const socket = await dialTcp(port);
    await ask(socket);
    socket.write(Buffer.of(0x16, 3, 1));
    await all(socket);
    await expect.poll(() => shared.sessions.size).toBe(0);
    expect(summaryOf(shared.counters)).toMatchObject({ tcp_sessions: { opened: 1, handshake_timeout: 1 } });
    expect(shared.counters.opened(SessionPath.STARTTLS)).toBe(0);
  });
});

describe('the octets of a connection', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'are counted on the path that they came and went on, %s',
    async (version) => {
      const { port, shared } = await listenUpgrading();
      const raw = await dialTcp(port);
      await ask(raw);
      const { bytesRead, bytesWritten } = raw;
      const secure = await dial(port, { socket: raw, minVersion: version, maxVersion: version });
      await ask(secure);
      const closed = once(raw, 'close');
      secure.end();
      await closed;
      await expect.poll(() => shared.sessions.size).toBe(0);
      const { counters } = shared;
      expect([counters.received(SessionPath.TCP), counters.sent(SessionPath.TCP)]).toEqual([bytesWritten, bytesRead]);
      expect([counters.received(SessionPath.STARTTLS), counters.sent(SessionPath.STARTTLS)]).toEqual([
        raw.bytesWritten - bytesWritten,
        raw.bytesRead - bytesRead,
      ]);
      expect(counters.sessionQueries(SessionPath.STARTTLS)).toMatchObject({ sum: 2 });
    },
  );
});

describe('why a handshake failed', () => {
  it('is something else, where the error is new to us', () => {
    for (const code of ['', 'ERR_SSL_NEW']) expect(handshakeFailure(code)).toBe(HandshakeEnd.OTHER);
  });
});
