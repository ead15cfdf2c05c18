import { describe, expect, it } from 'vitest';
import { createClient, probe } from '../../../src/client/index.js';
import { openSession } from '../../../src/client/session/connect.js';
import { hostName, hostNameOf } from '../../../src/client/trust/host-name.js';
import { startServer } from '../../../src/index.js';

describe('the name of a server', () => {
  it.each([
    ['ns.example.test', 'ns.example.test'],
    ['ns.example.test.', 'ns.example.test'],
    ['localhost', 'localhost'],
    ['_odd.test', '_odd.test'],
    ['bücher.test', 'xn--bcher-kva.test'],
    ['127.1', '127.1'],
    ['', undefined],
    ['.', undefined],
    ['a..b', undefined],
    ['a.test..', undefined],
    ['a\0b', undefined],
    ['a b', undefined],
    ['192.0.2.1', undefined],
    ['2001:db8::1', undefined],
    ['x'.repeat(64), undefined],
    [`${'abc.'.repeat(63)}ab`, undefined],
  ])('%j is for TLS %j', (text, name) => {
    expect(hostNameOf(text)).toBe(name);
    if (name === undefined) expect(() => hostName(text, 'server.name')).toThrow(/^server\.name: found/);
  });

  it('goes into SNI and is compared with the certificate without its final dot', async () => {
    await using server = await startServer({ zones: { 'example.test': 'www A 192.0.2.1' } });
    const verification = { kind: 'ca', ca: server.ca } as const;
    const at = { address: server.address, port: server.udp, tlsPort: server.tls };
    await using client = createClient({ profile: 'pre-deployed', order: ['tls'], verification });
    const asked = { server: { ...at, name: 'ns.example.test.' }, name: 'www.example.test', type: 'A' };
    await expect(client.resolve(asked)).resolves.toMatchObject({ transport: 'tls', tls: { verified: 'ca' } });
    expect(server.queries().at(-1)?.tls?.serverName).toBe('ns.example.test');
    const opened = await openSession({
      transport: 'starttls',
      server: { address: server.address, port: server.tcp },
      tls: { name: 'NS.example.test.', verification },
    });
    expect(opened.tls?.verified).toBe('ca');
    await opened.session.close();
    const report = await probe({
      server: server.address,
      port: server.udp,
      tlsPort: server.tls,
      name: 'ns.example.test.',
      zone: 'example.test',
      verification,
      idleMs: 1,
    });
    expect(report.credentials).toMatchObject({ name: 'ns.example.test', accepted: true });
  });
});
