/** adotd as a secondary of BIND, Knot and NSD: AXFR, IXFR, NOTIFY, each algorithm of TSIG, TLS; compared record by record. */
import { X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { pinOf } from '../../src/tls/pin.js';
import { adotd, adotdServe, type Serving } from '../support/cli.js';
import { until } from '../support/patience.js';
import { freePort, LOOPBACK } from '../support/peers/server.js';
import { SEED } from '../support/seed.js';
import { make } from '../tls/support.js';
import { randomFrom } from '../zone/random-zone.js';
import { bindPrimary, knotPrimary, nsdPrimary, type Primary, type PrimaryKey, type PrimaryZone } from './primaries.js';
import { byBind, unsignedZone } from './signed-zones.js';
import { FOLDER, missingPrograms } from './support.js';
import { transferred } from './zone-records.js';

const missing = missingPrograms({ named: 'bind9', knotd: 'knot', nsd: 'nsd' });
const SECRET = Buffer.alloc(64, 5).toString('base64');
const ALGORITHMS = ['hmac-sha1', 'hmac-sha224', 'hmac-sha256', 'hmac-sha384', 'hmac-sha512'];
const keyOf = (algorithm: string): PrimaryKey => ({ name: `${algorithm}.key`, algorithm, secret: SECRET });
const KEY = keyOf('hmac-sha256');

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
let folders = 0;
const folderOf = (name: string): string => join(FOLDER, `${name}-${++folders}`);

/** A version of a zone: its lines by number, so that some can be changed. */
class Zone {
  readonly #lines: string[];
  readonly #random: () => number;
  serial = 1;

  constructor(records: number, random: () => number) {
    this.#random = random;
    this.#lines = Array.from({ length: records }, (_, i) => this.#line(i));
  }

  get text(): string {
    const head = `$TTL 300\n@ SOA ns1 h ${this.serial} 3600 600 86400 60\n@ NS ns1\nns1 A 192.0.2.1\n`;
    return `${head}${this.#lines.join('\n')}\n`;
  }

  /** Another version: so many lines are changed, and one each is added and removed. */
  change(count: number): void {
    this.serial++;
    for (let i = 0; i < count; i++) {
      const at = Math.floor(this.#random() * this.#lines.length);
      this.#lines[at] = this.#line(at);
    }
    this.#lines.splice(0, 1);
    this.#lines.push(this.#line(100_000 + this.serial));
  }

  #line(i: number): string {
    const n = Math.floor(this.#random() * 65_536);
    const lines = [
      `h${i} A 192.0.${n >> 8}.${n & 255}`,
      `h${i} ${60 + (n & 255)} AAAA 2001:db8::${n.toString(16)}`,
      `Mail${i} MX ${n} h${i}`,
      `t${i} TXT "text ${n}" "more"`,
      `c${i} CNAME h${n}`,
      `d${i} NS ns.d${i}\nns.d${i} A 192.0.2.${n & 255}`,
      `_s._tcp.h${i} SRV 1 2 ${n} h${i}`,
      `x.y.z${i} TYPE65280 \\# 2 ${n.toString(16).padStart(4, '0')}`,
    ];
    return lines[i % lines.length]!;
  }
}

const recordsOf = async (port: number, name: string, key?: PrimaryKey): Promise<readonly string[]> =>
  (await transferred(port, name, key)).records;

interface Secondary extends Serving {
  readonly config: string;
}

/** Starts adotd on this port as a secondary of these zones. */
async function secondary(
  port: number,
  zones: readonly PrimaryZone[],
  remote: (key: PrimaryKey) => object,
): Promise<Secondary> {
  const folder = folderOf('adotd');
  const keys = [...new Map(zones.map(({ key }) => [key.name, key])).values()];
  const config = `${folder}.yaml`;
  const settings = {
    control: { socket: `${folder}.sock` },
    state: { folder: `${folder}-state` },
    tls: { enabled: false },
    tsig: keys,
    remotes: [
      ...keys.map((key) => ({ name: key.name, addresses: [LOOPBACK], key: key.name, ...remote(key) })),
      { name: 'tester', addresses: [LOOPBACK] },
    ],
    zones: {
      secondary: zones.map(({ name, key }) => ({ zones: [name], from: [key.name] })),
      policies: [{ default: true, transfer: { to: ['tester'] } }],
    },
  };
  writeFileSync(config, stringify(settings));
  const serving = await adotdServe('--config', config, '--port', String(port));
  ends.push(() => serving.stop());
  return { ...serving, config };
}

/** Waits until adotd has this serial of a zone. */
async function comes(served: Secondary, zone: string, serial: number, primary: Primary): Promise<void> {
  const wanted = new RegExp(`zone ${zone.replaceAll('.', '\\.')}\\. transferred from [^"]* to ${serial}:`);
  const log = (): string => `${served.stderr().slice(-4000)}\n${primary.log().slice(-4000)}`;
  await until(`serial ${serial} of ${zone}`, () => wanted.test(served.stderr()), log);
}

const PRIMARIES = { BIND: bindPrimary, Knot: knotPrimary, NSD: nsdPrimary } as const;

describe.skipIf(missing)(`transfers in (seed ${SEED})${missing ? ` (skipped: ${missing})` : ''}`, () => {
  describe.each(Object.entries(PRIMARIES))('from %s', (name, start) => {
    it.each([10, 1000, 100_000])(
      'of a zone of %d records: AXFR, then IXFR of 50 changes at NOTIFY',
      async (records) => {
        const zone = new Zone(records, randomFrom(SEED + records));
        const port = await freePort();
        const zones = [{ name: 'zone.test', text: zone.text, key: KEY }];
        const primary = await start({ folder: folderOf(name), zones, notify: port });
        ends.push(() => primary.stop());
        const served = await secondary(port, zones, () => ({ port: primary.port }));
        await comes(served, 'zone.test', 1, primary);
        expect(await recordsOf(port, 'zone.test')).toEqual(await recordsOf(primary.port, 'zone.test', KEY));
        zone.change(Math.min(50, records / 2));
        // File times are in whole seconds for some.
        await sleep(1100);
        primary.edit('zone.test', zone.text);
        await comes(served, 'zone.test', 2, primary);
        expect(served.stderr()).toMatch(/IXFR from serial 1 to 2/);
        expect(await recordsOf(port, 'zone.test')).toEqual(await recordsOf(primary.port, 'zone.test', KEY));
      },
      300_000,
    );

    it('signed with each algorithm of TSIG', async () => {
      const text = new Zone(20, randomFrom(SEED)).text;
      const zones = ALGORITHMS.map((algorithm) => ({ name: `${algorithm}.test`, text, key: keyOf(algorithm) }));
      const port = await freePort();
      const primary = await start({ folder: folderOf(name), zones, notify: port });
      ends.push(() => primary.stop());
      const served = await secondary(port, zones, () => ({ port: primary.port }));
      for (const { name: zone, key } of zones) {
        await comes(served, zone, 1, primary);
        expect(await recordsOf(port, zone)).toEqual(await recordsOf(primary.port, zone, key));
      }
      const full = await adotd('ctl', '--config', served.config, 'transfer', zones[0]!.name, '--full');
      expect(full).toMatchObject({ status: 0, stdout: `${zones[0]!.name}: transferred, serial 1 now\n` });
      const none = await adotd('ctl', '--config', served.config, 'transfer', zones[1]!.name);
      expect(none).toMatchObject({ status: 0, stdout: `${zones[1]!.name}: serial 1 is the newest\n` });
    }, 300_000);
  });

  describe.each([
    ['NSEC', []],
    ['NSEC3', ['-3', 'AABB']],
    ['NSEC3 with opt-out', ['-3', '-', '-A']],
  ])('of a zone signed with %s', (_, options) => {
    it.each(Object.entries(PRIMARIES))(
      'from %s',
      async (name, start) => {
        const folder = folderOf(name);
        const signed = (serial: number): string => {
          const here = join(folder, String(serial));
          mkdirSync(here, { recursive: true });
          writeFileSync(
            join(here, 'plain'),
            unsignedZone(randomFrom(SEED + serial)).replace(/\b1 3600/, `${serial} 3600`),
          );
          return readFileSync(byBind(13, options).sign(here, join(here, 'plain')), 'latin1');
        };
        const port = await freePort();
        const zones = [{ name: 'example.test', text: signed(1), key: KEY }];
        const primary = await start({ folder: join(folder, 'primary'), zones, notify: port });
        ends.push(() => primary.stop());
        const served = await secondary(port, zones, () => ({ port: primary.port }));
        await served.logged(/zone example\.test\. transferred/);
        expect(await recordsOf(port, 'example.test')).toEqual(await recordsOf(primary.port, 'example.test', KEY));
      },
      300_000,
    );
  });

  it('go on from the state after a restart: served at once, without a primary', async () => {
    const zone = new Zone(100, randomFrom(SEED));
    const port = await freePort();
    const zones = [{ name: 'zone.test', text: zone.text, key: KEY }];
    const primary = await bindPrimary({ folder: folderOf('BIND'), zones, notify: port });
    ends.push(() => primary.stop());
    const served = await secondary(port, zones, () => ({ port: primary.port }));
    await comes(served, 'zone.test', 1, primary);
    const before = await recordsOf(port, 'zone.test');
    await served.stop();
    await primary.stop();
    const again = await adotdServe('--config', served.config, '--port', String(port));
    ends.push(() => again.stop());
    expect(await recordsOf(port, 'zone.test')).toEqual(before);
    await again.logged(/no primary could be used \(1 in a row\), serial 1 stays/);
    expect(again.stderr()).not.toMatch(/transferred|has expired/);
    expect(await adotd('ctl', '--config', served.config, 'transfer', 'zone.test')).toMatchObject({ status: 1 });
    const { stdout } = await adotd('ctl', '--config', served.config, 'status', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ zones: { served: 1, failed: 0, records: before.length - 1 } });
    expect(JSON.parse(stdout).health).not.toBe('critical');
  }, 300_000);

  it.each([
    ['BIND', bindPrimary, false],
    ['BIND with certificates of both sides', bindPrimary, true],
    ['NSD, which knows no ALPN', nsdPrimary, false],
  ])(
    'inside TLS from %s',
    async (name, start, isMutual) => {
      const authority = await make({ names: ['Test CA'], isIssuer: true });
      const [server, client] = [
        await make({ names: ['primary.test'], issuer: authority }),
        await make({ names: ['secondary.test'], issuer: authority }),
      ];
      const folder = folderOf(name.split(' ')[0]!);
      const files = {
        ca: authority.cert,
        cert: server.cert,
        key: server.key,
        client: client.cert,
        'client-key': client.key,
      };
      const put = (file: string): string => `${folder}-${file}.pem`;
      for (const [file, text] of Object.entries(files)) writeFileSync(put(file), text);
      const zone = new Zone(500, randomFrom(SEED));
      const port = await freePort();
      const zones = [{ name: 'zone.test', text: zone.text, key: KEY }];
      const tls = { cert: put('cert'), key: put('key'), clientCa: isMutual ? put('ca') : undefined };
      const primary = await start({ folder, zones, notify: port, tls });
      ends.push(() => primary.stop());
      const isNsd = name.startsWith('NSD');
      const pin = pinOf(new X509Certificate(server.cert).publicKey);
      const remote = {
        port: primary.port,
        tls: {
          port: primary.tlsPort,
          ...(isNsd ? { pins: [pin], alpn: 'optional' } : { ca: put('ca'), name: 'primary.test' }),
          ...(isMutual && { cert: put('client'), key_file: put('client-key') }),
        },
      };
      const served = await secondary(port, zones, () => remote);
      await comes(served, 'zone.test', 1, primary);
      zone.change(20);
      await sleep(1100);
      primary.edit('zone.test', zone.text);
      await comes(served, 'zone.test', 2, primary);
      expect(served.stderr()).toMatch(/IXFR from serial 1 to 2/);
      expect(await recordsOf(port, 'zone.test')).toEqual(await recordsOf(primary.port, 'zone.test', KEY));
      if (!isMutual) return;
      const stranger = await secondary(await freePort(), zones, () => ({
        ...remote,
        tls: { ...remote.tls, cert: undefined, key_file: undefined },
      }));
      await stranger.logged(/no primary could be used/);
    },
    300_000,
  );
});
