/** A fixture in a thread of its own, asked by programs that block the thread of the test, and by adotd/client. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createClient } from '../../src/client/index.js';
import type { RunningServer } from '../../src/index.js';
import { startInThread } from '../support/fixture.js';
import { missingPrograms } from './support.js';

const missing = missingPrograms({ dig: 'bind9-dnsutils', kdig: 'knot-dnsutils' });

describe.skipIf(missing)(`a fixture in a thread${missing ? ` (skipped: ${missing})` : ''}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'adotd-thread-'));
  const ca = join(folder, 'ca.pem');
  let server: RunningServer;
  beforeAll(async () => {
    server = await startInThread({ zones: { 'example.test': 'www A 192.0.2.1' } });
    writeFileSync(ca, server.ca);
  });
  afterEach(() => {
    server.faults.clear();
    server.clearQueries();
  });
  afterAll(async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const words = (port: number, ...more: readonly string[]): string[] => [
    `@${server.address}`,
    '-p',
    String(port),
    'www.example.test',
    // The queries are counted: the programs must ask only once.
    '+retry=0',
    '+time=30',
    ...more,
  ];
  const dig = (...more: readonly string[]): string =>
    execFileSync('dig', words(server.udp, '+short', ...more), { encoding: 'utf8' }).trim();

  it('answers execFileSync of dig and kdig over UDP, TCP and TLS', () => {
    expect(dig()).toBe('192.0.2.1');
    expect(dig('+tcp')).toBe('192.0.2.1');
    const secure = words(server.tls, '+short', '+tls', `+tls-ca=${ca}`, '+tls-hostname=localhost');
    expect(execFileSync('kdig', secure, { encoding: 'utf8' }).trim()).toBe('192.0.2.1');
    expect(server.queries().map(({ transport, rcode }) => [transport, rcode])).toEqual([
      ['udp', 'NOERROR'],
      ['tcp', 'NOERROR'],
      ['tls', 'NOERROR'],
    ]);
  });

  it('answers with faults that were added before', () => {
    server.faults.add(
      { fault: 'rcode', rcode: 'SERVFAIL', times: 1 },
      { fault: 'drop', name: '*.example.test', nth: 3 },
    );
    expect(execFileSync('dig', words(server.udp), { encoding: 'utf8' })).toContain('status: SERVFAIL');
    expect(dig()).toBe('192.0.2.1');
    const { status } = spawnSync('dig', words(server.udp, '+time=1'));
    expect(status).toBe(9);
    expect(server.queries().map(({ faults }) => faults)).toEqual([['rcode'], [], ['drop']]);
    expect(server.faults.unused()).toEqual([]);
  });

  it('answers with the records of a change that is over', async () => {
    await server.setRecords('example.test', 'www A 192.0.2.7\nwww A 192.0.2.8');
    expect(dig().split('\n').sort()).toEqual(['192.0.2.7', '192.0.2.8']);
    await server.setRecords('example.test', 'www A 192.0.2.1');
  });

  it('answers adotd/client over STARTTLS', async () => {
    const verification = { kind: 'ca', ca: server.ca } as const;
    const client = createClient({ profile: 'pre-deployed', order: ['starttls'], verification });
    const { message, transport } = await client.resolve({
      server: { address: server.address, port: server.tcp },
      name: 'www.example.test',
      type: 'A',
    });
    await client.close();
    expect([transport, message.answers[0]?.data]).toEqual(['starttls', '192.0.2.1']);
    expect(server.queries().map((query) => query.transport)).toContain('starttls');
  });
});
