import { createHash, X509Certificate } from 'node:crypto';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Client,
  ClientError,
  type ClientOptions,
  type ClientServer,
  createClient,
  type ResolveOptions,
} from '../../src/client/index.js';
import { type RunningServer, startServer } from '../../src/index.js';
import { DAY, make, temporaryFolder } from '../tls/support.js';
import { pinOf } from './certificates.js';
import { FakeClock } from './fake-clock.js';
import { type FaultyServer, faulty, type Kinds } from './faulty.js';
import { answer, framed, ONE_BY_ONE, onMessages, pause, settled, tcpServer, udpServer } from './support.js';

const ZONE = `@ 60 SOA ns h 1 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\nlong 60 TXT ${'"0123456789abcdef0123456789abcdef" '.repeat(50)}`;
const folder = temporaryFolder();
let authority: { cert: string; key: string };
let certificate: { cert: string; key: string };
let running: RunningServer;
let server: ClientServer;
beforeAll(async () => {
  authority = await make({ names: ['Test CA'], isIssuer: true });
  certificate = await make({ names: ['ns.test'], issuer: authority });
  const certificates = [{ cert: folder.put('ns.pem', certificate.cert), key: folder.put('ns.key', certificate.key) }];
  running = await startServer({ zones: { 'example.test': ZONE }, config: { tls: { certificates } } });
  server = { address: running.address, port: running.udp, tlsPort: running.tls };
});
afterAll(async () => {
  await running.close();
  folder[Symbol.dispose]();
});

const WELL: Kinds = { tls: 'good', starttls: 'good', udp: 'good', tcp: 'good' };
const NS = { name: 'ns.example.test', type: 'A' } as const;

async function against(
  kinds: Partial<Kinds>,
  options: ClientOptions,
  act: (client: Client, clock: FakeClock, faulty: FaultyServer) => Promise<void>,
): Promise<void> {
  const clock = new FakeClock();
  const stalled = (step: 'udp' | 'stream'): void => clock.advance(step === 'udp' ? 1500 : 4000);
  await using one = await faulty({ ...WELL, ...kinds }, { certificate, stalled });
  await using client = createClient({ clock, ...options });
  await act(client, clock, one);
}

describe('a client of our server', () => {
  it.each([
    [['tls', 'starttls', 'cleartext'], 'tls', true],
    [['starttls', 'tls', 'cleartext'], 'starttls', true],
    [['cleartext', 'tls'], 'udp', false],
  ] as const)('in the order %j is answered over %s', async (order, transport, encrypted) => {
    await using client = createClient({ order });
    const done = await client.resolve({ server, ...NS });
    expect(done).toMatchObject({ transport, encrypted, attempts: [], truncated: false, downgraded: false });
    expect(done.message.answers).toMatchObject([{ name: 'ns.example.test.', data: '192.0.2.1' }]);
    expect(done.server.port).toBe(transport === 'tls' ? running.tls : running.udp);
  });

  it('is given the whole of a long answer over TCP', async () => {
    await using client = createClient({ order: ['cleartext'] });
    const done = await client.resolve({ server, name: 'long.example.test', type: 'TXT', edns: { size: 512 } });
    expect(done).toMatchObject({ transport: 'tcp', truncated: false });
    expect(done.octets.length).toBeGreaterThan(1600);
  });

  it('asks with the given type, class, DO and RD', async () => {
    await using client = createClient();
    const { message } = await client.resolve({ server, name: 'STARTTLS', type: 'TXT', class: 3, recursion: true });
    expect(message.answers).toMatchObject([{ data: '"NO_TLS"' }]);
    expect(message.flags & 0x0100).toBe(0x0100);
    const signed = await client.resolve({ server, ...NS, type: 1, edns: { dnssec: true } });
    expect((signed.message.edns?.flags ?? 0) & 0x8000).toBe(0x8000);
    const generic = await client.resolve({ server, ...NS, type: 'TYPE65280' });
    expect(generic.message).toMatchObject({ rcode: 0, answers: [] });
  });

  it('with credentials is answered by pin, by authority and name, and by TLSA records', async () => {
    const whole = new X509Certificate(certificate.cert);
    const key = whole.publicKey.export({ type: 'spki', format: 'der' });
    const sha = (name: string, octets: Buffer): string => createHash(name).update(octets).digest('hex');
    const useless = ['3 1 1 00', '2 1 1 '.concat('ab'.repeat(32)), '3 1 9 0102'];
    for (const verification of [
      { kind: 'pin', pins: [Buffer.alloc(32).toString('base64'), pinOf(certificate.cert)] },
      { kind: 'ca', ca: authority.cert },
      { kind: 'tlsa', records: [...useless, `3 1 1 ${sha('sha256', key)}`] },
      {
        kind: 'tlsa',
        records: [
          `3 1 2 ${sha('sha512', key)
            .toUpperCase()
            .replace(/(.{56})/g, '$1 ')}`,
        ],
      },
      { kind: 'tlsa', records: [`3 1 0 ${key.toString('hex')}`] },
      { kind: 'tlsa', records: [`3 0 1 ${sha('sha256', whole.raw)}`] },
    ] as const) {
      for (const order of [['tls'], ['starttls']] as const) {
        await using client = createClient({ profile: 'pre-deployed', verification, order });
        const done = await client.resolve({ server: { ...server, name: 'ns.test' }, ...NS });
        expect(done).toMatchObject({ transport: order[0], encrypted: true, tls: { verified: verification.kind } });
      }
    }
  });

  it('with credentials that do not fit is told why, and asks nothing', async () => {
    const expired = await make({ names: ['ns.test'], issuer: authority, to: new Date(Date.now() - DAY / 2) });
    const other = await make({ names: ['ns.test'] });
    for (const [verification, name, shown, why] of [
      [
        { kind: 'pin', pins: [Buffer.alloc(32).toString('base64')] },
        'ns.test',
        certificate,
        /its pin is .{44}, expected A/,
      ],
      [{ kind: 'ca', ca: authority.cert }, 'ns2.test', certificate, /it is for DNS:ns\.test, not for ns2\.test/],
      [{ kind: 'ca', ca: authority.cert }, 'ns.test', other, /SELF_SIGNED|UNABLE/],
      [{ kind: 'ca', ca: authority.cert }, 'ns.test', expired, /EXPIRED/],
      [
        { kind: 'tlsa', records: [`3 1 1 ${'ab'.repeat(32)}`] },
        'ns.test',
        certificate,
        /matches none: found 1 TLSA record/,
      ],
    ] as const) {
      await using one = await faulty(WELL, { certificate: shown });
      await using client = createClient({ profile: 'pre-deployed', verification });
      const error = await client.resolve({ server: { ...one.server, name }, ...NS }).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ClientError);
      expect(error).toMatchObject({
        code: 'CLIENT_NOT_PRIVATE',
        reason: 'CLIENT_CERTIFICATE',
        message: expect.stringMatching(why),
        attempts: [
          { transport: 'tls', error: { code: 'CLIENT_CERTIFICATE' } },
          { transport: 'starttls', error: { code: 'CLIENT_CERTIFICATE' } },
        ],
      });
      expect(one.counts).toMatchObject({ tlsQueries: 0, starttlsQueries: 0, udpQueries: 0, tcpQueries: 0 });
      // The server speaks TLS; it is only not the right server.
      expect(client.capabilities.entries()).toEqual([]);
    }
  });

  it('can have credentials for each server, and shares no session between those that differ', async () => {
    await using client = createClient({ profile: 'pre-deployed' });
    const pins = [pinOf(certificate.cert)];
    const good = { ...server, verification: { kind: 'pin', pins } } as const;
    const bad = { ...server, verification: { kind: 'pin', pins: [Buffer.alloc(32).toString('base64')] } } as const;
    expect(await client.resolve({ server: good, ...NS })).toMatchObject({ reused: false });
    await expect(client.resolve({ server: bad, ...NS })).rejects.toMatchObject({ reason: 'CLIENT_CERTIFICATE' });
    expect(await client.resolve({ server: good, ...NS })).toMatchObject({ reused: true });
  });
});

describe('the capabilities that a client learns', () => {
  it('say which transports work, and it keeps to them', async () => {
    await against({ tls: 'refused port' }, {}, async (client, clock, { server, counts }) => {
      const ask = () => client.resolve({ server, ...NS });
      const first = await ask();
      expect(first).toMatchObject({ transport: 'starttls', attempts: [{ transport: 'tls' }] });
      expect(client.capabilities.entries().map(([key, { status }]) => [key.transport, key.port, status])).toEqual([
        ['starttls', server.port, 'works'],
        ['tls', server.tlsPort, 'fails'],
      ]);
      expect(await ask()).toMatchObject({ transport: 'starttls', reused: true, attempts: [] });
      // Also when the hour is over: STARTTLS works and is good enough.
      clock.advance(3_600_000);
      expect(await ask()).toMatchObject({ transport: 'starttls', attempts: [] });
      expect(counts.tlsQueries).toBe(0);
    });
  });

  it('say which do not, for an hour, then for a day', async () => {
    const kinds = { tls: 'stalled handshake', starttls: 'no TO' } as const;
    await against(kinds, { timeouts: ONE_BY_ONE }, async (client, clock, { server, counts }) => {
      const ask = () => client.resolve({ server, ...NS });
      expect(await ask()).toMatchObject({
        transport: 'udp',
        attempts: [{ transport: 'tls' }, { transport: 'starttls' }],
      });
      for (let i = 0; i < 5; i++) expect(await ask()).toMatchObject({ transport: 'udp', attempts: [] });
      clock.advance(3_600_000);
      expect((await ask()).attempts).toHaveLength(2);
      expect(counts).toMatchObject({ tls: 2, tcp: 2 });
      clock.advance(3_600_000);
      expect((await ask()).attempts).toHaveLength(0);
      clock.advance(23 * 3_600_000);
      expect((await ask()).attempts).toHaveLength(2);
    });
  });

  it('are none when nothing answers: the server is down, or we are offline', async () => {
    const down = { tls: 'refused port', tcp: 'refused port', udp: 'silent' } as const;
    await against(down, {}, async (client, _clock, { server }) => {
      const asked = client.resolve({ server, ...NS });
      await expect(asked).rejects.toMatchObject({
        code: 'CLIENT_NO_ANSWER',
        attempts: [{ transport: 'tls' }, { transport: 'starttls' }, { transport: 'udp' }, { transport: 'tcp' }],
      });
      expect(client.capabilities.entries()).toEqual([]);
    });
  });

  it('say that TLS has gone away, and so does the answer', async () => {
    const clock = new FakeClock();
    await using client = createClient({ clock });
    const before = await faulty(WELL, { certificate });
    expect(await client.resolve({ server: before.server, ...NS })).toMatchObject({ transport: 'tls' });
    await before[Symbol.asyncDispose]();
    await using after = await faulty({ ...WELL, tls: 'refused port', starttls: 'no TO' }, { certificate });
    const moved = { ...after.server, tlsPort: before.server.tlsPort };
    // As long as a success counts, three days: also when TLS has been tried again in vain, and the failure is forgotten.
    for (const hours of [0, 0, 1, 26, 44]) {
      clock.advance(hours * 3_600_000);
      expect(await client.resolve({ server: moved, ...NS })).toMatchObject({ transport: 'udp', downgraded: true });
    }
    clock.advance(3_600_000);
    expect(await client.resolve({ server: moved, ...NS })).toMatchObject({ transport: 'udp', downgraded: false });
  });

  it('are kept in a file, and used by the next client', async () => {
    await against({ tls: 'refused port', starttls: 'no EDNS' }, {}, async (_client, clock, { server, counts }) => {
      using files = temporaryFolder();
      const file = join(files.path, 'capabilities.json');
      for (let i = 0; i < 3; i++) {
        await using client = createClient({ clock, capabilities: { file } });
        const done = await client.resolve({ server, ...NS });
        expect(done).toMatchObject({ transport: 'udp', attempts: i === 0 ? [{}, {}] : [] });
      }
      expect(counts.tcp).toBe(1);
    });
  });

  it('can be told from elsewhere', async () => {
    await against({}, {}, async (client, _clock, { server, counts }) => {
      client.capabilities.failed({ transport: 'tls', address: '127.0.0.1', port: server.tlsPort }, 'CLIENT_HANDSHAKE');
      expect(await client.resolve({ server, ...NS })).toMatchObject({ transport: 'starttls', attempts: [] });
      expect(counts.tls).toBe(0);
    });
  });
});

describe('time', () => {
  it('for each step is as the RFC and the defaults say, when nothing ever answers', async () => {
    const clock = new FakeClock();
    const waits: number[] = [];
    // Accepts connections and datagrams, and sends nothing.
    await using tcp = await tcpServer((socket) => socket.resume());
    await using tls = await tcpServer((socket) => socket.resume());
    await using client = createClient({ clock });
    const began = clock.now();
    const asked = client.resolve({ server: { address: '127.0.0.1', port: tcp.port, tlsPort: tls.port }, ...NS });
    const failed = asked.then(
      () => expect.unreachable(),
      (error: ClientError) => error,
    );
    let done = false;
    void failed.then(() => {
      done = true;
    });
    while (!done) {
      await settled();
      const [next] = clock.timers;
      if (next === undefined || done) continue;
      waits.push(next);
      clock.advance(next);
    }
    const error = await failed;
    expect(error).toMatchObject({ code: 'CLIENT_NO_ANSWER' });
    expect(error.attempts.map(({ transport, error }) => [transport, error.step, error.code])).toEqual([
      ['tls', 'handshake', 'CLIENT_TIMED_OUT'],
      ['udp', 'answer', 'CLIENT_REFUSED'],
      ['starttls', 'upgrade', 'CLIENT_TIMED_OUT'],
      ['tcp', 'answer', 'CLIENT_TIMED_OUT'],
    ]);
    // STARTTLS begins, TLS and the wait for cleartext end, STARTTLS ends, TCP ends.
    expect(waits).toEqual([250, 3750, 250, 3750]);
    expect(clock.now() - began).toBe(8000);
  });

  it('in all is never exceeded, and cleartext has its share of it', async () => {
    for (const timeoutMs of [40, 400, 4000]) {
      const clock = new FakeClock();
      await using one = await faulty(
        { ...WELL, tls: 'stalled handshake', starttls: 'dropped dummy' },
        {
          certificate,
          stalled: () => clock.advance(timeoutMs / 4),
        },
      );
      await using client = createClient({ clock });
      const began = clock.now();
      expect(await client.resolve({ server: one.server, ...NS, timeoutMs })).toMatchObject({ transport: 'udp' });
      expect(clock.now() - began).toBeLessThanOrEqual(timeoutMs);
    }
  });

  it('is not lost when a slow handshake is overtaken: the session is used for the next query', async () => {
    const clock = new FakeClock();
    let hello = (): void => {};
    await using slow = await faulty({ ...WELL, starttls: 'no TO' }, { certificate });
    await using front = await tcpServer((socket) => {
      socket.pause();
      hello = () => {
        const behind = connect(slow.server.tlsPort, '127.0.0.1');
        behind.on('error', () => {});
        socket.pipe(behind).pipe(socket);
      };
    });
    await using client = createClient({ clock });
    const at = { ...slow.server, tlsPort: front.port };
    const asked = client.resolve({ server: at, ...NS, timeoutMs: 2000 });
    while (!clock.timers.includes(250)) await pause(5);
    await settled();
    clock.advance(250);
    await settled();
    // This is half of the time; the other half is for cleartext.
    clock.advance(750);
    expect(await asked).toMatchObject({ transport: 'udp' });
    expect(client.capabilities.get({ transport: 'tls', address: '127.0.0.1', port: at.tlsPort })?.status).toBe('fails');
    hello();
    await expect.poll(() => slow.counts.tls).toBe(1);
    await settled();
    expect(await client.resolve({ server: at, ...NS })).toMatchObject({ transport: 'tls' });
    expect(client.capabilities.get({ transport: 'tls', address: '127.0.0.1', port: at.tlsPort })?.status).toBe('works');
  });
});

describe('giving up', () => {
  it.each([
    ['in the handshake', { tls: 'stalled handshake' }],
    ['in a session', { tls: 'silent' }],
    ['in the upgrade', { tls: 'refused port', starttls: 'dropped dummy' }],
    ['over UDP', { tls: 'refused port', starttls: 'no TO', udp: 'silent' }],
    ['over TCP', { tls: 'refused port', starttls: 'no TO', udp: 'truncated', tcp: 'silent' }],
  ] as const)('%s ends the query at once, with the reason, and leaves nothing', async (_what, kinds) => {
    for (const how of ['abort', 'close'] as const) {
      const controller = new AbortController();
      const clock = new FakeClock();
      let end = (): void => {};
      await using one = await faulty({ ...WELL, ...kinds }, { certificate, stalled: () => end() });
      const client = createClient({ clock });
      const asked = client.resolve({ server: one.server, ...NS, signal: controller.signal });
      end = () => (how === 'abort' ? controller.abort('enough') : void client.close());
      await expect(asked).rejects.toMatchObject(
        how === 'abort' ? { code: 'CLIENT_ABORTED', cause: 'enough' } : { code: 'CLIENT_ENDED' },
      );
      await client.close();
      expect(clock.timers).toEqual([]);
    }
  });

  it('before asking, and after the client was closed, asks nothing', async () => {
    await against({}, {}, async (client, _clock, { server, counts }) => {
      const signal = AbortSignal.abort('never');
      await expect(client.resolve({ server, ...NS, signal })).rejects.toMatchObject({ code: 'CLIENT_ABORTED' });
      await client.close();
      await client.close();
      await expect(client.resolve({ server, ...NS })).rejects.toMatchObject({ code: 'CLIENT_ENDED' });
      expect(counts).toMatchObject({ tls: 0, tcp: 0, udpQueries: 0 });
    });
  });

  it('for one query leaves the session to the others', async () => {
    await against({}, {}, async (client, _clock, { server, counts }) => {
      const controllers = Array.from({ length: 30 }, () => new AbortController());
      const asked = controllers.map(({ signal }) => client.resolve({ server, ...NS, signal }));
      for (const [i, controller] of controllers.entries()) if (i % 2 === 0) controller.abort();
      const all = await Promise.allSettled(asked);
      expect(all.map(({ status }) => status === 'fulfilled')).toEqual(all.map((_, i) => i % 2 === 1));
      expect(counts.tls).toBe(1);
    });
  });

  it('by one signal for many queries warns of no leak', async () => {
    const warnings: Error[] = [];
    const listener = (warning: Error): void => void warnings.push(warning);
    process.on('warning', listener);
    const { signal } = new AbortController();
    await using client = createClient();
    await Promise.all(Array.from({ length: 50 }, () => client.resolve({ server, ...NS, signal })));
    await settled();
    process.off('warning', listener);
    expect(warnings).toEqual([]);
  });
});

describe('a client that is closed', () => {
  it('waits a second for a server that does not close, no longer', async () => {
    const clock = new FakeClock();
    await using open = await tcpServer((socket) => {
      socket.allowHalfOpen = true;
      onMessages(socket, (query) => socket.write(framed(answer(query))));
    });
    // Nothing listens for UDP there.
    const client = createClient({ clock, order: ['cleartext'] });
    expect(await client.resolve({ server: open, ...NS })).toMatchObject({ transport: 'tcp' });
    let closed = false;
    const closing = client.close().then(() => {
      closed = true;
    });
    await settled();
    expect({ closed, timers: clock.timers }).toEqual({ closed: false, timers: [1000] });
    clock.advance(1000);
    await closing;
    expect(clock.timers).toEqual([]);
  });

  it('leaves no sockets', async () => {
    const resources = (): string[] =>
      process
        .getActiveResourcesInfo()
        .filter((name) => /TCP|TLS|UDP/.test(name))
        .sort();
    const before = resources();
    for (let i = 0; i < 20; i++) {
      const client = createClient({
        order: i % 2 === 0 ? ['tls', 'starttls', 'cleartext'] : ['starttls', 'cleartext'],
      });
      await Promise.all([
        client.resolve({ server, ...NS }),
        client.resolve({ server, name: 'x.example.test', type: 'A' }),
      ]);
      await client.close();
    }
    await expect.poll(() => resources().length).toBeLessThanOrEqual(before.length);
  });
});

describe('the sessions of many servers', () => {
  it('have a limit: those of the least recently used are closed', async () => {
    await using first = await faulty(WELL, { certificate });
    await using second = await faulty(WELL, { certificate });
    await using client = createClient({ sessions: { maxServers: 1 } });
    const reused: boolean[] = [];
    for (const { server } of [first, first, second, second, first])
      reused.push((await client.resolve({ server, ...NS })).reused);
    expect(reused).toEqual([false, true, false, true, false]);
  });
});

describe('questions that cannot be asked', () => {
  const wrong: readonly (readonly [string, () => ClientOptions, Partial<ResolveOptions>, RegExp])[] = [
    ['an unknown profile', () => ({ profile: JSON.parse('"secret"') }), {}, /profile: found "secret"/],
    ['an empty order', () => ({ order: [] }), {}, /order: found \[\]/],
    ['an order with a transport twice', () => ({ order: ['tls', 'tls'] }), {}, /each at most once/],
    ['cleartext for pre-deployed', () => ({ profile: 'pre-deployed', order: ['tls', 'cleartext'] }), {}, /no fallback/],
    ['pre-deployed without credentials', () => ({ profile: 'pre-deployed' }), {}, /needs credentials/],
    ['opportunistic with credentials', () => ({ verification: { kind: 'ca' } }), {}, /takes any certificate/],
    ['no pins', () => ({ profile: 'pre-deployed', verification: { kind: 'pin', pins: [] } }), {}, /at least one/],
    ['a wrong pin', () => ({ profile: 'pre-deployed', verification: { kind: 'pin', pins: ['x'] } }), {}, /found "x"/],
    ['a wrong authority', () => ({ profile: 'pre-deployed', verification: { kind: 'ca', ca: 'x' } }), {}, /in PEM/],
    [
      'useless TLSA records',
      () => ({ profile: 'pre-deployed', verification: { kind: 'tlsa', records: ['1 1 1 abcd'] } }),
      {},
      /found 1 TLSA record, none that can be used/,
    ],
    [
      'a TLSA record that is none',
      () => ({ profile: 'pre-deployed', verification: { kind: 'tlsa', records: ['3 1 1 xyz'] } }),
      {},
      /RDATA of a TLSA/,
    ],
    ['no time', () => ({ timeouts: { establish: 0 } }), {}, /timeouts.establish: found 0/],
    ['a negative head start', () => ({ timeouts: { headStart: -1 } }), {}, /timeouts.headStart: found -1/],
    ['a negative wait', () => ({ timeouts: { cleartextAfter: -1 } }), {}, /timeouts.cleartextAfter: found -1/],
    ['no tries', () => ({ udpTries: 1.5 }), {}, /udpTries: found 1.5/],
    ['no sessions', () => ({ sessions: { maxConnections: 0 } }), {}, /maxConnections: found 0/],
    ['a name with an empty label', () => ({}), { name: 'a..b' }, /empty label/],
    ['an unknown type', () => ({}), { type: 'NONSENSE' }, /unknown type NONSENSE/],
    ['a transfer', () => ({}), { type: 'AXFR' }, /transfer/],
    ['no time for a query', () => ({}), { timeoutMs: 0 }, /timeoutMs: found 0/],
    ['a wrong port', () => ({}), { server: { address: '127.0.0.1', port: 0 } }, /port: found 0/],
  ];

  it.each(wrong)("%s is refused as the caller's mistake", async (_what, options, question, message) => {
    const asked = async (): Promise<unknown> => {
      await using client = createClient(options());
      return await client.resolve({ server: { address: '127.0.0.1', port: 9, tlsPort: 9 }, ...NS, ...question });
    };
    await expect(asked()).rejects.toMatchObject({ code: 'CLIENT_INPUT', message: expect.stringMatching(message) });
  });

  it('because the server has no address is told', async () => {
    await using client = createClient();
    const asked = client.resolve({ server: 'no-such-host.invalid', ...NS });
    await expect(asked).rejects.toMatchObject({ code: 'CLIENT_UNREACHABLE' });
  });
});

describe('an answer that is none', () => {
  it('with the right ID over UDP is waited out: the true one behind it counts', async () => {
    await against(
      { udp: 'wrong first', tcp: 'refused port' },
      { order: ['cleartext'] },
      async (client, _clock, { server }) => {
        const { message } = await client.resolve({ server, ...NS, type: 'TXT' });
        expect(message.answers).toMatchObject([{ data: '"udp"' }]);
      },
    );
  });

  it('by its RCODE is returned when no transport does better', async () => {
    const refusing = { tls: 'refused', starttls: 'servfail', udp: 'servfail', tcp: 'servfail' } as const;
    await against(refusing, {}, async (client, _clock, { server }) => {
      expect(await client.resolve({ server, ...NS })).toMatchObject({ transport: 'tls', message: { rcode: 5 } });
    });
  });

  it('by TC is returned, marked, when nothing else can be had', async () => {
    const cutting = { tls: 'refused port', starttls: 'no TO', udp: 'truncated', tcp: 'close on the query' } as const;
    await against(cutting, {}, async (client, _clock, { server }) => {
      const done = await client.resolve({ server, ...NS });
      expect(done).toMatchObject({ transport: 'udp', truncated: true, attempts: [{}, {}, { transport: 'tcp' }] });
    });
  });

  it('without EDNS, FORMERR, is followed by the query without EDNS', async () => {
    await using old = await udpServer((query) => {
      const reply = Buffer.from(query.subarray(0, query.readUInt16BE(10) > 0 ? 12 : query.length));
      reply.writeUInt16BE(query.readUInt16BE(10) > 0 ? 0x8401 : 0x8400, 2);
      if (query.readUInt16BE(10) > 0) for (const at of [4, 6, 8, 10]) reply.writeUInt16BE(0, at);
      return [reply];
    });
    await using client = createClient({ order: ['cleartext'] });
    const done = await client.resolve({ server: { address: old.address, port: old.port }, ...NS });
    expect(done).toMatchObject({ transport: 'udp', message: { rcode: 0 } });
    expect(old.connections()).toBe(2);
  });
});
