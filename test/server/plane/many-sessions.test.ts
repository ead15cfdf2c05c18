import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSessions, until } from '../../load/scenarios.js';
import { type LoadServer, startLoadServer } from '../../load/server.js';

/** Sessions in all; and octets that the heap may have grown by when they are gone: about 500 for each would be 1 MB. */
const SESSIONS = 2000;
const SLACK = 1_000_000;

/** Changes the idle time while the server runs: sessions that have been idle longer end. */
async function setIdleTime(server: LoadServer, seconds: number): Promise<void> {
  const reloads = (): number => server.log().split('reload done').length;
  const before = reloads();
  const file = join(server.folder, 'adotd.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace(/(idle_timeout(?:_min)?): \d+/g, `$1: ${seconds}`));
  process.kill(server.pid, 'SIGHUP');
  expect(await until(() => reloads() > before)).toBe(true);
}

const warnings = (server: LoadServer): string[] =>
  server
    .log()
    .split('\n')
    .filter((line) => /"level":(40|50|60)/.test(line));

describe('many sessions', () => {
  it('are answered, idle out cleanly, and leave neither memory nor descriptors behind', {
    timeout: 240_000,
  }, async () => {
    await using server = await startLoadServer({
      config:
        'sessions: { idle_timeout: 300, idle_timeout_min: 300 }\nwatch: { enabled: false }\nlog: { level: info }\n',
    });
    const warm = await openSessions(200, server);
    await Promise.all(warm.map((client) => client.close()));
    await setIdleTime(server, 300);
    await until(() => false, 200);
    const descriptors = server.descriptors();
    const before = await server.memory();

    const clients = await openSessions(SESSIONS, server);
    expect(server.descriptors()).toBe(descriptors + SESSIONS);
    await setIdleTime(server, 1);
    expect(await until(() => clients.every(({ socket }) => socket.closed))).toBe(true);
    expect(clients.filter(({ ended, broken }) => !ended || broken)).toEqual([]);

    expect(await until(() => server.descriptors() === descriptors)).toBe(true);
    const after = await server.memory();
    expect(after.heapUsed + after.external - before.heapUsed - before.external).toBeLessThan(SLACK);
    expect(warnings(server)).toEqual([]);
    expect(await server.stop()).toBe(0);
  });
});
