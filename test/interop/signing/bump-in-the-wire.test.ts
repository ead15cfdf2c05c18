/**
 * adotd stands between a primary that knows nothing of DNSSEC and a secondary: it has the zones from Knot, signs them, and gives them to BIND. What it
 * serves verifies, has the records of the primary, and is what BIND has, whoever changes the zone: the primary, or adotd its keys.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { adotd, adotdServe, type Serving } from '../../support/cli.js';
import { freePort, LOOPBACK, type Peer } from '../../support/peers/server.js';
import { knotPrimary, type Primary, type PrimaryKey } from '../primaries.js';
import { startBindSecondary } from '../secondary-peers.js';
import { FOLDER, missingPrograms, run } from '../support.js';
import { transferred } from '../zone-records.js';

const missing = missingPrograms({
  dig: 'bind9-dnsutils',
  named: 'bind9',
  knotd: 'knot',
  'dnssec-verify': 'bind9-utils',
});
const KEY: PrimaryKey = {
  name: 'primary.key',
  algorithm: 'hmac-sha256',
  secret: Buffer.alloc(32, 5).toString('base64'),
};
/** Zones, by their policies of signing. */
const POLICIES = { 'default.test': 'default', 'rolled.test': 'fast' } as const;
const ZONES = Object.keys(POLICIES);
const SOA = 6;
const DNSKEY = 48;
/** What a signer adds: RRSIG, NSEC, DNSKEY, NSEC3, NSEC3PARAM, CDS, CDNSKEY. */
const SIGNING = [46, 47, DNSKEY, 50, 51, 59, 60];
/** Names of a zone: a difference is much shorter than the zone. */
const HOSTS = 100;
/** Milliseconds: machines with much to do take their time. */
const PATIENCE = 60_000;

/** A version of a zone: each one brings a name, takes one away, and changes a record. */
function zoneText(version: number): string {
  const hosts = Array.from({ length: HOSTS }, (_, i) => `host${i + version} A 192.0.2.${i + version}`);
  const head = `$TTL 1\n@ SOA ns h ${version} 3600 600 86400 1\n@ NS ns\nns A 192.0.2.1\n`;
  return `${head}marker TXT "version ${version}"\n*.wild TXT "w"\ncut NS ns.cut\nns.cut A 192.0.2.2\n${hosts.join('\n')}\n`;
}

const markerOf = (version: number): string => Buffer.from(`version ${version}`).toString('hex');
const typeOf = (record: string): number => Number(record.split(' ')[2]);
/** The records that are the primary's affair; the serial is not. */
const contentOf = (records: readonly string[]): string[] =>
  records.filter((record) => typeOf(record) !== SOA && !SIGNING.includes(typeOf(record)));
const keysOf = (records: readonly string[]): string[] => records.filter((record) => typeOf(record) === DNSKEY);

describe.skipIf(missing)(`a zone that is signed between its servers${missing ? ` (skipped: ${missing})` : ''}`, () => {
  const folder = join(FOLDER, 'between');
  const socket = join(folder, 'ctl.sock');
  const config = join(folder, 'adotd.yaml');
  let port = 0;
  let primary: Primary;
  let signer: Serving;
  let copy: Peer;
  let copyPort = 0;

  const startPrimary = (version: number): Promise<Primary> =>
    knotPrimary({
      folder: join(folder, 'knot'),
      zones: ZONES.map((name) => ({ name, text: zoneText(version), key: KEY })),
      notify: port,
    });

  /** Writes the configuration for the primary that runs now. */
  function configure(): void {
    const policies = ZONES.map((zone) => ({
      zones: [zone],
      dnssec: POLICIES[zone as keyof typeof POLICIES],
      transfer: { to: ['copy'] },
      notify: ['copy'],
    }));
    const times = { dnskey_ttl: 1, ds_ttl: 1, propagation: 1, parent_propagation: 0 };
    const settings = {
      listen: [LOOPBACK],
      workers: 1,
      tls: { enabled: false },
      control: { socket },
      state: { folder: join(folder, 'state') },
      tsig: [KEY],
      remotes: [
        { name: 'primary', addresses: [LOOPBACK], port: primary.port, key: KEY.name },
        { name: 'copy', addresses: [LOOPBACK], port: copyPort },
      ],
      dnssec: { policies: { fast: { ...times, keys: 'ksk+zsk', nsec3: {} } } },
      zones: { secondary: [{ zones: ZONES, from: ['primary'] }], policies },
    };
    writeFileSync(config, stringify(settings));
  }

  async function ctl(...words: readonly string[]): Promise<void> {
    expect(await adotd('ctl', '--socket', socket, ...words)).toMatchObject({ status: 0 });
  }

  beforeAll(async () => {
    mkdirSync(folder);
    port = await freePort();
    copyPort = await freePort();
    primary = await startPrimary(1);
    configure();
    signer = await adotdServe('--config', config, '--port', String(port));
    // BIND forgets a NOTIFY that comes while it asks in vain, and asks again only after minutes.
    for (const zone of ZONES) await signer.logged(new RegExp(`zone ${zone}\\. transferred from primary`));
    copy = await startBindSecondary({
      folder: join(folder, 'bind'),
      primary: port,
      port: copyPort,
      zones: ZONES.map((name) => ({ name })),
      keys: [],
    });
  });
  afterAll(async () => {
    await copy?.stop();
    await signer?.stop();
    await primary?.stop();
  });

  /** How often BIND has had a zone by IXFR. */
  const differences = (zone: string): number =>
    signer
      .stderr()
      .split('\n')
      .filter((line) => line.includes(`"${zone}."`) && line.includes('"form":"ixfr"')).length;

  /** Waits until BIND has what is looked for, and the same version as adotd; returns its records, which verify. */
  async function copied(zone: string, what: string, isThere: (records: readonly string[]) => boolean) {
    for (const end = Date.now() + PATIENCE; Date.now() < end; await sleep(50)) {
      const before = await transferred(copyPort, zone).catch(() => undefined);
      if (before === undefined || !isThere(before.records)) continue;
      const ours = await transferred(port, zone);
      const { serial, records } = await transferred(copyPort, zone);
      if (serial !== ours.serial) continue;
      expect(records, zone).toEqual(ours.records);
      await verify(zone);
      return records;
    }
    throw new Error(
      `BIND does not get ${zone} with ${what}:\n${signer.stderr().slice(-4000)}\n${copy.log().slice(-4000)}`,
    );
  }

  async function verify(zone: string): Promise<void> {
    const words = [`@${LOOPBACK}`, '-p', String(port), zone, 'AXFR', '+noall', '+answer', '+onesoa', '+nosplit'];
    const { stdout } = await run('dig', words);
    const file = join(folder, `${zone}.axfr`);
    writeFileSync(file, stdout);
    const { status, stderr } = await run('dnssec-verify', ['-q', '-z', '-o', zone, file]);
    expect(stderr, zone).toBe('');
    expect(status, zone).toBe(0);
  }

  /** Waits until a version of the primary has come to BIND, signed, and whole. */
  async function arrived(zone: string, version: number): Promise<void> {
    const isThere = (records: readonly string[]): boolean =>
      keysOf(records).length > 0 && records.some((record) => record.endsWith(markerOf(version)));
    const records = await copied(zone, `version ${version}, signed`, isThere);
    expect(contentOf(records), zone).toEqual(contentOf((await transferred(primary.port, zone, KEY)).records));
  }

  it('verifies and reaches the secondary, at first and by IXFR after each change of the primary', async () => {
    await Promise.all(ZONES.map((zone) => arrived(zone, 1)));
    for (const version of [2, 3, 4]) {
      const before = ZONES.map(differences);
      for (const zone of ZONES) primary.edit(zone, zoneText(version));
      await Promise.all(ZONES.map((zone) => arrived(zone, version)));
      for (const [i, zone] of ZONES.entries()) expect(differences(zone), zone).toBeGreaterThan(before[i]!);
    }
    expect(signer.stderr()).toMatch(/IXFR from serial 3 to 4/);
  });

  it('gets other keys while the primary is away, and takes its next change', async () => {
    const zone = 'rolled.test';
    const before = await copied(zone, 'keys', (records) => keysOf(records).length > 0);
    // The flags of a ZSK are 256.
    const old = keysOf(before).find((key) => key.split(' ')[3]!.startsWith('0100'));
    expect(old).toBeDefined();
    await primary.stop();
    await ctl('dnssec', 'roll', zone, '--role', 'zsk');
    const after = await copied(zone, 'another ZSK alone', (records) => {
      const keys = keysOf(records);
      return keys.length === 2 && !keys.includes(old!);
    });
    expect(contentOf(after)).toEqual(contentOf(before));
    primary = await startPrimary(5);
    configure();
    await ctl('reload');
    await Promise.all(ZONES.map((each) => arrived(each, 5)));
  });
});
