import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Transport as FactsTransport, Limited } from '../../src/answer/facts.js';
import type { Transport } from '../../src/client/session/connect.js';
import { exchange } from '../../src/client/session/exchange.js';
import { parseConfig } from '../../src/config/load.js';
import { policyChoice, policyIndex } from '../../src/config/policy-choice.js';
import { isAllowed } from '../../src/image/access.js';
import { ZONE_POLICY, ZONE_WORDS } from '../../src/image/catalog.js';
import { POLICY_FLAGS, POLICY_TLS } from '../../src/image/policy.js';
import { startServer } from '../../src/index.js';
import { summaryOf } from '../../src/observe/counters/summary.js';
import { rateLimitOf } from '../../src/server/plane/thread-settings.js';
import { underLimit } from '../../src/server/plane/transport-context.js';
import {
  filesOfTransferred,
  misplacedPolicies,
  policiesOf,
  policyPlaces,
  unservedPolicies,
} from '../../src/server/policies.js';
import { dnssecChecksOf } from '../../src/server/signing/dnssec-checks.js';
import { checkOf, loadZone } from '../../src/server/zones/load-zone.js';
import { ServedZones, type ZonesReport } from '../../src/server/zones/served-zones.js';
import { engineOf, zoneOf } from '../answer/support.js';
import { askTcp, askTls, askUdp } from '../support/ask.js';
import { buildQuery, decodeMessage } from '../support/message.js';
import { until } from '../support/patience.js';
import { startThreads } from '../support/threads.js';

const config = (text: string) => parseConfig(text, 'adotd.yaml');
const ZONE = '@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n';
const QUERY = buildQuery({ name: 'ns.a.test.' });
const REQUIRE = { policies: [{ zones: ['A.test'], require: 'tls' }] };
const certs = mkdtempSync(join(tmpdir(), 'adotd-policies-'));
afterAll(() => rmSync(certs, { recursive: true, force: true }));

describe('zones that come from a primary', () => {
  it('are errors where a file has them too, at their places', () => {
    const text = `state: { folder: state }
remotes: [{ name: one, addresses: [192.0.2.1] }]
zones:
  secondary: [{ zones: [a.test, B.test], from: [one] }]
  catalogs: [{ zone: c.test, from: [one] }]
`;
    const files = new Map([
      ['b.test.', 'b.zone'],
      ['c.test.', 'c.zone'],
      ['d.test.', 'd.zone'],
    ]);
    const placeOf = (path: readonly PropertyKey[]) => ({ file: path.join('.'), line: 1, column: 1 });
    const found = filesOfTransferred(config(text), files, placeOf);
    expect(found.map(({ file, severity, message }) => [file, severity, message.replace(/;.*/, '')])).toEqual([
      ['zones.secondary.0.zones.1', 'error', 'zone b.test. comes from a primary, and is in b.zone too'],
      ['zones.catalogs.0.zone', 'error', 'zone c.test. comes from a primary, and is in c.zone too'],
    ]);
  });
});

describe('policies made from the configuration', () => {
  it('are none when nobody is named: an empty list costs nothing', () => {
    const { access, zones } = policiesOf(config('access: {}\nzones: { policies: [{ zones: [a.test] }] }'));
    expect(access).toBeUndefined();
    expect(zones.get('a.test.')).toEqual({ tlsOnly: false, access: undefined });
    expect(zones.get('b.a.test.')).toBeUndefined();
  });

  it('go by names in any form, one object for all zones of a policy', () => {
    const text = 'zones: { policies: [{ zones: [A.Test, ".", "b.test."], require: tls, access: { deny: ["::1"] } }] }';
    const { zones } = policiesOf(config(text));
    expect(new Set(['a.test.', '.', 'b.test.'].map((name) => zones.get(name))).size).toBe(1);
    expect(zones.get('c.test.')).toBeUndefined();
    const { tlsOnly, access } = zones.get('.')!;
    expect(tlsOnly).toBe(true);
    expect(isAllowed(access!, 0, new Uint8Array(16).fill(1, 15), 16)).toBe(false);
  });

  it('of names that no zone has are errors', () => {
    const { policies } = config('zones: { policies: [{ zones: [a.test, b.test], require: tls }] }').zones;
    const placeOf = (path: readonly PropertyKey[]) => ({ file: path.join('/'), line: 2, column: 3 });
    expect(unservedPolicies(policies, new Set(['b.test.']), placeOf)).toEqual([
      {
        severity: 'error',
        file: 'zones/policies/0/zones/0',
        line: 2,
        column: 3,
        message: 'zones.policies[0].zones[0]: no zone a.test. is served; did you mean b.test.?',
      },
    ]);
    const [{ message } = { message: '' }] = unservedPolicies(policies, new Set(['elsewhere.example.']), placeOf);
    expect(message).toMatch(/no zone a\.test\. is served; expected the name of a zone that is served$/);
  });
});

describe('the policy of a zone', () => {
  const text = `zones: { policies: [
    { zones: [a.test, "*.b.test"], dnssec_check: off },
    { zones: ["*.c.b.test", '*.d\\.e.test'], require: tls },
    { zones: ["*.test"], access: { deny: ["::1"] }, dnssec_check: full },
    { groups: [special] },
    { default: true, access: { deny: ["::2"] } },
  ] }`;
  const given = config(text);
  const choice = policyChoice(given.zones.policies);

  it.each([
    ['a.test.', 0],
    ['x.a.test.', 2],
    ['b.test.', 2],
    ['x.b.test.', 0],
    ['x.y.b.test.', 0],
    ['c.b.test.', 0],
    ['x.c.b.test.', 1],
    ['xc.b.test.', 0],
    ['x.d\\.e.test.', 1],
    ['d\\.e.test.', 2],
    ['x.e.test.', 2],
    ['test.', 4],
    ['example.', 4],
    ['.', 4],
  ])('%s is that of its name, else of the longest pattern, else the default', (zone, index) => {
    expect(policyIndex(choice, zone)).toBe(index);
    expect(policiesOf(given).zones.get(zone)?.tlsOnly).toBe(index === 1);
    const check = ['off', 'expiry', 'full', 'expiry', 'expiry'][index];
    expect(checkOf(zone, dnssecChecksOf(given))).toBe(check);
  });

  it('is lost also to a shorter pattern or the default, when a name or a pattern is mistyped', () => {
    const policed = (policies: string) => config(`zones: { policies: [${policies}] }`);
    const found = (before: string, later: string) =>
      misplacedPolicies(
        policed(before),
        policed(later),
        new Set(['a.test.', 'x.b.test.']),
        policyPlaces(undefined, given),
      ).map(({ message }) => message.replace(/ \(.*/s, ''));
    const open = '{ default: true }';
    expect(found(`{ zones: [a.test] }, ${open}`, `{ zones: [aa.test] }, ${open}`)).toEqual([
      'zones.policies[0].zones[0]: no zone aa.test. is served; did you mean a.test.?',
    ]);
    expect(found(`{ zones: ["*.b.test"] }, ${open}`, `{ zones: ["*.bb.test"] }, ${open}`)).toEqual([
      'zones.policies[0].zones[0]: no zone that is served matches *.bb.test.',
    ]);
    expect(
      found('{ zones: [a.test] }, { zones: ["*.test"] }', '{ zones: [aa.test] }, { zones: ["*.test"] }'),
    ).toHaveLength(1);
    // Nothing is mistyped: the policy is taken away on purpose, or another name gets it.
    expect(found('{ zones: [a.test] }', open)).toEqual([]);
    expect(found('{ zones: [a.test] }', '{ zones: ["*.test"] }')).toEqual([]);
    expect(found('{ zones: ["*.b.test"] }', '{ zones: [x.b.test, "*.new.test"] }')).toEqual([]);
  });
});

describe('policies of the zones that are served', () => {
  const given = config('zones: { policies: [{ zones: [a.test], require: tls }] }');
  const policies = policiesOf(given);
  const mistakes = (served: ReadonlySet<string>) =>
    unservedPolicies(given.zones.policies, served, policyPlaces(undefined, given));
  const load = (file: string, text = ZONE) => loadZone({ file, text, name: 'a.test' }, { now: 0 });
  const needsTls = ({ catalog }: ZonesReport): boolean[] =>
    Array.from({ length: catalog.zoneCount }, (_, zone) => {
      const policy = catalog.zones[zone * ZONE_WORDS + ZONE_POLICY]!;
      return policy > 0 && catalog.policies[policy + POLICY_FLAGS] === POLICY_TLS;
    });

  it('hold for a zone that loads, fails, is kept, comes later, and after every reload', () => {
    const zones = new ServedZones();
    zones.restrict(policies, mistakes);
    expect(needsTls(zones.apply([load('a', 'broken')]))).toEqual([true]);
    expect(needsTls(zones.apply([load('a')]))).toEqual([true]);
    expect(needsTls(zones.apply([load('a', 'broken')]))).toEqual([true]);
    const gone = zones.apply([]);
    expect([needsTls(gone), gone.sound]).toEqual([[], false]);
    const back = zones.apply([load('other-file')]);
    expect([needsTls(back), back.sound]).toEqual([[true], true]);
  });

  it('change with the catalog, not before', () => {
    const zones = new ServedZones();
    const before = zones.apply([load('a')]);
    zones.restrict(policies);
    expect(needsTls(before)).toEqual([false]);
    expect(needsTls(zones.change([], []))).toEqual([true]);
    expect(needsTls(before)).toEqual([false]);
  });
});

describe('a server with policies', () => {
  it('answers a zone that requires TLS inside TLS only, in one thread and in several', async () => {
    const given = { zones: REQUIRE, tls: { certs_folder: certs } };
    await using one = await startServer({ zones: { 'a.test': ZONE, 'b.test': ZONE }, config: given });
    await using several = await startThreads({ 'a.test': ZONE, 'b.test': ZONE }, given);
    for (const { port, tls } of [
      { port: one.udp, tls: one.tls },
      { port: several.port, tls: several.tlsPort },
    ]) {
      const rcode = (answer: Uint8Array | undefined) => answer && decodeMessage(answer).rcode;
      expect(rcode(await askUdp({ port }, QUERY))).toBe(5);
      expect(rcode(await askTcp({ port }, QUERY))).toBe(5);
      expect(rcode(await askTls({ port: tls }, QUERY))).toBe(0);
      expect(rcode(await askUdp({ port }, buildQuery({ name: 'ns.b.test.' })))).toBe(0);
    }
  });

  it('answers it over every kind of session that has become encrypted', async () => {
    const given = { zones: REQUIRE, tls: { certs_folder: certs } };
    await using server = await startServer({ zones: { 'a.test': ZONE }, config: given });
    const ask = (transport: Transport) =>
      exchange(
        { name: 'ns.a.test', type: 1, edns: {} },
        { transport, server: { address: server.address, port: transport === 'tls' ? server.tls : server.udp } },
      );
    for (const [transport, rcode] of [
      ['udp', 5],
      ['tcp', 5],
      ['starttls', 0],
      ['tls', 0],
    ] as const) {
      const { message } = await ask(transport);
      expect([transport, message.rcode, message.answers.length]).toEqual([transport, rcode, rcode === 0 ? 1 : 0]);
    }
  });

  it('does not start when a policy is about a zone that it does not serve', async () => {
    const given = { zones: { policies: [{ zones: ['aa.test'], access: { deny: ['::1'] } }] } };
    await expect(startServer({ zones: { 'a.test': ZONE }, config: given })).rejects.toThrow(
      'config:1:1: zones.policies[0].zones[0]: no zone aa.test. is served; did you mean a.test.?',
    );
  });

  it('does not start when a zone requires TLS and there is none', async () => {
    await expect(startServer({ zones: { 'a.test': ZONE }, tls: false, config: { zones: REQUIRE } })).rejects.toThrow(
      'expected tls.enabled: true as well',
    );
  });
});

describe('the rate limit of a server', () => {
  it('is none unless it is turned on: the responder stays as it is', () => {
    const { responder } = engineOf({ 'a.test': zoneOf('') });
    expect(rateLimitOf(config(''))).toBeUndefined();
    expect(underLimit(responder, undefined)).toBe(responder);
  });

  it('is what the configuration says, under a secret of its own', () => {
    const text =
      'rate_limit: { mode: log, responses_per_second: 7, all_per_second: 70, slip: 3, exempt: [10.0.0.0/8] }';
    const [one, other] = [rateLimitOf(config(text)), rateLimitOf(config(text))];
    expect(one?.settings).toMatchObject({ responses: 7, all: 70, window: 15, slip: 3, ipv4Prefix: 24, ipv6Prefix: 56 });
    expect(one?.settings.logOnly).toBe(true);
    expect(isAllowed(one!.settings.exempt!, 0, Uint8Array.of(10, 9, 9, 9), 4)).toBe(true);
    expect(one?.settings.secret).not.toEqual(other?.settings.secret);
    expect(one?.words.buffer).toBeInstanceOf(SharedArrayBuffer);
  });

  it('holds for all threads together, for UDP alone, and is counted', async () => {
    const limit = { mode: 'on', responses_per_second: 5, window: 3600, slip: 0 };
    await using running = await startThreads({ 'a.test': ZONE }, { workers: 2, rate_limit: limit });
    const { port } = running;
    const began = performance.now();
    let passed = 0;
    // Sockets of different ports, so that both threads get some.
    const sockets = Array.from({ length: 60 }, () => createSocket('udp4').on('message', () => passed++));
    for (const socket of sockets) socket.send(QUERY, port, '127.0.0.1');
    const counts = () => summaryOf(running.server.counters).udp;
    await until('all messages', () => counts()?.messages === 60);
    await until('the answers', () => passed === 60 - (counts()?.limit_dropped ?? 0));
    for (const socket of sockets) socket.close();
    expect(passed).toBeGreaterThanOrEqual(5);
    // Those of each second, and a few that two threads count at the same moment.
    const seconds = Math.floor((performance.now() - began) / 1000) + 2;
    expect(passed).toBeLessThanOrEqual(5 * seconds + 4);
    expect(decodeMessage((await askTcp({ port }, QUERY))!).rcode).toBe(0);
    expect(counts()).toMatchObject({ messages: 60, limit_dropped: 60 - passed });
  });

  it('is nothing to a client on TCP and TLS', () => {
    const engine = engineOf({ 'a.test': zoneOf('') });
    const limited = underLimit(
      engine.responder,
      rateLimitOf(config('rate_limit: { mode: on, responses_per_second: 1 }')),
    );
    engine.facts.transport = FactsTransport.TLS;
    const out = new Uint8Array(512);
    for (let i = 0; i < 20; i++) limited.respond(QUERY, 0, QUERY.length, engine.facts, out, 0, 512);
    expect(limited.outcome.limited).toBe(Limited.NONE);
  });
});
