/** Who keeps TIME_WAIT when the server closes an idle session (draft 2.1.5, RFC 7858 §3.4), as `ss` of iproute2 sees it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { missingPrograms, run, serve, starttls } from './support.js';

const missing = missingPrograms({ ss: 'iproute2', python3: 'python3' });

/** Connections in TIME_WAIT to or from a port of loopback, by whose side it is that waits. */
async function timeWaits(port: number): Promise<{ server: number; client: number }> {
  const { stdout } = await run('ss', ['-tanH', 'state', 'time-wait']);
  const ends = stdout.split('\n').flatMap((line) => {
    const [, , local = '', peer = ''] = line.trim().split(/\s+/);
    return line === '' ? [] : [{ local, peer }];
  });
  return {
    server: ends.filter(({ local }) => local.endsWith(`:${port}`)).length,
    client: ends.filter(({ peer }) => peer.endsWith(`:${port}`)).length,
  };
}

/** Waits for a connection to be in TIME_WAIT somewhere. */
async function settled(port: number): Promise<{ server: number; client: number }> {
  let found = await timeWaits(port);
  for (let tries = 0; tries < 40 && found.server + found.client === 0; tries++) {
    await sleep(50);
    found = await timeWaits(port);
  }
  return found;
}

const SIDES = { client: { server: 0, client: 1 }, server: { server: 1, client: 0 } };

describe.skipIf(missing)(`an idle TLS session closed by the server${missing ? ` (skipped: ${missing})` : ''}`, () => {
  it.each(['client', 'server'] as const)('time_wait: %s, on port 853 and with STARTTLS', async (side) => {
    await using server = await serve({
      sessions: { time_wait: side, idle_timeout: 1, idle_timeout_min: 1, drain_timeout: 5 },
    });
    // These clients close some time after they were told to, so that it shows who does it first.
    const words = ['--watch', '--linger', '0.3', 'www.home.test'];
    const results = await Promise.all([starttls(server.port, ...words), starttls(server.tlsPort, '--dot', ...words)]);
    expect(results.map(({ closed }) => closed?.how)).toEqual(['close_notify', 'close_notify']);
    expect(await settled(server.tlsPort)).toEqual(SIDES[side]);
    expect(await settled(server.port)).toEqual(SIDES[side]);
    expect(await server.openConnections()).toBe(0);
  });

  it('time_wait: client waits no longer than the drain time for a client that does not close', async () => {
    await using server = await serve({
      sessions: { time_wait: 'client', idle_timeout: 1, idle_timeout_min: 1, drain_timeout: 1 },
    });
    const words = ['--watch', '--linger', '6', 'www.home.test'];
    const late = [starttls(server.port, ...words), starttls(server.tlsPort, '--dot', ...words)];
    expect(await server.openConnections(2)).toBe(2);
    // One second idle, one for the client to close, one for it to answer our FIN.
    const began = Date.now();
    for (let tries = 0; tries < 3 && (await server.openConnections()) > 0; tries++);
    expect(Date.now() - began).toBeLessThan(5000);
    expect((await Promise.all(late)).map(({ closed }) => closed?.how)).toEqual(['close_notify', 'close_notify']);
  });
});
