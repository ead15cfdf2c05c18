import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Client, openClient, type SessionKind } from '../../load/client.js';
import { openSessions, readSlowly, stallHandshakes, until, witness } from '../../load/scenarios.js';
import { type LoadServer, residentOctets, startLoadServer } from '../../load/server.js';
import { STREAMS } from '../../support/streams-path.js';

const MEBI = 1048576;
/** Descriptors that threads need besides. */
const THREADS = STREAMS === 'epoll' ? 40 : 0;

describe('clients that cost', () => {
  it('do not keep others from answers, and are given no more memory than agreed', { timeout: 240_000 }, async () => {
    const slow = 300;
    const buffer = 65_536;
    await using server = await startLoadServer({
      config: `sessions: { handshake_timeout: 8, idle_timeout: 8, write_buffer: ${buffer} }\nlog: { level: warn }\n`,
    });
    await witness(server, () => wait(300));
    const descriptors = server.descriptors();
    const before = await server.memory();
    const resident = residentOctets(server.pid);
    let most = 0;
    const { asked, failures } = await witness(server, async () => {
      const ends = await Promise.all([stallHandshakes(300, server), readSlowly(slow, server)]);
      // Nobody leaves by himself: the server ends them when their time is up.
      const given = await until(() => {
        most = Math.max(most, residentOctets(server.pid));
        return server.descriptors() < descriptors + 20;
      });
      expect(given).toBe(true);
      for (const end of ends) end();
    });
    expect(failures).toEqual([]);
    // Each transport was asked meanwhile; how often depends on the machine.
    expect(asked).toBeGreaterThanOrEqual(3);
    // A buffer and one answer, in the clear and encrypted, make 79 MB; garbage comes on top, as much as the collector's mood
    // allows. Unbounded it would be 12 MB each, 3.6 GB.
    expect(most - resident).toBeLessThan(slow * 2 * (buffer + 65_536) + 240 * MEBI);
    expect(await until(() => server.descriptors() === descriptors)).toBe(true);
    const after = await server.memory();
    expect(after.heapUsed + after.external - before.heapUsed - before.external).toBeLessThan(MEBI);
    expect(server.log()).toBe('');
  });
});

describe('a server with few descriptors', () => {
  /** Of 300 descriptors a reserve is kept; the rest is for connections. */
  const start = (config = '', held = 0): Promise<LoadServer> =>
    startLoadServer({ descriptors: 300 + THREADS, held, config: `log: { level: info }\n${config}` });
  const lines = (server: LoadServer, pattern: RegExp): string[] =>
    server
      .log()
      .split('\n')
      .filter((line) => pattern.test(line));

  it.each(['tcp', 'tls'] as const)('evicts the longest idle for new ones, and answers all, over %s', async (kind) => {
    await using server = await start(STREAMS === 'node' ? '' : 'sessions: { max: 233 }\n');
    if (STREAMS === 'node') expect(lines(server, /"233 connections at most, not 10000/)).toHaveLength(1);
    const descriptors = server.descriptors();
    const { asked, failures } = await witness(server, async () => {
      const clients = await openSessions(400, server, kind);
      expect(clients.filter(({ broken }) => broken)).toEqual([]);
      const gone = (client: Client): boolean => client.socket.closed;
      expect(await until(() => clients.filter((client) => !gone(client)).length <= 233)).toBe(true);
      // 167 are gone; whose answers came within 64 of each other may go in another order.
      expect(clients.slice(0, 100).every(gone)).toBe(true);
      expect(clients.slice(-100).some(gone)).toBe(false);
      await Promise.all(clients.map((client) => client.close()));
    });
    expect(failures).toEqual([]);
    expect(asked).toBeGreaterThanOrEqual(3);
    expect(await until(() => server.descriptors() <= descriptors)).toBe(true);
    expect(lines(server, /"level":(40|50|60)/)).toEqual([]);
  });

  it('sees that they run out, says so once, evicts, and answers all', async () => {
    // Fewer are free than the server reckons with: it can tell only by those that it gets.
    await using server = await start('', 100);
    const descriptors = server.descriptors();
    expect(descriptors).toBeGreaterThan(100);
    const { failures } = await witness(server, async () => {
      for (const kind of ['tcp', 'tls'] as const) {
        const clients = await openSessions(250, server, kind);
        await Promise.all(clients.map((client) => client.close()));
      }
    });
    expect(failures).toEqual([]);
    expect(lines(server, /no file descriptors are left/)).toHaveLength(1);
    expect(await until(() => server.descriptors() <= descriptors)).toBe(true);
    expect(await server.stop()).toBe(0);
  });

  it('goes on when clients do not close, and recovers', { timeout: 240_000 }, async () => {
    await using server = await start('sessions: { idle_timeout: 2, drain_timeout: 1, handshake_timeout: 2 }\n');
    const descriptors = server.descriptors();
    const ends = await Promise.all([stallHandshakes(300, server), readSlowly(20, server)]).catch(() => []);
    const kinds: readonly SessionKind[] = ['tcp', 'tls', 'starttls'];
    const answered = async (kind: SessionKind): Promise<boolean> => {
      try {
        const client = await openClient(kind, server);
        await client.close();
        return true;
      } catch {
        return false;
      }
    };
    const back = async (kind: SessionKind): Promise<boolean> => {
      for (let attempt = 0; attempt < 50; attempt++) {
        if (await answered(kind)) return true;
        await wait(200);
      }
      return false;
    };
    expect(await Promise.all(kinds.map(back))).toEqual([true, true, true]);
    for (const end of ends) end();
    expect(await until(() => server.descriptors() <= descriptors)).toBe(true);
    expect(await server.stop()).toBe(0);
  });
});
