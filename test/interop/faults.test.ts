/** Faults as real clients see them: kdig reports a fault, unbound recovers from it or fails. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type FaultRule, type RunningServer, startServer } from '../../src/index.js';
import { LOOPBACK, type Peer } from '../support/peers/server.js';
import { FORGETFUL, runUnbound } from '../support/peers/unbound.js';
import { type Ended, missingPrograms, run } from './support.js';

const missing = missingPrograms({ kdig: 'knot-dnsutils', unbound: 'unbound' });
const ZONE = 'www A 192.0.2.1\nlong TXT "0123456789"';

describe.skipIf(missing)(`with faults${missing ? ` (skipped: ${missing})` : ''}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'adotd-faults-'));
  const ca = join(folder, 'ca.pem');
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer({ zones: { 'example.test': ZONE } });
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

  describe('kdig', () => {
    const kdig = (...words: readonly string[]): Promise<Ended> => {
      const secure = words.some((word) => word.startsWith('+tls'));
      const port = String(secure ? server.tls : server.udp);
      return run('kdig', ['@127.0.0.1', '-p', port, '+retry=0', '+time=30', 'www.example.test', 'A', ...words]);
    };
    /** kdig waits a second for what does not come. */
    const IN_VAIN = '+time=1';
    const text = ({ stdout, stderr }: Ended): string => `${stdout}${stderr}`;
    const strict = ['+tls', `+tls-ca=${ca}`, '+tls-hostname=localhost'];

    it('has nothing to complain of without', async () => {
      for (const words of [[], ['+tcp'], strict]) {
        const ended = await kdig(...words);
        expect(text(ended)).toContain('192.0.2.1');
        expect(text(ended)).not.toMatch(/;; (WARNING|ERROR)/);
      }
      expect(server.queries().map(({ transport }) => transport)).toEqual(['udp', 'tcp', 'tls']);
    });

    it.each<[string, FaultRule, readonly string[], RegExp]>([
      ['SERVFAIL', { fault: 'rcode' }, [], /status: SERVFAIL/],
      ['no answer', { fault: 'drop' }, [IN_VAIN], /timeout|failed/],
      ['one that is late', { fault: 'delay', milliseconds: 1500 }, [IN_VAIN], /timeout|failed/],
      ['another ID', { fault: 'wrong-id' }, [IN_VAIN], /ID mismatch|timeout|failed/],
      [
        'another question',
        { fault: 'wrong-question' },
        ['+tcp'],
        /question sections? (are|is) different|QUESTION|mismatch/i,
      ],
      ['what cannot be read', { fault: 'malformed', how: 'counts' }, ['+tcp'], /malformed/i],
      ['a reset', { fault: 'reset' }, ['+tcp'], /reset|failed|can't receive/i],
      ['the end in the middle of a message', { fault: 'close' }, ['+tcp'], /WARNING|ERROR|failed/],
      ['nothing more', { fault: 'stall' }, ['+tcp', IN_VAIN], /timeout|failed/],
      ['a handshake that is stalled', { fault: 'tls-stall' }, [...strict, IN_VAIN], /WARNING|ERROR|failed/],
      ['a handshake that is reset', { fault: 'tls-reset' }, strict, /WARNING|ERROR|failed/],
      ['an alert', { fault: 'tls-alert' }, strict, /alert|handshake failed/i],
      [
        'a certificate of another name',
        { fault: 'tls-certificate' },
        strict,
        /handshake failed \(Error in the certificate/,
      ],
      [
        'one that has expired',
        { fault: 'tls-certificate', certificate: 'expired' },
        strict,
        /handshake failed \(Error in the certificate/,
      ],
      [
        'one that nobody knows',
        { fault: 'tls-certificate', certificate: 'self-signed' },
        strict,
        /handshake failed \(Error in the certificate/,
      ],
    ])('sees %s', async (_what, fault, words, seen) => {
      server.faults.add(fault);
      const ended = await kdig(...words);
      expect(text(ended)).toMatch(seen);
      expect(ended.stdout).not.toMatch(/^www.*192\.0\.2\.1$/m);
    });

    it('says which version it was, if an old one is all there is', async () => {
      server.faults.add({ fault: 'tls-version' });
      expect((await kdig(...strict)).stdout).toMatch(/TLS session \(TLS1\.1\)/);
    });

    it('does not mind a length field in two pieces, a version 1.2 only, and no resumption', async () => {
      server.faults.add({ fault: 'split', milliseconds: 100 }, { fault: 'tls-version', version: 'TLSv1.2' });
      server.faults.add({ fault: 'tls-no-resumption' }, { fault: 'tls-no-alpn' }, { fault: 'tls-no-close-notify' });
      for (const words of [['+tcp'], strict]) expect(text(await kdig(...words))).toContain('192.0.2.1');
    });

    it('asks again over TCP when the answer is truncated', async () => {
      server.faults.add({ fault: 'truncate', transport: 'udp' });
      expect(text(await kdig())).toContain('192.0.2.1');
      expect(server.queries().map(({ transport }) => transport)).toEqual(['udp', 'tcp']);
    });

    it('is told of a key that is not the pinned one', async () => {
      const pin = `+tls-pin=${server.pins[0]}`;
      expect(text(await kdig('+tls', pin))).toContain('192.0.2.1');
      server.faults.add({ fault: 'tls-certificate', certificate: 'wrong-key' });
      expect((await kdig('+tls', pin)).stdout).not.toContain('192.0.2.1');
      expect(text(await kdig(...strict))).toContain('192.0.2.1');
    });
  });

  describe.each(['udp', 'tls'] as const)('unbound asks over %s', (transport) => {
    /** Starts an unbound that asks only this server. */
    const start = (): Promise<Peer> => {
      const upstream = transport === 'tls' ? `${LOOPBACK}@${server.tls}#localhost` : `${LOOPBACK}@${server.udp}`;
      const options = `${FORGETFUL}  infra-host-ttl: 0
  max-reuse-tcp-queries: 1
  module-config: "iterator"
  tls-cert-bundle: "${ca}"
`;
      const forward = `forward-zone:
  name: "example.test"
  forward-addr: ${upstream}
  forward-tls-upstream: ${transport === 'tls' ? 'yes' : 'no'}
`;
      return runUnbound(join(folder, transport), options, forward);
    };
    let unbound: Peer;
    beforeAll(async () => {
      unbound = await start();
    });
    afterAll(() => unbound?.stop());

    const resolve = async ({ port } = unbound): Promise<string> => {
      const words = ['@127.0.0.1', '-p', String(port), '+retry=0', '+time=100', 'www.example.test', 'A'];
      const { stdout } = await run('kdig', words);
      return /192\.0\.2\.1/.test(stdout) ? 'answer' : (/status: (\w+)/.exec(stdout)?.[1] ?? 'nothing');
    };
    const both: FaultRule[] = [
      { fault: 'wrong-id', nth: 1 },
      { fault: 'wrong-question', nth: 1 },
      { fault: 'rcode', nth: 1 },
      { fault: 'delay', milliseconds: 200 },
      { fault: 'duplicate' },
    ];
    const own: FaultRule[] =
      transport === 'udp'
        ? [
            { fault: 'drop', nth: 1 },
            { fault: 'truncate', transport: 'udp' },
          ]
        : [
            { fault: 'reset', nth: 1 },
            { fault: 'close', nth: 1 },
            { fault: 'close', at: 'after' },
            { fault: 'split' },
            { fault: 'tls-reset', nth: 1 },
            { fault: 'tls-no-close-notify' },
            { fault: 'tls-no-alpn' },
            { fault: 'tls-no-resumption' },
          ];

    // Each case has its own unbound, because unbound reuses connections and avoids a failed server for minutes.
    it.each(transport === 'tls' ? (['wrong-name', 'expired', 'self-signed'] as const) : [])(
      'and takes no certificate that is wrong: %s',
      async (certificate) => {
        server.faults.add({ fault: 'tls-certificate', certificate });
        const own = await start();
        expect(await resolve(own)).toBe('SERVFAIL');
        expect(server.queries()).toEqual([]);
        await own.stop();
      },
    );

    it.each([...both, ...own])('and gets over $fault', async (rule) => {
      server.faults.add(rule);
      expect(await resolve()).toBe('answer');
      expect(server.queries().map((query) => query.transport)).toContain(transport);
    });
  });
});
