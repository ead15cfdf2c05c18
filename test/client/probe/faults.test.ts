import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probe } from '../../../src/client/probe/probe.js';
import type { ProbeReport } from '../../../src/client/probe/probe-report.js';
import { type FaultRule, type RunningServer, startServer } from '../../../src/index.js';

let server: RunningServer;
beforeAll(async () => {
  server = await startServer({ zones: { 'example.test': 'www A 192.0.2.1' } });
});
afterAll(() => server.close());

/** Probes the fixture with these faults. */
async function probed(...rules: FaultRule[]): Promise<ProbeReport> {
  server.faults.clear();
  server.faults.add(...rules);
  const { address, udp: port, tls: tlsPort } = server;
  const verification = { kind: 'pin', pins: server.pins } as const;
  return await probe({ server: address, port, tlsPort, zone: 'example.test', verification, stepMs: 1500, idleMs: 50 });
}

const REAL_STARTTLS = { works: true, mode: 'any' } as const;

describe('a probe of the fixture', () => {
  it('finds nothing wrong where nothing is', async () => {
    expect(await probed()).toMatchObject({ ok: true, problems: [], notes: [], starttls: REAL_STARTTLS });
  });

  it.each<[string, FaultRule, object]>([
    ['SERVFAIL over TLS', { fault: 'rcode', transport: 'tls' }, { ok: false, answers: { equal: false } }],
    ['lost answers over TLS', { fault: 'drop', transport: 'tls' }, { tls: { works: false }, starttls: REAL_STARTTLS }],
    ['truncation over UDP', { fault: 'truncate', transport: 'udp' }, { ok: true, answers: { equal: true } }],
    ['a wrong ID over UDP', { fault: 'wrong-id', transport: 'udp' }, { ok: false, udp: { works: false } }],
    ['malformed answers over TCP', { fault: 'malformed', transport: 'tcp' }, { ok: false, tcp: { works: false } }],
    ['a reset on the query inside TLS', { fault: 'reset', transport: 'tls' }, { tls: { works: false } }],
    ['a close after each answer', { fault: 'close', at: 'after', transport: 'tls' }, { answers: { equal: true } }],
    ['length fields that are split', { fault: 'split' }, { ok: true, problems: [] }],
    [
      'a stalled handshake',
      { fault: 'tls-stall' },
      { ok: false, tls: { works: false }, starttls: { mode: 'blocked' } },
    ],
    ['a reset handshake', { fault: 'tls-reset' }, { ok: false, tls: { works: false }, starttls: { mode: 'blocked' } }],
    ['a closed handshake', { fault: 'tls-close' }, { ok: false, starttls: { mode: 'blocked' } }],
    ['an alert', { fault: 'tls-alert' }, { tls: { failure: { code: 'CLIENT_HANDSHAKE' } } }],
    [
      'another key',
      { fault: 'tls-certificate', certificate: 'wrong-key' },
      { ok: false, credentials: { accepted: false } },
    ],
    [
      'one version only',
      { fault: 'tls-version', version: 'TLSv1.2' },
      { ok: true, tls: { versions: [{ works: true }, { works: false }] } },
    ],
    [
      'an obsolete version only',
      { fault: 'tls-version', version: 'TLSv1.1', transport: 'tls' },
      { tls: { works: false }, starttls: REAL_STARTTLS },
    ],
    [
      'no resumption',
      { fault: 'tls-no-resumption' },
      {
        ok: true,
        starttls: { resumed: false },
        tls: { resumed: false, versions: [{ resumed: false }, { resumed: false }] },
      },
    ],
    ['no close_notify', { fault: 'tls-no-close-notify' }, { ok: true, tls: { farewell: 'fin' } }],
    ['TO taken out', { fault: 'starttls-strip' }, { ok: true, starttls: { works: false, mode: 'off' } }],
    ['NO_TLS', { fault: 'starttls-no-tls' }, { ok: true, starttls: { mode: 'off', dummy: { text: '"NO_TLS"' } } }],
    [
      'a dummy query that is dropped',
      { fault: 'drop', class: 'CH', transport: 'tcp' },
      { ok: true, starttls: { mode: 'query', dummy: { upgraded: false }, query: { upgraded: true } } },
    ],
    [
      'first queries with TO that are dropped',
      { fault: 'drop', upgrade: true, transport: 'tcp' },
      { ok: true, tcp: { works: true }, starttls: { works: false, mode: 'dropped' } },
    ],
    [
      'first queries with TO that are answered by a reset',
      { fault: 'reset', upgrade: true, transport: 'tcp' },
      { ok: true, tcp: { works: true }, starttls: { works: false, mode: 'dropped' } },
    ],
    ['plaintext put in', { fault: 'starttls-inject' }, { ok: true, starttls: { mode: 'blocked' } }],
  ])('tells %s', async (_what, rule, found) => {
    expect(await probed(rule)).toMatchObject({ cut: false, ...found });
  });

  it('tells a server without ALPN', async () => {
    const { tls, starttls } = await probed({ fault: 'tls-no-alpn' });
    expect([tls.works, tls.alpn, starttls.works, starttls.alpn]).toEqual([true, undefined, true, undefined]);
  });

  it('tells certificates that have expired', async () => {
    const report = await probed({ fault: 'tls-certificate', certificate: 'expired' });
    expect(report.notes).toContainEqual(expect.stringMatching(/^the certificate has expired at /));
  });

  it('is not misled by duplicates, reordering and delay', async () => {
    const rules: FaultRule[] = [{ fault: 'duplicate' }, { fault: 'delay', milliseconds: 5, jitter: 20 }];
    expect(await probed(...rules)).toMatchObject({ ok: true, answers: { equal: true } });
    expect(await probed({ fault: 'reorder', transport: 'tls', nth: [12] })).toMatchObject({ ok: true });
  });
});
