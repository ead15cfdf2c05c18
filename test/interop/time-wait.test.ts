/** The side that keeps TIME_WAIT when the server closes an idle session (draft 2.1.5, RFC 7858 §3.4), by `ss` of iproute2. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { missingPrograms, run, serve, starttls } from './support.js';

const missing = missingPrograms({ ss: 'iproute2', python3: 'python3' });

/** Which side of a connection over loopback is in TIME_WAIT; waits for one to be. */
async function waiting(serverPort: number, clientPort: number): Promise<string[]> {
  for (let tries = 0; tries < 40; tries++) {
    const { stdout } = await run('ss', ['-tanH', 'state', 'time-wait']);
    const ends = stdout.split('\n').map((line) => line.trim().split(/\s+/).slice(2, 4).join(' '));
    const [server, client] = [`127.0.0.1:${serverPort}`, `127.0.0.1:${clientPort}`];
    const sides = [
      ...(ends.includes(`${server} ${client}`) ? ['server'] : []),
      ...(ends.includes(`${client} ${server}`) ? ['client'] : []),
    ];
    if (sides.length > 0) return sides;
    await sleep(50);
  }
  return [];
}

describe.skipIf(missing)(`an idle TLS session closed by the server${missing ? ` (skipped: ${missing})` : ''}`, () => {
  it.each([
    ['node', 'client', 'client'],
    ['node', 'server', 'server'],
    // On epoll it is the client's, whatever is configured.
    ['epoll', 'server', 'client'],
  ] as const)(
    'streams: %s, time_wait: %s, on port 853 and with STARTTLS: the %s',
    async (streams, configured, side) => {
      await using server = await serve({
        streams,
        sessions: { time_wait: configured, idle_timeout: 1, idle_timeout_min: 1, drain_timeout: 5 },
      });
      // These clients close 0.3 s after the server has asked them to, so that the order shows.
      const words = ['--watch', '--linger', '0.3', 'www.home.test'];
      const [upgraded, direct] = await Promise.all([
        starttls(server.port, ...words),
        starttls(server.tlsPort, '--dot', ...words),
      ]);
      expect([upgraded.closed?.how, direct.closed?.how]).toEqual(['close_notify', 'close_notify']);
      expect(await waiting(server.port, upgraded.port)).toEqual([side]);
      expect(await waiting(server.tlsPort, direct.port)).toEqual([side]);
      expect(await server.openConnections()).toBe(0);
    },
  );

  it('time_wait: client waits no longer than the drain time for a client that does not close', async () => {
    await using server = await serve({
      streams: 'node',
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
