/** `adotd probe` against other servers, and against us in each mode of STARTTLS: its tables must be true. */
import { createHash, X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ProbeReport } from '../../src/client/probe/probe-report.js';
import { TO, toSet } from '../client/support.js';
import { adotd } from '../support/cli.js';
import { startBind } from '../support/peers/bind.js';
import { startDnsdist } from '../support/peers/dnsdist.js';
import { startKnot } from '../support/peers/knot.js';
import { startNsd } from '../support/peers/nsd.js';
import { freePort, LOOPBACK, type Peer, type PeerTls } from '../support/peers/server.js';
import { missingTools } from '../support/peers/tools.js';
import { runUnbound } from '../support/peers/unbound.js';
import { make } from '../tls/support.js';
import { startRelay } from './relay.js';
import { FOLDER, missingPrograms, run, type Server, serve } from './support.js';

const WITNESS = fileURLToPath(new URL('tls_witness.py', import.meta.url));
const ZONE = 'probe.test';
const NAMESERVER = `ns1.${ZONE}`;
const zones = join(FOLDER, 'probe-zones');
const file = join(zones, `${ZONE}.zone`);
const cert = join(FOLDER, 'peer.pem');
const key = join(FOLDER, 'peer.key');
let pin: string;

beforeAll(async () => {
  const made = await make({ names: [NAMESERVER] });
  writeFileSync(cert, made.cert);
  writeFileSync(key, made.key, { mode: 0o644 });
  const spki = new X509Certificate(readFileSync(cert)).publicKey.export({ type: 'spki', format: 'der' });
  const hash = createHash('sha256').update(spki).digest();
  pin = hash.toString('base64');
  mkdirSync(zones);
  const records = [
    '@ SOA ns1 hostmaster 1 14400 900 1209600 300',
    '@ NS ns1',
    'ns1 A 127.0.0.1',
    '@ TXT "probe"',
    'www A 192.0.2.10',
    `_853._tcp.ns1 TLSA 3 1 1 ${hash.toString('hex')}`,
  ];
  writeFileSync(file, `$ORIGIN ${ZONE}.\n$TTL 300\n${records.join('\n')}\n`);
});

/** Runs the command; returns its report and its exit status. */
async function probed(
  port: number,
  tlsPort: number,
  ...words: string[]
): Promise<ProbeReport & { status: number | null }> {
  const ports = ['--port', String(port), '--tls-port', String(tlsPort)];
  const idle = words.includes('--idle') ? [] : ['--idle', '0.5'];
  const ran = await adotd('probe', LOOPBACK, ...ports, '--zone', ZONE, ...idle, '--json', ...words);
  const [report] = JSON.parse(ran.stdout) as ProbeReport[];
  if (report === undefined) throw new Error(`no report: ${ran.stderr}`);
  return { ...report, status: ran.status };
}

/** The findings that all servers of the zone have in common. */
const HEALTHY = {
  cut: false,
  udp: { works: true },
  tcp: { works: true, pipelining: { asked: 8, answered: 8 } },
  answers: { equal: true, served: true },
  edns: { supported: true, versionOne: 'BADVERS', ignoresUnknown: true, absentWithout: true, keepsTo512: true },
} as const;
const BOTH_VERSIONS = [
  { version: 'TLSv1.2', works: true, resumed: true },
  { version: 'TLSv1.3', works: true, resumed: true },
] as const;
const NO_STARTTLS = { works: false, mode: 'off', dummy: { offered: false }, query: { offered: false } } as const;

/** The type of TLS records that begin a connection. */
const HANDSHAKE = 0x16;

const noPython = missingPrograms({ python3: 'python3' });

describe('adotd probe against adotd', () => {
  let server: Server | undefined;
  afterEach(() => server?.stop());

  const own = (starttls: object): Promise<Server> =>
    serve({ zones: { folder: zones }, tls: { certificates: [{ cert, key }] }, starttls });

  it.each([
    ['any', true, true],
    ['dummy', true, false],
    ['off', false, false],
  ] as const)('with starttls.upgrade: %s', async (upgrade, dummy, query) => {
    server = await own({ upgrade });
    const report = await probed(server.port, server.tlsPort, '--tls-pin', pin);
    expect(report).toMatchObject({
      ...HEALTHY,
      status: 0,
      ok: true,
      problems: [],
      notes: [],
      starttls: { mode: upgrade, works: dummy, dummy: { offered: dummy, upgraded: dummy }, query: { upgraded: query } },
      tls: {
        works: true,
        version: 'TLSv1.3',
        alpn: 'dot',
        resumed: true,
        keepalive: 10_000,
        padding: { lengths: [468] },
        pipelining: { asked: 8, answered: 8, overtaking: false },
        farewell: 'close_notify',
        versions: BOTH_VERSIONS,
        obsolete: false,
        withoutAlpn: true,
        certificate: { pin, names: [`DNS:${NAMESERVER}`] },
      },
      credentials: {
        name: NAMESERVER,
        accepted: true,
        tlsa: [{ owner: `_853._tcp.${NAMESERVER}.`, verdict: 'match' }],
      },
    });
    if (!noPython) await confirmed(report);
    if (dummy) expect(report.starttls).toMatchObject({ version: 'TLSv1.3', alpn: 'dot', resumed: true });
    expect(report.answers.questions[0]?.compared).toEqual(['udp', 'tcp', 'tls', ...(dummy ? ['starttls'] : [])]);
  });

  it('sees how idle sessions end', async () => {
    server = await serve({
      zones: { folder: zones },
      tls: { certificates: [{ cert, key }] },
      sessions: { idle_timeout: 1, idle_timeout_min: 1 },
    });
    const report = await probed(server.port, server.tlsPort, '--idle', '4');
    expect(report).toMatchObject({
      status: 0,
      tls: { idle: { closed: 'close_notify' } },
      tcp: { idle: { closed: 'fin' } },
    });
    expect(report.tls.farewell).toBeUndefined();
  });
});

describe('adotd probe through a middlebox', () => {
  let server: Server;
  beforeAll(async () => {
    server = await serve({ zones: { folder: zones }, tls: { certificates: [{ cert, key }] } });
  });
  afterAll(() => server.stop());

  /** The report on our server behind a relay. The port of TLS is its own. */
  async function relayed(interference: Parameters<typeof startRelay>[1]) {
    await using relay = await startRelay(server.port, { datagrams: 'pass', ...interference });
    return await probed(relay.port, server.tlsPort, '--timeout', '3', '--idle', '0.1');
  }
  /** Whether these octets begin a connection with a query that has TO. */
  const asksForTls = (octets: Buffer, seen: Buffer): boolean => seen.length === 0 && toSet(octets.subarray(2));
  const TCP_WORKS = { works: true, pipelining: { answered: 8 } };

  it('that does nothing: there is nothing to say', async () => {
    expect(await relayed({})).toMatchObject({ ...HEALTHY, status: 0, notes: [], starttls: { mode: 'any' } });
  });

  it('that takes TO out of answers over TCP (outcome 1 of the draft, §2.2)', async () => {
    const stripped = (octets: Buffer, seen: Buffer): Buffer => {
      // The OPT record is the last one, and without options; its flags stand before the length of its RDATA.
      if (seen.length === 0 && octets.readUInt16BE(octets.length - 4) === TO)
        octets.writeUInt16BE(0, octets.length - 4);
      return octets;
    };
    // It looks like a server that has TLS on its own port only.
    const report = await relayed({ toClient: stripped });
    expect(report).toMatchObject({ ...HEALTHY, status: 0, tcp: TCP_WORKS, starttls: NO_STARTTLS, notes: [] });
    expect(report.edns?.tlsOk).toBe(true);
  });

  it('that swallows the handshake (outcome 2)', async () => {
    const report = await relayed({
      toServer: (octets, seen) => (seen.length > 0 && octets[0] === HANDSHAKE ? undefined : octets),
    });
    expect(report).toMatchObject({
      ...HEALTHY,
      status: 0,
      tcp: TCP_WORKS,
      starttls: { works: false, mode: 'blocked', dummy: { offered: true, failure: { step: 'handshake' } } },
    });
    expect(report.notes).toEqual([expect.stringMatching(/^TO is set in answers, but no handshake follows/)]);
  });

  it('that swallows queries with TO (outcome 3)', async () => {
    const report = await relayed({ toServer: (octets, seen) => (asksForTls(octets, seen) ? undefined : octets) });
    expect(report).toMatchObject({
      ...HEALTHY,
      status: 0,
      tcp: TCP_WORKS,
      starttls: { works: false, mode: 'dropped', failure: { code: 'CLIENT_TIMED_OUT', step: 'upgrade' } },
    });
    expect(report.notes).toEqual([
      expect.stringMatching(/^first queries with TO bring no answer over TCP, those without do .*RFC 6891/),
    ]);
  });

  it('that swallows the dummy query only', async () => {
    const dummy = Buffer.from('\x08STARTTLS\0', 'latin1');
    const report = await relayed({ toServer: (octets) => (octets.includes(dummy) ? undefined : octets) });
    expect(report).toMatchObject({ status: 0, starttls: { works: true, mode: 'query' } });
    expect(report.notes).toContainEqual(expect.stringMatching(/^the dummy query with TO brings no answer over TCP/));
  });

  it('that swallows datagrams: UDP is a problem, with its exit status', async () => {
    const report = await relayed({ datagrams: 'swallow' });
    expect(report).toMatchObject({
      status: 1,
      udp: { works: false, failure: { code: 'CLIENT_TIMED_OUT' } },
      tcp: TCP_WORKS,
      starttls: { mode: 'any' },
      tls: { works: true },
      answers: { equal: true },
    });
    expect(report.problems).toEqual([
      expect.stringMatching(/^no answer over UDP, though over TCP: .* within 3(\.0)? s/),
    ]);
  });
});

const missing = missingTools(['nsd', 'knotd', 'named', 'unbound', 'dnsdist']) ?? noPython;
describe.skipIf(missing)(`adotd probe against other servers${missing ? ` (skipped: ${missing})` : ''}`, () => {
  const started: Peer[] = [];
  const folder = (name: string): string => join(FOLDER, `probe-${name}`);
  const peerZones = [{ name: ZONE, file }];
  afterAll(() => Promise.all(started.map((peer) => peer.stop())));

  /** Starts a peer with TLS on a port of its own. */
  async function probedPeer(
    start: (tls: { port: number; cert: string; key: string }) => Promise<Peer>,
  ): Promise<ProbeReport & { status: number | null }> {
    const peer = await start({ port: await freePort(), cert, key });
    started.push(peer);
    return probed(peer.port, peer.tlsPort ?? 1);
  }

  it('NSD: TLS without STARTTLS and without ALPN', async () => {
    const report = await probedPeer((tls) => startNsd(folder('nsd'), peerZones, tls));
    expect(report).toMatchObject({
      ...HEALTHY,
      status: 0,
      starttls: NO_STARTTLS,
      tls: { works: true, versions: BOTH_VERSIONS, padding: { padded: 0 }, pipelining: { asked: 8, answered: 8 } },
    });
    expect([report.tls.alpn, report.tls.keepalive]).toEqual([undefined, undefined]);
    await confirmed(report);
  });

  it('dnsdist before BIND: idle sessions are closed long before the time that keepalive promises', async () => {
    const behind = await startBind(folder('behind'), peerZones);
    started.push(behind);
    const peer = await startDnsdist(folder('dnsdist'), behind.port, { port: await freePort(), cert, key });
    started.push(peer);
    const before = Date.now();
    const report = await probed(peer.port, peer.tlsPort ?? 1, '--idle', '5');
    expect(report).toMatchObject({
      ...HEALTHY,
      status: 0,
      starttls: NO_STARTTLS,
      tcp: { keepalive: 30_000, idle: { closed: 'fin' } },
      tls: {
        keepalive: 30_000,
        pipelining: { answered: 8 },
        idle: { closed: 'close_notify' },
        versions: BOTH_VERSIONS,
      },
    });
    for (const [name, { idle }] of Object.entries({ TCP: report.tcp, TLS: report.tls })) {
      // dnsdist closes after two seconds; it looks for idle connections now and then.
      expect(idle?.waited).toBeGreaterThanOrEqual(1900);
      const [since = 0, until = 0] = [idle?.since, idle?.until].map((time) => Date.parse(time ?? ''));
      // Of two clocks.
      expect(until - since).toBeCloseTo(idle?.waited ?? 0, -3);
      expect(since).toBeGreaterThanOrEqual(before);
      expect(report.notes).toContainEqual(
        expect.stringMatching(RegExp(`^the server closed ${name} after .*30\\.0 s by keepalive`)),
      );
    }
    expect([report.began, report.ended].map((time) => new Date(time).toISOString())).toEqual([
      report.began,
      report.ended,
    ]);
  });

  it('BIND: TLS without STARTTLS, closed without close_notify', async () => {
    const report = await probedPeer((tls) => startBind(folder('bind'), peerZones, tls));
    expect(report).toMatchObject({
      ...HEALTHY,
      status: 0,
      starttls: NO_STARTTLS,
      tls: {
        works: true,
        versions: BOTH_VERSIONS,
        alpn: 'dot',
        keepalive: 30_000,
        padding: { padded: 0 },
        pipelining: { answered: 8 },
        farewell: 'fin',
      },
    });
    await confirmed(report);
  });

  it('Knot 3.2: nothing encrypted', async () => {
    const report = await probedPeer(() => startKnot(folder('knot'), peerZones));
    expect(report).toMatchObject({
      ...HEALTHY,
      status: 1,
      starttls: NO_STARTTLS,
      tls: { works: false, failure: { code: 'CLIENT_REFUSED' } },
      credentials: { name: NAMESERVER, tlsa: [{ verdict: 'unknown' }] },
      problems: ['no encrypted transport works'],
    });
  });

  it('unbound: TLS, padding, of a zone that it serves beside resolving', async () => {
    const report = await probedPeer((tls) => startUnbound(folder('unbound'), tls));
    const { padding } = report.tls;
    expect(report).toMatchObject({
      ...HEALTHY,
      status: 0,
      starttls: NO_STARTTLS,
      tls: {
        works: true,
        versions: BOTH_VERSIONS,
        padding: { padded: padding?.answers, lengths: [468] },
        pipelining: { answered: 8 },
        farewell: 'close_notify',
      },
    });
    expect([report.tls.alpn, report.tls.keepalive]).toEqual([undefined, undefined]);
    await confirmed(report);
  });
});

/** Compares a report with the findings of Python's ssl module, and with the peer's certificate. */
async function confirmed({ address, tlsPort, tls, credentials }: ProbeReport): Promise<void> {
  const ran = await run('python3', ['-B', WITNESS, address, String(tlsPort), ZONE]);
  expect(ran.stderr).toBe('');
  const witness = JSON.parse(ran.stdout) as {
    readonly version: string;
    readonly alpn: string | null;
    readonly resumed: boolean;
    readonly farewell: string;
    readonly together: number;
  };
  expect({
    version: tls.version,
    alpn: tls.alpn ?? null,
    resumed: tls.versions?.find(({ version }) => version === 'TLSv1.3')?.resumed,
    notified: tls.farewell === 'close_notify',
    allTogether: tls.pipelining?.answered === 8,
  }).toEqual({
    version: witness.version,
    alpn: witness.alpn,
    resumed: witness.resumed,
    notified: witness.farewell === 'close_notify',
    allTogether: witness.together === 8,
  });
  expect(tls.certificate).toMatchObject({ pin, names: [`DNS:${NAMESERVER}`] });
  expect(credentials).toMatchObject({ name: NAMESERVER, tlsa: [{ verdict: 'match' }] });
}

/** unbound with the zone as an auth-zone, and TLS. */
async function startUnbound(folder: string, tls: PeerTls): Promise<Peer> {
  const options = `  interface: ${LOOPBACK}@${tls.port}
  tls-port: ${tls.port}
  tls-service-pem: "${tls.cert}"
  tls-service-key: "${tls.key}"
  module-config: "iterator"
  access-control: 127.0.0.0/8 allow
`;
  const zone = `auth-zone:
  name: "${ZONE}"
  zonefile: "${file}"
  for-downstream: yes
  for-upstream: no
`;
  return { ...(await runUnbound(folder, options, zone)), tlsPort: tls.port };
}
