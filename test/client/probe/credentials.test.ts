import { createHash, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ProbeOptions, probe } from '../../../src/client/probe/probe.js';
import { startServer } from '../../../src/index.js';
import { type Made, make, temporaryFolder } from '../../tls/support.js';

const ZONE = 'example.test';
const ZERO = '00'.repeat(32);
let certificate: Made;
let tlsa: string;
const folder = temporaryFolder();
beforeAll(async () => {
  certificate = await make({ names: [`ns1.${ZONE}`] });
  const key = new X509Certificate(certificate.cert).publicKey.export({ type: 'spki', format: 'der' });
  tlsa = createHash('sha256').update(key).digest('hex');
  folder.put('ns1.pem', certificate.cert);
  folder.put('ns1.key', certificate.key);
});
afterAll(() => folder[Symbol.dispose]());

/** The report on a server whose zone has these records in addition to SOA and nameservers. */
async function probed(records: string, options: Partial<ProbeOptions> = {}) {
  const certificates = [{ cert: `${folder.path}/ns1.pem`, key: `${folder.path}/ns1.key` }];
  const zone = `$TTL 60\n@ SOA ns1 h 1 1 1 1 1\n@ NS ns1\n${records}`;
  await using server = await startServer({ zones: { [ZONE]: zone }, config: { tls: { certificates } } });
  const { address, udp: port, tls: tlsPort } = server;
  return await probe({ server: address, port, tlsPort, zone: ZONE, idleMs: 20, ...options });
}

const HERE = 'ns1 A 127.0.0.1\n';
const ELSEWHERE = 'ns1 A 192.0.2.1\n@ NS ns2\nns2 A 192.0.2.2\n';

describe('the name of a server', () => {
  it('is that of the nameserver with its address', async () => {
    const { credentials, answers } = await probed(`${HERE}@ NS ns2\nns2 A 192.0.2.2`);
    expect(credentials.name).toBe('ns1.example.test');
    expect(answers).toMatchObject({ equal: true, served: true });
    expect(answers.questions.map(({ name, type, rcode }) => `${name} ${type} ${rcode}`)).toContain(
      'ns1.example.test. A NOERROR',
    );
  });

  it('is not known where none has its address', async () => {
    expect((await probed(ELSEWHERE)).credentials.name).toBeUndefined();
  });

  it('is that of the only nameserver, whatever its address', async () => {
    expect((await probed('ns1 A 192.0.2.1')).credentials.name).toBe('ns1.example.test');
  });

  it('is found over TLS where nothing else answers, and asked by then', async () => {
    const report = await probed(`${HERE}_853._tcp.ns1 TLSA 3 1 1 ${tlsa}`, { port: 1 });
    expect(report.credentials).toMatchObject({ name: 'ns1.example.test', tlsa: [{ verdict: 'match' }] });
    // There are no records to compare the certificate with.
    expect(report).toMatchObject({
      udp: { works: false },
      tcp: { works: false },
      answers: { equal: false, served: true },
    });
    expect(report.problems).toEqual(['answers could be compared over no two transports']);
  });

  it('is the one that is given', async () => {
    const { credentials } = await probed(HERE, { name: 'other.test.' });
    expect(credentials.name).toBe('other.test');
  });
});

describe('TLSA records', () => {
  const at = (rdata: string): string => `_853._tcp.ns1 TLSA ${rdata}`;

  it('that the certificate matches are told', async () => {
    const report = await probed(`${HERE}${at(`3 1 1 ${tlsa}`)}`);
    expect(report).toMatchObject({ ok: true, problems: [] });
    expect(report.credentials.tlsa).toMatchObject([{ owner: '_853._tcp.ns1.example.test.', verdict: 'match' }]);
  });

  it('of which one matches are enough', async () => {
    const report = await probed(`${HERE}${at(`3 1 1 ${ZERO}`)}\n${at(`3 1 1 ${tlsa}`)}`);
    expect(report).toMatchObject({ ok: true, credentials: { tlsa: [{ verdict: 'match' }] } });
  });

  it('that do not match are a problem', async () => {
    const report = await probed(`${HERE}${at(`3 1 1 ${ZERO}`)}`);
    expect(report).toMatchObject({ ok: false, credentials: { tlsa: [{ verdict: 'mismatch' }] } });
    expect(report.problems).toEqual(['the certificate matches none of the TLSA records']);
  });

  it('that no client can use are noted', async () => {
    const report = await probed(`${HERE}${at(`0 0 1 ${ZERO}`)}`);
    expect(report).toMatchObject({ ok: true, credentials: { tlsa: [{ verdict: 'unusable' }] } });
    expect(report.notes).toContain('there are TLSA records that no client of DNS over TLS can use: expected usage 3');
  });

  it('behind an alias count', async () => {
    const report = await probed(`${HERE}_853._tcp.ns1 CNAME tlsa\ntlsa TLSA 3 1 1 ${tlsa}`);
    expect(report.credentials.tlsa).toMatchObject([{ verdict: 'match' }]);
  });

  it('of all nameservers are compared where it is not known which one it is', async () => {
    const report = await probed(`${ELSEWHERE}${at(`3 1 1 ${tlsa}`)}\n_853._tcp.ns2 TLSA 3 1 1 ${ZERO}`);
    expect(report.ok).toBe(true);
    expect(report.credentials.tlsa.map(({ verdict }) => verdict).sort()).toEqual(['match', 'mismatch']);
  });
});

describe('SVCB records', () => {
  const svcb = (parameters: string) => `${HERE}_dns.ns1 SVCB 1 ns1 ${parameters}`;

  it.each([
    { parameters: 'alpn=dot', verdict: 'unknown' },
    { parameters: 'alpn=doq', verdict: 'unusable' },
  ])('with $parameters are told: $verdict', async ({ parameters, verdict }) => {
    const { signals } = await probed(svcb(parameters));
    expect(signals.bindings).toMatchObject([{ owner: '_dns.ns1.example.test.', verdict }]);
    expect(signals.bindings[0]).toMatchObject({ validated: undefined });
  });

  it('that name the port where TLS answers match, and one where it does not is a problem', async () => {
    const there = await probed(svcb('alpn=dot port=8853'), { tlsPort: 8853 });
    expect(there.signals.bindings).toMatchObject([{ verdict: 'mismatch' }]);
    expect(there.problems).toContain('SVCB records promise DNS over TLS, which does not answer');
  });
});

describe('a trust anchor', () => {
  it('verifies records of a signed zone, and finds those that are not signed by its keys', async () => {
    const zone = `$TTL 60\n@ SOA ns1 h 1 1 1 1 1\n@ NS ns1\n${HERE}_dns.ns1 SVCB 1 ns1 alpn=dot\n_853._tcp.ns1 TLSA 3 1 1 ${tlsa}\n`;
    const certificates = [{ cert: `${folder.path}/ns1.pem`, key: `${folder.path}/ns1.key` }];
    await using server = await startServer({
      zones: { [ZONE]: zone },
      dnssec: 'valid',
      config: { tls: { certificates } },
    });
    const { address, udp: port, tls: tlsPort } = server;
    const keys = server.ds.join('\n');
    const report = (trustAnchors: string) =>
      probe({ server: address, port, tlsPort, zone: ZONE, idleMs: 20, trustAnchors });
    const good = await report(keys);
    expect(good).toMatchObject({
      ok: true,
      credentials: { tlsa: [{ verdict: 'match', validated: true }] },
      signals: { bindings: [{ validated: true }] },
    });
    const other = await report(`${ZONE}. DS 1 13 2 ${ZERO}`);
    expect(other.problems).toContain('the records of _853._tcp.ns1.example.test. are not verified by the trust anchor');
    expect((await report(`elsewhere.test. DS 1 13 2 ${ZERO}`)).credentials.tlsa).toMatchObject([
      { validated: undefined },
    ]);
  });
});

describe('an authority', () => {
  it('that has signed the certificate accepts it for the name only', async () => {
    const verification = { kind: 'ca', ca: certificate.cert } as const;
    expect((await probed(HERE, { verification })).credentials.accepted).toBe(true);
    const report = await probed(HERE, { verification, name: 'other.test' });
    expect(report).toMatchObject({ ok: false, credentials: { accepted: false } });
    expect(report.credentials.objection).toContain('not for other.test');
  });
});
