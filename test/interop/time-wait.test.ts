/** The side that keeps TIME_WAIT when the server closes an idle session (draft 2.1.5, RFC 7858 §3.4), by `ss` of iproute2. */
import { describe, expect, it } from 'vitest';
import { until } from '../support/patience.js';
import { missingPrograms, run, serve, startStarttls, starttls } from './support.js';

const missing = missingPrograms({ ss: 'iproute2', python3: 'python3' });

/** Which side of a connection over loopback is in TIME_WAIT; waits for one to be. */
async function waiting(serverPort: number, clientPort: number): Promise<string[]> {
  let sides: string[] = [];
  await until('TIME_WAIT', async () => {
    const { stdout } = await run('ss', ['-tanH', 'state', 'time-wait']);
    const ends = stdout.split('\n').map((line) => line.trim().split(/\s+/).slice(2, 4).join(' '));
    const [server, client] = [`127.0.0.1:${serverPort}`, `127.0.0.1:${clientPort}`];
    sides = [
      ...(ends.includes(`${server} ${client}`) ? ['server'] : []),
      ...(ends.includes(`${client} ${server}`) ? ['client'] : []),
    ];
    return sides.length > 0;
  });
  return sides;
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
        sessions: { time_wait: configured, idle_timeout: 1, idle_timeout_min: 1, drain_timeout: 30 },
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
    const words = ['--watch', '--stay', 'www.home.test'];
    const late = [startStarttls(server.port, ...words), startStarttls(server.tlsPort, '--dot', ...words)];
    const answered = async (): Promise<boolean> => {
      const { tls, starttls: upgraded } = await server.statistics();
      return tls?.messages === 1 && upgraded?.messages === 1;
    };
    await until('both answers', answered);
    // One second idle, one for the client to close, one for it to answer our FIN. The clients still have their connections.
    expect(await server.openConnections()).toBe(0);
    for (const client of late) client.end();
    const results = await Promise.all(late.map(({ result }) => result));
    expect(results.map(({ closed }) => closed?.how)).toEqual(['close_notify', 'close_notify']);
  });
});
