import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { createSecureContext, type SecureContextOptions, TLSSocket } from 'node:tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { type ClientOptions, type ClientServer, createClient } from '../../src/client/index.js';
import { until } from '../support/patience.js';
import { make } from '../tls/support.js';
import { pinOf } from './certificates.js';
import { FakeClock } from './fake-clock.js';
import { answer, framed, onMessages, pause, settled, udpServer } from './support.js';

let certificate: { cert: string; key: string };
beforeAll(async () => {
  certificate = await make({ names: ['ns.test'] });
});

interface Served extends AsyncDisposable {
  readonly server: ClientServer;
  /** Of each connection: how many queries came, and whether its session was resumed. */
  readonly connections: { queries: number; resumed: boolean; ended: boolean }[];
  readonly queries: Buffer[];
}

/** A query, its number on the connection, the number of the connection, and the socket below TLS. */
type Serve = (socket: TLSSocket, query: Buffer, nth: number, connection: number, raw: Socket) => void;

/** A server for TLS. */
async function serving(serve: Serve, options: SecureContextOptions = {}): Promise<Served> {
  const sockets = new Set<Socket>();
  const connections: Served['connections'] = [];
  const queries: Buffer[] = [];
  const secureContext = createSecureContext({ ...certificate, ...options, ticketKeys: randomBytes(48) });
  const server = createServer((raw) => {
    const socket = new TLSSocket(raw, { isServer: true, secureContext, ALPNProtocols: ['dot'] });
    const seen = { queries: 0, resumed: false, ended: false };
    const number = connections.push(seen);
    sockets.add(raw);
    raw.on('error', () => {});
    socket.on('error', () => {});
    socket.on('secure', () => {
      seen.resumed = socket.isSessionReused();
    });
    socket.on('end', () => {
      seen.ended = true;
    });
    onMessages(socket, (query) => {
      seen.queries++;
      queries.push(query);
      serve(socket, query, seen.queries, number, raw);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    server: { address: '127.0.0.1', port: 1, tlsPort: (server.address() as AddressInfo).port },
    connections,
    queries,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

const TLS_ONLY: ClientOptions = { order: ['tls'] };
const good = (socket: Socket, query: Buffer): void =>
  void socket.write(framed(answer(query, { text: 'good', ednsFlags: 0 })));
/** An answer with edns-tcp-keepalive; in units of 100 ms. */
const keeping =
  (units: number) =>
  (socket: Socket, query: Buffer): void => {
    const message = answer(query, { text: 'good', ednsFlags: 0 });
    message.writeUInt16BE(6, message.length - 2);
    socket.write(framed(Buffer.concat([message, Buffer.from([0, 11, 0, 2, units >> 8, units & 255])])));
  };

const eventually = (isSo: () => boolean): Promise<void> => until(String(isSo), isSo);

describe('sessions', () => {
  it('are reused for all queries, one after the other and at once', async () => {
    await using served = await serving(good);
    await using client = createClient(TLS_ONLY);
    const ask = (name: string) => client.resolve({ server: served.server, name, type: 'TXT' });
    expect(await ask('first.test')).toMatchObject({ transport: 'tls', encrypted: true, reused: false });
    expect(await ask('second.test')).toMatchObject({ reused: true });
    const many = await Promise.all(Array.from({ length: 50 }, (_, i) => ask(`n${i}.test`)));
    expect(many.map(({ message }) => message.questions[0]?.name)).toEqual(many.map((_, i) => `n${i}.test.`));
    expect(served.connections).toMatchObject([{ queries: 52 }]);
  });

  it('are opened once for many first queries, which are pipelined; answers come in any order', async () => {
    const waiting: Buffer[] = [];
    await using served = await serving((socket, query) => {
      waiting.push(query);
      if (waiting.length === 60) for (const one of waiting.reverse()) good(socket, one);
    });
    await using client = createClient(TLS_ONLY);
    const asked = Array.from({ length: 60 }, (_, i) =>
      client.resolve({ server: served.server, name: `n${i}.test`, type: 'TXT' }),
    );
    const names = (await Promise.all(asked)).map(({ message }) => message.questions[0]?.name);
    expect(names).toEqual(names.map((_, i) => `n${i}.test.`));
    expect(served.connections).toHaveLength(1);
  });

  it('have limits of queries outstanding and of connections; other queries wait', async () => {
    const outstanding = [0, 0, 0];
    let most = 0;
    await using served = await serving(async (socket, query, _nth, connection) => {
      outstanding[connection] = (outstanding[connection] ?? 0) + 1;
      most = Math.max(most, ...outstanding);
      await pause(5);
      outstanding[connection] = (outstanding[connection] ?? 0) - 1;
      good(socket, query);
    });
    await using client = createClient({ ...TLS_ONLY, sessions: { maxInFlight: 4, maxConnections: 2 } });
    const asked = Array.from({ length: 64 }, (_, i) =>
      client.resolve({ server: served.server, name: `n${i}.test`, type: 'TXT' }),
    );
    expect(await Promise.all(asked)).toHaveLength(64);
    expect(served.connections).toHaveLength(2);
    expect(most).toBeLessThanOrEqual(4);
  });

  it('carry queries padded to 128 octets, which ask for keepalive', async () => {
    await using served = await serving(good);
    await using client = createClient(TLS_ONLY);
    for (const name of ['a.test', `${'b'.repeat(60)}.test`, `${'c'.repeat(60)}.${'d'.repeat(60)}.test`])
      await client.resolve({ server: served.server, name, type: 'TXT' });
    expect(served.queries.map((query) => query.length)).toEqual([128, 128, 256]);
    // An empty edns-tcp-keepalive option (11), and padding (12) at the end.
    for (const query of served.queries) expect(query.toString('hex')).toMatch(/000b0000000c....0*$/);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('of %s are resumed by those after them', async (maxVersion) => {
    await using served = await serving(good, { maxVersion });
    await using client = createClient({ ...TLS_ONLY, sessions: { idleMs: 20 } });
    for (let i = 0; i < 3; i++) {
      const done = await client.resolve({ server: served.server, name: 'a.test', type: 'TXT' });
      expect(done).toMatchObject({ reused: false, tls: { version: maxVersion, resumed: i > 0 } });
      await eventually(() => served.connections[i]?.ended === true);
    }
    expect(served.connections.map(({ resumed }) => resumed)).toEqual([false, true, true]);
  });

  it('begin with a full handshake when the ticket does no good', async () => {
    let served = await serving(good);
    const { tlsPort = 0 } = served.server;
    await using client = createClient({ ...TLS_ONLY, sessions: { idleMs: 10 } });
    await client.resolve({ server: served.server, name: 'a.test', type: 'TXT' });
    await eventually(() => served.connections[0]?.ended === true);
    await served[Symbol.asyncDispose]();
    // Another server takes its place, and resets clients that have a ticket.
    const hellos: number[] = [];
    served = await serving(good);
    const inner = served.server.tlsPort ?? 0;
    const front = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', (hello) => {
        hellos.push(hello.length);
        if (hellos.length === 1) return socket.resetAndDestroy();
        const behind = connect(inner, '127.0.0.1', () => behind.write(hello));
        behind.on('error', () => {});
        behind.pipe(socket).pipe(behind);
      });
    });
    front.listen(tlsPort, '127.0.0.1');
    await once(front, 'listening');
    const done = await client.resolve({ server: { ...served.server, tlsPort }, name: 'a.test', type: 'TXT' });
    expect(done.tls?.resumed).toBe(false);
    expect(hellos).toHaveLength(2);
    expect(hellos[0]).toBeGreaterThan(hellos[1] ?? 0);
    await client.close();
    front.close();
    await served[Symbol.asyncDispose]();
  });
});

describe('an idle session', () => {
  it('is closed by us after our own time, when the server says none', async () => {
    const clock = new FakeClock();
    await using served = await serving(good);
    await using client = createClient({ ...TLS_ONLY, clock });
    await client.resolve({ server: served.server, name: 'a.test', type: 'TXT' });
    expect(clock.timers).toEqual([10_000]);
    clock.advance(9_999);
    await client.resolve({ server: served.server, name: 'b.test', type: 'TXT' });
    expect(served.connections).toMatchObject([{ queries: 2, ended: false }]);
    clock.advance(10_000);
    await eventually(() => served.connections[0]?.ended === true);
    await client.resolve({ server: served.server, name: 'c.test', type: 'TXT' });
    expect(served.connections).toHaveLength(2);
  });

  it.each([
    [300, 27_000, 'a little before the server would'],
    [20, 1800, 'also when that is less than our own time'],
    [65_535, 120_000, 'after our own maximum, when the server would wait longer'],
  ])('of a server with a keepalive of %d is closed after %d ms: %s', async (units, milliseconds) => {
    const clock = new FakeClock();
    await using served = await serving(keeping(units));
    await using client = createClient({ ...TLS_ONLY, clock });
    await client.resolve({ server: served.server, name: 'a.test', type: 'TXT' });
    expect(clock.timers).toEqual([milliseconds]);
    clock.advance(milliseconds);
    await eventually(() => served.connections[0]?.ended === true);
  });

  it('is closed at once when the server says 0, and nothing more is asked over it', async () => {
    await using served = await serving(keeping(0));
    await using client = createClient(TLS_ONLY);
    const ask = () => client.resolve({ server: served.server, name: 'a.test', type: 'TXT' });
    await Promise.all([ask(), ask(), ask()]);
    await eventually(() => served.connections[0]?.ended === true);
    await ask();
    expect(served.connections.map(({ queries }) => queries)).toEqual([3, 1]);
  });

  it('that the server closes is not used again', async () => {
    const open: Socket[] = [];
    await using served = await serving((socket, query) => {
      open.push(socket);
      good(socket, query);
    });
    await using client = createClient(TLS_ONLY);
    const ask = () => client.resolve({ server: served.server, name: 'a.test', type: 'TXT' });
    await ask();
    open[0]?.end();
    await settled();
    expect(await ask()).toMatchObject({ reused: false, attempts: [] });
  });

  it('does not keep the process alive', async () => {
    await using served = await serving(good);
    await using client = createClient(TLS_ONLY);
    const sockets = (): number =>
      process.getActiveResourcesInfo().filter((name) => /^(TCPSocket|TLS)Wrap$/.test(name)).length;
    const before = sockets();
    await client.resolve({ server: served.server, name: 'a.test', type: 'TXT' });
    // One of the sockets is the server's.
    expect(sockets() - before).toBeLessThanOrEqual(1);
  });
});

describe('a connection that is closed with queries outstanding', () => {
  const ends = {
    'a close_notify': (socket: Socket, _raw: Socket) => void socket.end(),
    'a bare FIN': (_socket: Socket, raw: Socket) => void raw.destroy(),
    'a reset': (_socket: Socket, raw: Socket) => void raw.resetAndDestroy(),
  };

  it.each(Object.entries(ends))('by %s is replaced by a new one, once', async (_what, end) => {
    await using served = await serving((socket, query, _nth, connection, raw) => {
      if (connection === 1) end(socket, raw);
      else good(socket, query);
    });
    await using client = createClient(TLS_ONLY);
    const done = await client.resolve({ server: served.server, name: 'a.test', type: 'TXT' });
    expect(done).toMatchObject({ transport: 'tls', attempts: [] });
    expect(served.connections).toHaveLength(2);
  });

  it.each(Object.entries(ends))('by %s twice is a failure', async (_what, end) => {
    await using served = await serving((socket, _query, _nth, _connection, raw) => end(socket, raw));
    await using client = createClient(TLS_ONLY);
    const asked = client.resolve({ server: served.server, name: 'a.test', type: 'TXT' });
    await expect(asked).rejects.toMatchObject({ code: 'CLIENT_NO_ANSWER', attempts: [{ transport: 'tls' }] });
    expect(served.connections).toHaveLength(2);
  });

  it.each([1, 3])('after each %d answers loses none of many queries', async (answers) => {
    await using served = await serving((socket, query, nth) => {
      if (nth > answers) return;
      good(socket, query);
      if (nth === answers) socket.end();
    });
    await using client = createClient(TLS_ONLY);
    const asked = Array.from({ length: 40 }, (_, i) =>
      client.resolve({ server: served.server, name: `n${i}.test`, type: 'TXT' }),
    );
    for (const { message } of await Promise.all(asked)) expect(message.answers).toHaveLength(1);
    // The client finds out how many answers a connection gives, so that queries are not sent again and again.
    expect(served.queries.length).toBeLessThan(200);
  });

  it('because of one query costs no other an answer', async () => {
    await using served = await serving((socket, query, _nth, _connection, raw) => {
      if (query.includes('poison')) raw.resetAndDestroy();
      else setTimeout(() => socket.destroyed || good(socket, query), 5);
    });
    await using client = createClient(TLS_ONLY);
    const ask = (name: string) => client.resolve({ server: served.server, name, type: 'TXT' });
    await ask('before.test');
    const names = ['a.test', 'poison.test', 'b.test', 'c.test', 'd.test'];
    const all = await Promise.allSettled(names.map(ask));
    expect(all.map(({ status }) => status === 'fulfilled')).toEqual([true, false, true, true, true]);
    expect(await ask('after.test')).toMatchObject({ transport: 'tls' });
  });
});

describe('a session that goes wrong', () => {
  it('by silence is left, and its late answer is ignored', async () => {
    const clock = new FakeClock();
    const late: (() => void)[] = [];
    await using served = await serving((socket, query, _nth, connection) => {
      if (connection > 1) good(socket, query);
      else late.push(() => good(socket, query));
    });
    await using client = createClient({ ...TLS_ONLY, clock });
    const asked = client.resolve({ server: served.server, name: 'a.test', type: 'TXT' });
    const failed = expect(asked).rejects.toMatchObject({ reason: 'CLIENT_TIMED_OUT' });
    await eventually(() => late.length === 1);
    clock.advance(4000);
    await failed;
    for (const one of late) one();
    expect(await client.resolve({ server: served.server, name: 'b.test', type: 'TXT' })).toMatchObject({
      reused: false,
    });
    expect(served.connections).toHaveLength(2);
  });

  it('by silence after it had answered is replaced by a new one, once', async () => {
    const clock = new FakeClock();
    let silent = 0;
    await using served = await serving((socket, query, nth, connection) => {
      if (nth === 1 && connection === 1) good(socket, query);
      else if (connection === 1 || query.includes('never')) silent++;
      else good(socket, query);
    });
    await using client = createClient({ ...TLS_ONLY, clock });
    const ask = (name: string) => client.resolve({ server: served.server, name, type: 'TXT' });
    await ask('a.test');
    const both = Promise.allSettled([ask('b.test'), ask('never.test')]);
    await eventually(() => silent === 2);
    clock.advance(3999);
    await settled();
    expect(served.connections).toHaveLength(1);
    clock.advance(1);
    // Each over its own connection, so that the unanswered query does not harm the other.
    await eventually(() => silent === 3);
    expect(served.connections).toHaveLength(3);
    clock.advance(4000);
    const [b, never] = await both;
    expect(b).toMatchObject({ status: 'fulfilled', value: { transport: 'tls', attempts: [] } });
    expect(never).toMatchObject({ status: 'rejected', reason: { reason: 'CLIENT_TIMED_OUT' } });
    expect(silent).toBe(3);
  });

  it('by a query that silences it costs no other an answer where there is nothing else', async () => {
    const clock = new FakeClock();
    const mute = new Set<number>();
    let silent = 0;
    await using served = await serving((socket, query, _nth, connection) => {
      if (query.includes('never')) mute.add(connection);
      if (mute.has(connection)) silent++;
      else good(socket, query);
    });
    const verification = { kind: 'pin', pins: [pinOf(certificate.cert)] } as const;
    await using client = createClient({ ...TLS_ONLY, profile: 'pre-deployed', verification, clock });
    const ask = (name: string) => client.resolve({ server: served.server, name, type: 'TXT' });
    const never = expect(ask('never.test')).rejects.toMatchObject({ reason: 'CLIENT_TIMED_OUT' });
    const others = ['a.test', 'b.test'].map(ask);
    await eventually(() => silent === 3);
    clock.advance(4000);
    for (const one of others) expect(await one).toMatchObject({ transport: 'tls', attempts: [] });
    await eventually(() => silent === 4);
    clock.advance(4000);
    await never;
  });

  it('by losing all but the first of several queries is told: cleartext is a downgrade, TLS has answered', async () => {
    const clock = new FakeClock();
    await using served = await serving((socket, query, nth) => void (nth === 1 && good(socket, query)));
    await using udp = await udpServer((query) => [answer(query, { text: 'cleartext', ednsFlags: 0 })]);
    await using client = createClient({ clock });
    const server = { ...served.server, port: udp.port };
    const both = ['a.test', 'b.test'].map((name) => client.resolve({ server, name, type: 'TXT' }));
    expect(await both[0]).toMatchObject({ transport: 'tls', downgraded: false });
    await eventually(() => served.queries.length === 2);
    clock.advance(4000);
    expect(await both[1]).toMatchObject({
      transport: 'udp',
      downgraded: true,
      attempts: [
        { transport: 'tls', error: { code: 'CLIENT_TIMED_OUT', step: 'answer' } },
        { transport: 'starttls', error: { code: 'CLIENT_REFUSED' } },
      ],
    });
  });

  it('by stopping within an answer is replaced by a new one', async () => {
    const clock = new FakeClock();
    let stopped = 0;
    await using served = await serving((socket, query, _nth, connection) => {
      if (connection > 1) return good(socket, query);
      stopped++;
      socket.write(framed(answer(query, { text: 'good' })).subarray(0, 9));
    });
    await using client = createClient({ ...TLS_ONLY, clock });
    const asked = client.resolve({ server: served.server, name: 'a.test', type: 'TXT' });
    await eventually(() => stopped === 1);
    await settled();
    clock.advance(4000);
    expect(await asked).toMatchObject({ transport: 'tls', attempts: [] });
    expect(served.connections).toHaveLength(2);
  });

  it.each([
    ['another question', { question: Buffer.from('\x01b\x04test\0\0\x10\0\x01', 'latin1') }, 'CLIENT_MISMATCH'],
    ['no answer at all', {}, 'CLIENT_MISMATCH'],
  ] as const)('by %s with the right ID is not asked any more', async (what, options, reason) => {
    await using served = await serving((socket, query, _nth, connection) => {
      if (connection > 1) good(socket, query);
      else socket.write(framed(what === 'no answer at all' ? query : answer(query, options)));
    });
    await using client = createClient(TLS_ONLY);
    const ask = () => client.resolve({ server: served.server, name: 'a.test', type: 'TXT' });
    await expect(ask()).rejects.toMatchObject({ reason });
    expect(await ask()).toMatchObject({ reused: false });
  });
});
