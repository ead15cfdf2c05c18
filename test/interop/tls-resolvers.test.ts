/** Resolvers that query adotd over TLS, and many sessions at once. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askUdp } from '../support/ask.js';
import { buildQuery, decodeMessage, type Message } from '../support/message.js';
import { until } from '../support/patience.js';
import { freePort, LOOPBACK, type Peer, startPeer } from '../support/peers/server.js';
import { missingTools } from '../support/peers/tools.js';
import { FORGETFUL, runUnbound } from '../support/peers/unbound.js';
import { startProgram } from './running-program.js';
import { CERTIFICATE, FOLDER, missingPrograms, type Server, serve } from './support.js';

const NAMES = ['www.home.test', 'nas.home.test', 'missing.home.test', 'anything.at.dev.home.test'];
const RCODES = [0, 0, 3, 0];
const DNSPERF_SESSIONS = 100;
const BURSTS = 50;
const BURST = 15;
/** Milliseconds after which stubby gives up, and answers SERVFAIL. */
const GIVES_UP = 20_000;

/** Asks a resolver, RD set. */
async function resolve(resolver: Peer, name: string): Promise<Message> {
  const answer = await askUdp(resolver, buildQuery({ name: `${name}.`, rd: true, edns: {} }));
  if (answer === undefined) throw new Error(`no answer came: ${resolver.log()}`);
  return decodeMessage(answer);
}

/** All names through a resolver; says how many messages and handshakes reached us inside TLS, and how many messages outside. */
async function resolveAll(server: Server, resolver: Peer) {
  const before = await server.statistics();
  const rcodes: number[] = [];
  for (const name of NAMES) rcodes.push((await resolve(resolver, name)).rcode);
  const after = await server.statistics();
  const grown = (group: string, ...keys: string[]): number =>
    keys.reduce((sum, key) => sum + (after[group]?.[key] ?? 0) - (before[group]?.[key] ?? 0), 0);
  return {
    rcodes,
    inside: grown('tls', 'messages'),
    handshakes: grown('tls_handshakes', 'full', 'resumed'),
    outside: grown('udp', 'messages') + grown('tcp', 'messages'),
  };
}

async function startStubby(server: Server): Promise<Peer> {
  const port = await freePort();
  const file = join(FOLDER, 'stubby.yml');
  writeFileSync(
    file,
    `resolution_type: GETDNS_RESOLUTION_STUB
dns_transport_list:
  - GETDNS_TRANSPORT_TLS
tls_authentication: GETDNS_AUTHENTICATION_REQUIRED
tls_query_padding_blocksize: 128
idle_timeout: 9000
timeout: ${GIVES_UP}
round_robin_upstreams: 0
listen_addresses:
  - 127.0.0.1@${port}
upstream_recursive_servers:
  - address_data: 127.0.0.1
    tls_port: ${server.tlsPort}
    tls_pubkey_pinset:
      - digest: "sha256"
        value: ${server.pin}
`,
  );
  return startPeer('stubby', 'stubby', ['-C', file, '-v', '5'], port);
}

describe('resolvers over TLS', () => {
  let server: Server;
  beforeAll(async () => {
    server = await serve();
  });
  afterAll(() => server?.stop());

  const noUnbound = missingTools(['unbound']);
  it.skipIf(noUnbound)(`unbound with stub-tls-upstream, our name verified${noUnbound ?? ''}`, async () => {
    const options = `${FORGETFUL}  outgoing-interface: ${LOOPBACK}
  module-config: "iterator"
  qname-minimisation: no
  target-fetch-policy: "0 0 0 0 0"
  tls-cert-bundle: "${CERTIFICATE}"
`;
    const stub = `stub-zone:
  name: "home.test"
  stub-addr: ${LOOPBACK}@${server.tlsPort}#ns1.home.test
  stub-tls-upstream: yes
  stub-no-cache: yes
`;
    const unbound = await runUnbound(join(FOLDER, 'unbound'), options, stub);
    try {
      const { rcodes, inside, handshakes, outside } = await resolveAll(server, unbound);
      expect([rcodes, outside]).toEqual([RCODES, 0]);
      expect(inside).toBeGreaterThanOrEqual(NAMES.length);
      expect(handshakes).toBeGreaterThanOrEqual(1);
    } finally {
      await unbound.stop();
    }
  });

  const noStubby = missingTools(['stubby']);
  it.skipIf(noStubby)(`stubby, our pin verified, one session for all${noStubby ?? ''}`, async () => {
    const stubby = await startStubby(server);
    try {
      const { rcodes, inside, handshakes, outside } = await resolveAll(server, stubby);
      expect([rcodes, outside, inside]).toEqual([RCODES, 0, NAMES.length]);
      expect(handshakes).toBeLessThanOrEqual(1);
    } finally {
      await stubby.stop();
    }
  });

  it.skipIf(noStubby)(`stubby, ${BURSTS} bursts of ${BURST} names: none stalls or fails${noStubby ?? ''}`, async () => {
    const stubby = await startStubby(server);
    const outcomes: Record<string, number> = {};
    try {
      for (let burst = 0; burst < BURSTS; burst++) {
        const names = Array.from({ length: BURST }, (_, i) => `burst-${burst}-${i}.at.dev.home.test`);
        const ask = (name: string) => askUdp(stubby, buildQuery({ name: `${name}.`, rd: true, edns: {} }));
        for (const answer of await Promise.all(names.map(ask))) {
          const outcome = answer === undefined ? 'stalled' : `rcode ${decodeMessage(answer).rcode}`;
          outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
        }
      }
    } finally {
      await stubby.stop();
    }
    expect(outcomes).toEqual({ 'rcode 0': BURSTS * BURST });
  });

  const noDnsperf = missingPrograms({ dnsperf: 'dnsperf' });
  it.skipIf(noDnsperf)(`dnsperf with ${DNSPERF_SESSIONS} sessions loses nothing${noDnsperf}`, async () => {
    const file = join(FOLDER, 'queries.txt');
    writeFileSync(file, NAMES.map((name) => `${name} A\n`).join(''));
    const before = await server.statistics();
    const where = ['-m', 'dot', '-s', '127.0.0.1', '-p', String(server.tlsPort), '-d', file];
    const rest = ['-c', String(DNSPERF_SESSIONS), '-l', '600', '-e', '-Q', '2000', '-t', '30'];
    const dnsperf = startProgram('dnsperf', [...where, ...rest]);
    const handshakes = ({ tls_handshakes: { full = 0, resumed = 0 } = {} }: typeof before): number => full + resumed;
    const enough = async (): Promise<boolean> => {
      const now = await server.statistics();
      const asked = (now.tls?.messages ?? 0) - (before.tls?.messages ?? 0);
      return asked > 10 * DNSPERF_SESSIONS && handshakes(now) - handshakes(before) >= DNSPERF_SESSIONS;
    };
    await until('all sessions', enough);
    dnsperf.end();
    const stdout = await dnsperf.output;
    expect(await dnsperf.failed, stdout).toBeUndefined();
    expect(stdout).toMatch(/Queries lost:\s+0 /);
    expect(Number(/Queries completed:\s+(\d+)/.exec(stdout)?.[1])).toBeGreaterThan(DNSPERF_SESSIONS);
    expect(stdout).toMatch(/NOERROR \d+ \(7[45]\.\d+%\), NXDOMAIN \d+ \(2[45]\.\d+%\)/);
    const after = await server.statistics();
    expect(handshakes(after) - handshakes(before)).toBe(DNSPERF_SESSIONS);
    expect(after.events?.tcp_refused).toBe(before.events?.tcp_refused);
    expect(await server.openConnections()).toBe(0);
  });
});
