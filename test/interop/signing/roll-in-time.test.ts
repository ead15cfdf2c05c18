/**
 * Rolls in wall time, with TTLs of two seconds: adotd serves a parent and its children, a registry does what CDS records ask for, and unbound, which
 * trusts the keys of the parent, validates the children several times a second. ADOTD_ROLLS asks for so many rolls of each child.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Exchange } from '../../differential/exchange.js';
import type { Peer } from '../../support/peers/server.js';
import { missingTools } from '../../support/peers/tools.js';
import { runUnbound } from '../../support/peers/unbound.js';
import { Configured, comes } from './configured.js';
import { Registry, recordsOf } from './registry.js';
import { SteadyValidation } from './steady-validation.js';

const missing = missingTools(['unbound']);
const ROLLS = Number(process.env.ADOTD_ROLLS ?? 1);
const PARENT = 'roll.test.';
/** Children, by what is done to them. */
const LEAVING = `leaving.${PARENT}`;
const KEYS = `keys.${PARENT}`;
const ALGORITHM = `algorithm.${PARENT}`;
const CHILDREN = [LEAVING, KEYS, ALGORITHM];
const DNSKEY = 48;
/** Milliseconds: a roll takes some 20 s. */
const PATIENCE = 120_000;
/** TTLs of two seconds. Versions reach unbound at once, but its caches count whole seconds, and the machine may be slow. */
const TIMES = { dnskey_ttl: 2, ds_ttl: 2, propagation: 2, parent_propagation: 0 };

const folder = mkdtempSync(join(tmpdir(), 'adotd-roll-'));

const CHILD = [
  'www 2 A 192.0.2.1',
  'alias 2 CNAME www',
  '*.wild 2 TXT "found"',
  'x.ent 2 A 192.0.2.2',
  'cut 2 NS ns.cut',
];

describe.skipIf(missing)(`rolls, as a validating resolver sees them${missing ? ` (skipped: ${missing})` : ''}`, () => {
  const parent = new Configured(join(folder, 'parent'));
  const children = new Configured(join(folder, 'children'));
  /** What happens to a child, for the list of faults. */
  const phases = new Map<string, string>();
  const policies: Record<string, { keys: string; algorithm: string; nsec3: unknown }> = {
    [LEAVING]: { keys: 'ksk+zsk', algorithm: 'ECDSAP256SHA256', nsec3: false },
    [KEYS]: { keys: 'ksk+zsk', algorithm: 'ED25519', nsec3: {} },
    [ALGORITHM]: { keys: 'csk', algorithm: 'ECDSAP256SHA256', nsec3: false },
  };
  const unsigned = new Set<string>();
  let registry: Registry;
  let direct: Exchange;
  let unbound: Peer;
  let validation: SteadyValidation;

  const childConfig = (): object => ({
    remotes: [{ name: 'above', addresses: ['127.0.0.1'], port: parent.port }],
    dnssec: {
      policies: Object.fromEntries(
        CHILDREN.map((zone) => [zone.split('.')[0], { ...TIMES, ...policies[zone], parent: ['above'] }]),
      ),
    },
    zones: {
      folder: join(folder, 'children', 'zones'),
      policies: CHILDREN.map((zone) => ({ zones: [zone], dnssec: unsigned.has(zone) ? 'off' : zone.split('.')[0] })),
    },
  });

  beforeAll(async () => {
    const cuts = CHILDREN.map((zone) => `${zone} 2 NS ns.${zone}\nns.${zone} 2 A 127.0.0.1`);
    parent.writeZone(PARENT, cuts);
    await parent.start({
      remotes: [{ name: 'registry', addresses: ['127.0.0.1'] }],
      dnssec: { policies: { fast: TIMES } },
      zones: {
        folder: join(folder, 'parent', 'zones'),
        policies: [
          {
            zones: [PARENT],
            dnssec: 'fast',
            update: [{ remote: 'registry', allow: [{ subdomain: PARENT, types: ['DS'] }] }],
          },
        ],
      },
    });
    for (const zone of CHILDREN) children.writeZone(zone, CHILD);
    const above = await Exchange.open({ name: 'parent', address: '127.0.0.1', port: parent.port });
    await comes('the keys of the parent', async () => (await recordsOf(above, PARENT, DNSKEY)).length > 0);
    const anchors = await recordsOf(above, PARENT, DNSKEY);
    above.close();
    await children.start(childConfig());
    unbound = await startCachingUnbound(anchors);
    registry = await Registry.open(PARENT, parent, children);
    direct = await Exchange.open({ name: 'children', address: '127.0.0.1', port: children.port });
    validation = await SteadyValidation.open(unbound);
    for (const zone of CHILDREN) {
      registry.watch(zone);
      validation.watch(zone, () => phases.get(zone) ?? 'first signing');
    }
  });
  afterAll(async () => {
    await validation?.close();
    await registry?.close();
    direct?.close();
    await unbound?.stop();
    await children.stop();
    await parent.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** `anchors`: RDATA of DNSKEY in hexadecimal. */
  function startCachingUnbound(anchors: readonly string[]): Promise<Peer> {
    const trusted = anchors.map((hex) => {
      const key = Buffer.from(hex, 'hex');
      return `  trust-anchor: "${PARENT} DNSKEY ${key.readUInt16BE(0)} ${key[2]} ${key[3]} ${key.toString('base64', 4)}"\n`;
    });
    const options = `  do-not-query-localhost: no
  outgoing-interface: 127.0.0.1
  module-config: "validator iterator"
  target-fetch-policy: "0 0 0 0 0"
  qname-minimisation: no
  harden-algo-downgrade: yes
  val-log-level: 2
  val-max-restart: 0
${trusted.join('')}`;
    const stub = (name: string, port: number): string =>
      `stub-zone:\n  name: "${name}"\n  stub-addr: 127.0.0.1@${port}\n`;
    const stubs = [stub(PARENT, parent.port), ...CHILDREN.map((zone) => stub(zone, children.port))];
    return runUnbound(join(folder, 'unbound'), options, stubs.join(''));
  }

  /** Has keys replaced, and waits until those that there were are gone; `isOld` says which those are. */
  async function roll(zone: string, what: string, isOld: (hex: string) => boolean, begin: () => Promise<unknown>) {
    phases.set(zone, what);
    const old = (await recordsOf(direct, zone, DNSKEY)).filter(isOld);
    expect(old.length, `${zone}: ${what}`).toBeGreaterThan(0);
    await begin();
    await comes(`the end of ${what} of ${zone}`, async () => {
      const keys = await recordsOf(direct, zone, DNSKEY);
      return keys.length > 0 && !keys.some((key) => old.includes(key));
    });
    phases.set(zone, `after ${what}`);
  }

  const rollOf = (zone: string, role: 'ksk' | 'zsk'): Promise<void> =>
    roll(zone, `the roll of a ${role}`, isOfRole(role), () => children.ctl('dnssec', 'roll', zone, '--role', role));

  const becomesSecure = (zone: string): Promise<void> =>
    comes(`${zone} is secure`, () => validation.isSecure(zone) && registry.count(zone) > 0);

  async function unsign(zone: string): Promise<void> {
    phases.set(zone, 'going unsigned');
    validation.release(zone);
    unsigned.add(zone);
    await children.change(childConfig());
    await comes(`${zone} is unsigned`, async () => (await recordsOf(direct, zone, DNSKEY)).length === 0);
    expect(registry.count(zone)).toBe(0);
    await comes(`${zone} is insecure`, () => validation.isInsecure(zone));
  }

  async function rollAlgorithm(zone: string, algorithm: string): Promise<void> {
    await roll(
      zone,
      `the roll to ${algorithm}`,
      () => true,
      async () => {
        policies[zone]!.algorithm = algorithm;
        await children.change(childConfig());
      },
    );
  }

  it(
    'are never bogus, and secure until the zone is to be unsigned',
    async () => {
      await Promise.all(CHILDREN.map(becomesSecure));
      const rounds = Array.from({ length: ROLLS }, (_, round) => round);
      await Promise.all([
        (async () => {
          for (const _ of rounds) await rollOf(LEAVING, 'zsk');
          await unsign(LEAVING);
        })(),
        (async () => {
          for (const _ of rounds) await rollOf(KEYS, 'ksk');
        })(),
        (async () => {
          for (const round of rounds) await rollAlgorithm(ALGORITHM, round % 2 === 0 ? 'ED25519' : 'ECDSAP256SHA256');
        })(),
      ]);
      expect(validation.faults, `${unbound.log().slice(-4000)}\n${children.log().slice(-4000)}`).toEqual([]);
      expect([KEYS, ALGORITHM].map((zone) => validation.isSecure(zone))).toEqual([true, true]);
      console.log(`${validation.answers} answers`);
    },
    240_000 + ROLLS * PATIENCE,
  );
});

/** Whether DNSKEY RDATA in hexadecimal is of a key with this role: a KSK has the bit SEP. */
function isOfRole(role: 'ksk' | 'zsk'): (hex: string) => boolean {
  return (hex) => hex.startsWith(role === 'ksk' ? '0101' : '0100');
}
