import { describe, expect, it } from 'vitest';
import { openSessions, until } from '../../load/scenarios.js';
import { startLoadServer } from '../../load/server.js';

/** Sessions in all; and octets that the heap may have grown by when they are gone: about 500 for each would be 1 MB. */
const SESSIONS = 2000;
const SLACK = 1_000_000;

describe('many sessions', () => {
  it('are answered, idle out cleanly, and leave neither memory nor descriptors behind', {
    timeout: 120_000,
  }, async () => {
    await using server = await startLoadServer({
      config: 'sessions: { idle_timeout: 12, idle_timeout_min: 12 }\nlog: { level: warn }\n',
    });
    const warm = await openSessions(200, server);
    await Promise.all(warm.map((client) => client.close()));
    await until(() => false, 200);
    const descriptors = server.descriptors();
    const before = await server.memory();

    const clients = await openSessions(SESSIONS, server);
    expect(server.descriptors()).toBe(descriptors + SESSIONS);
    expect(await until(() => clients.every(({ socket }) => socket.closed), 60_000)).toBe(true);
    expect(clients.filter(({ ended, broken }) => !ended || broken)).toEqual([]);

    expect(await until(() => server.descriptors() === descriptors, 10_000)).toBe(true);
    const after = await server.memory();
    expect(after.heapUsed + after.external - before.heapUsed - before.external).toBeLessThan(SLACK);
    expect(server.log()).toBe('');
    expect(await server.stop()).toBe(0);
  });
});
