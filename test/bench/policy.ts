/** The cost of access lists and of the rate limit, beside respond() alone; no sockets, one thread. */

import { DEFAULT_SETTINGS } from '../../src/answer/answer-settings.js';
import { createFacts } from '../../src/answer/facts.js';
import { limitedResponder, type RateLimitSettings, rateLimitWords } from '../../src/answer/rate-limit.js';
import { createResponder, type Responder } from '../../src/answer/respond.js';
import { compileAccess, isAllowed } from '../../src/image/access.js';
import { Publisher } from '../../src/image/catalog.js';
import { NO_POLICIES, type Policies, type ZonePolicy } from '../../src/image/policy.js';
import type { Prefix } from '../../src/protocol/prefix.js';
import { nanosecondsEach, printTable } from './measure.js';
import { randomFrom, ZONE, zoneText } from './workload.js';
import { type LoadedZone, loadZone, requests } from './workload-engine.js';

const SEED = 7;
const DISTINCT = 20_000;
const PREFIXES = 10_000;
const NAMES = 100_000;
const DELEGATIONS = 1_000;
/** Each variant is measured this often, in turns; the least value counts, since other programs only add. */
const TURNS = 15;

const LIMIT: RateLimitSettings = {
  responses: 200,
  all: 0,
  window: 15,
  slip: 2,
  ipv4Prefix: 24,
  ipv6Prefix: 56,
  exempt: undefined,
  logOnly: false,
  secret: Int32Array.of(0x01234567, 0x89abcdef | 0),
};

/** Prints the cost of each per query; `count` queries a turn. */
export function benchPolicy(count: number): void {
  const random = randomFrom(SEED);
  const lists = { ipv4: prefixes(4, random), ipv6: prefixes(16, random) };
  console.log(`looking an address up among ${PREFIXES} prefixes of each family, ${count} addresses`);
  const table = compileAccess([], [...lists.ipv4, ...lists.ipv6]);
  printTable([
    ['family', 'ns'],
    ['IPv4', lookup(table, 4, count, random).toFixed(0)],
    ['IPv6', lookup(table, 16, count, random).toFixed(0)],
  ]);

  console.log(
    `\nrespond(), the whole mix, ${count} queries, clients of ${DISTINCT} addresses; the least of ${TURNS} turns`,
  );
  const loaded = loadZone(zoneText(NAMES, DELEGATIONS));
  const access = compileAccess([], lists.ipv4);
  const zone = (policy: ZonePolicy): Policies => ({
    access: undefined,
    zones: new Map([[`${ZONE}.`, policy]]),
  });
  const everything = { ...LIMIT, all: 10_000, exempt: compileAccess(lists.ipv4, []) };
  const flooded = { ...LIMIT, responses: 1 };
  const variants: readonly [string, Policies, RateLimitSettings | undefined, boolean][] = [
    ['nothing', NO_POLICIES, undefined, false],
    [`access list of the server, ${PREFIXES} prefixes`, { ...NO_POLICIES, access }, undefined, false],
    [`access list of the zone, ${PREFIXES} prefixes`, zone({ tlsOnly: false, access }), undefined, false],
    ['policy of the zone without a list', zone({ tlsOnly: false, access: undefined }), undefined, false],
    ['rate limit, not reached', NO_POLICIES, LIMIT, false],
    ['rate limit with all and exempt', NO_POLICIES, everything, false],
    ['rate limit, one client floods', NO_POLICIES, flooded, true],
  ];
  const runs = variants.map(([name, policies, limit, flood]) => ({
    name,
    run: prepared(loaded, policies, limit, flood),
    least: Number.POSITIVE_INFINITY,
  }));
  for (let turn = 0; turn < TURNS; turn++) for (const each of runs) each.least = Math.min(each.least, each.run(count));
  const base = runs[0]?.least ?? 0;
  printTable([
    ['with', 'ns per query', 'more'],
    ...runs.map(({ name, least }) => [name, least.toFixed(0), `${(least - base).toFixed(0)}`]),
  ]);
}

function prefixes(size: number, random: () => number): Prefix[] {
  return Array.from({ length: PREFIXES }, () => {
    const octets = new Uint8Array(size).map((_, i) => (i < 3 ? Math.floor(random() * 256) : 0));
    return { octets, length: 24 };
  });
}

function lookup(table: Int32Array, size: number, count: number, random: () => number): number {
  const addresses = Array.from({ length: 4096 }, () => new Uint8Array(16).map(() => Math.floor(random() * 256)));
  let least = Number.POSITIVE_INFINITY;
  let allowed = 0;
  for (let turn = 0; turn < TURNS; turn++) {
    const began = performance.now();
    for (let i = 0; i < count; i++) if (isAllowed(table, 0, addresses[i & 4095]!, size)) allowed++;
    least = Math.min(least, ((performance.now() - began) * 1e6) / count);
  }
  if (allowed === 0) throw new Error('no address was allowed');
  return least;
}

/** Returns a function that asks `count` queries and returns the nanoseconds of one. */
function prepared(
  { apex, image }: LoadedZone,
  policies: Policies,
  limit: RateLimitSettings | undefined,
  flood: boolean,
): (count: number) => number {
  const publisher = new Publisher();
  publisher.put(apex, image);
  publisher.restrict(policies);
  const facts = createFacts(publisher.publish());
  const inner = createResponder(DEFAULT_SETTINGS);
  const responder: Responder = limit ? limitedResponder(inner, limit, rateLimitWords(65_536)) : inner;
  const out = new Uint8Array(4096);
  const asked = requests(DISTINCT, randomFrom(SEED), NAMES, DELEGATIONS);
  facts.now = 1_800_000_000;
  let client = 0;
  return (count) => {
    const began = process.cpuUsage();
    for (let i = 0; i < count; i++) {
      // Millions of queries of a run come within one second of the clock: that is put forward instead.
      if (!flood && i % DISTINCT === 0) facts.now++;
      const request = asked[i % DISTINCT]!;
      if (!flood) client = (client + 0x61c88647) | 0;
      facts.client[0] = client >>> 24;
      facts.client[1] = client >>> 16;
      facts.client[2] = client >>> 8;
      responder.respond(request, 0, request.length, facts, out, 0, 1232);
    }
    return nanosecondsEach(began, count);
  };
}
