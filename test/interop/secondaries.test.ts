/**
 * Real nameservers as secondaries: they transfer generated zones, are told of changes by NOTIFY, take them by IXFR, and have the same
 * records after each step.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/patience.js';
import { freePort, type Peer } from '../support/peers/server.js';
import { SEED } from '../support/seed.js';
import { randomFrom } from '../zone/random-zone.js';
import {
  type SecondaryZone,
  type StartSecondary,
  startBindSecondary,
  startKnotSecondary,
  startNsdSecondary,
} from './secondary-peers.js';
import { unsignedZone } from './signed-zones.js';
import { FOLDER, missingPrograms, run, type Server, serve } from './support.js';

const missing = missingPrograms({
  dig: 'bind9-dnsutils',
  named: 'bind9',
  knotd: 'knot',
  nsd: 'nsd',
  'dnssec-signzone': 'bind9-utils',
});

const ALGORITHMS = ['hmac-sha1', 'hmac-sha224', 'hmac-sha256', 'hmac-sha384', 'hmac-sha512'] as const;
const SECRET = 'MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=';
const KEYS = ALGORITHMS.map((algorithm) => ({ name: `${algorithm}.key`, algorithm, secret: SECRET }));
const random = randomFrom(SEED);
const ZONES = join(FOLDER, 'zones');
/** Names of zones by what they are; records that the hosts in them have. */
const SIZES = { ten: 0, thousand: 1000, many: 100_000 } as const;
const PLAIN: readonly SecondaryZone[] = [
  ...Object.keys(SIZES).map((name) => ({ name: `${name}.test` })),
  { name: 'nsec.test' },
  { name: 'nsec3.test' },
  ...ALGORITHMS.map((algorithm) => ({ name: `${algorithm}.test`, key: `${algorithm}.key` })),
];

const PEERS: readonly (readonly [string, StartSecondary])[] = [
  ['BIND', startBindSecondary],
  ['Knot', startKnotSecondary],
  ['NSD', startNsdSecondary],
];

/** A zone of this name: one with a record of each kind, and as many hosts. */
function zoneText(name: string, hosts: number): string {
  const text = unsignedZone(random).replaceAll(/example\.test/gi, name);
  return text + Array.from({ length: hosts }, (_, i) => `host${i} A 192.0.2.${i % 256}\n`).join('');
}

/** The zones before they are signed and changed. */
const bases = new Map<string, string>();

function writeZones(): void {
  mkdirSync(ZONES, { recursive: true });
  for (const { name } of PLAIN) {
    const size = Object.entries(SIZES).find(([one]) => name === `${one}.test`)?.[1] ?? 200;
    const file = join(ZONES, `${name}.zone`);
    bases.set(name, zoneText(name, size));
    writeFileSync(file, bases.get(name) ?? '');
    if (name.startsWith('nsec')) writeFileSync(file, signed(name, file));
  }
}

/** The zone with signatures; those that are valid already stay. */
function signed(name: string, file: string, serial: 'keep' | 'increment' = 'keep'): string {
  const keys = join(FOLDER, `keys-${name}`);
  const output = join(FOLDER, `${name}.signed`);
  mkdirSync(keys, { recursive: true });
  const program = (tool: string, ...words: string[]): void => void execFileSync(tool, words, { stdio: 'pipe' });
  if (readdirSync(keys).length === 0) {
    program('dnssec-keygen', '-q', '-K', keys, '-a', '13', '-f', 'KSK', name);
    program('dnssec-keygen', '-q', '-K', keys, '-a', '13', name);
  }
  const chain = name === 'nsec3.test' ? ['-3', '-', '-H', '0'] : [];
  program(
    'dnssec-signzone',
    '-q',
    '-S',
    '-P',
    '-d',
    keys,
    '-N',
    serial,
    '-K',
    keys,
    '-o',
    name,
    '-f',
    output,
    ...chain,
    file,
  );
  return readFileSync(output, 'latin1');
}

/** What the hosts of a zone are, beside those that stay. */
const changing = new Map<string, Map<string, string>>();

/** Changes ten hosts of a zone at random, or adds ten to a signed one, and writes it with this serial. */
function change(name: string, serial: number): void {
  const file = join(ZONES, `.${name}.new`);
  if (name.startsWith('nsec')) {
    const added = Array.from({ length: CHANGES }, (_, i) => `c${serial}-${i}.${name}. 60 IN A 192.0.2.${i}\n`);
    writeFileSync(file, readFileSync(join(ZONES, `${name}.zone`), 'latin1') + added.join(''));
    writeFileSync(file, signed(name, file, 'increment'));
    renameSync(file, join(ZONES, `${name}.zone`));
    return;
  }
  const hosts = changing.get(name) ?? new Map<string, string>();
  changing.set(name, hosts);
  for (let i = 0; i < CHANGES; i++) {
    const host = `c${Math.floor(random() * 12)}`;
    if (hosts.has(host) && random() < 0.4) hosts.delete(host);
    else hosts.set(host, `${host} ${60 * Math.ceil(random() * 3)} A 192.0.2.${Math.floor(random() * 256)}`);
  }
  const text = (bases.get(name) ?? '').replace(/(SOA ns1 Host\.Master) 7 /, `$1 ${serial} `);
  writeFileSync(file, `${text}${[...hosts.values()].join('\n')}\n`);
  renameSync(file, join(ZONES, `${name}.zone`));
}

const CHANGED = ['thousand.test', 'many.test', 'nsec.test', 'nsec3.test', 'hmac-sha256.test'];
/** Rounds of changes, and changes in each: fifty of each zone. */
const ROUNDS = 5;
const CHANGES = 10;

const configOf = (ports: readonly number[]): object => ({
  workers: 1,
  tsig: KEYS,
  watch: { settle: 20 },
  zones: {
    folder: ZONES,
    policies: [
      { default: true, transfer: { to: ['second'] }, notify: PEERS.map(([name]) => name) },
      ...ALGORITHMS.map((algorithm) => ({
        zones: [`${algorithm}.test`],
        transfer: { to: [algorithm] },
        notify: PEERS.map(([name]) => `${name}-${algorithm}`),
      })),
    ],
  },
  remotes: [
    { name: 'second', addresses: ['127.0.0.1'] },
    ...ALGORITHMS.map((algorithm) => ({ name: algorithm, addresses: ['127.0.0.1'], key: `${algorithm}.key` })),
    ...PEERS.flatMap(([name], i) => [
      { name, addresses: ['127.0.0.1'], port: ports[i] },
      ...ALGORITHMS.map((algorithm) => {
        return { name: `${name}-${algorithm}`, addresses: ['127.0.0.1'], port: ports[i], key: `${algorithm}.key` };
      }),
    ]),
  ],
});

/** All records of a zone as dig gets them from a server, in order; in lower case, to which Knot and NSD bring names. */
async function transferred(port: number, { name, key }: SecondaryZone): Promise<string[]> {
  const algorithm = key?.replace('.key', '');
  const sign = key === undefined ? [] : ['-y', `${algorithm}:${key}:${SECRET}`];
  const words = ['@127.0.0.1', '-p', String(port), ...sign, name, 'AXFR', '+noall', '+answer', '+onesoa', '+nosplit'];
  const { stdout } = await run('dig', words);
  const lines = stdout
    .toLowerCase()
    .replaceAll(/[\t ]+/g, ' ')
    .split('\n');
  return lines.filter((line) => line !== '' && !line.startsWith(';') && !/\stsig\s/.test(line)).sort();
}

/** The serial that a server answers with; undefined: it has no version. */
async function serialAt(port: number, name: string): Promise<number | undefined> {
  const { stdout } = await run('dig', [
    '@127.0.0.1',
    '-p',
    String(port),
    name,
    'SOA',
    '+short',
    '+norecurse',
    '+tries=1',
    '+time=30',
  ]);
  const serial = stdout.split(' ')[2];
  return serial === undefined || Number.isNaN(Number(serial)) ? undefined : Number(serial);
}

const comes = (port: number, name: string, serial: number, log: () => string): Promise<void> =>
  until(`serial ${serial} of ${name}`, async () => (await serialAt(port, name)) === serial, log, { patience: 180_000 });

describe.skipIf(missing)(`secondaries (seed ${SEED})${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let server: Server;
  const peers: Peer[] = [];
  beforeAll(async () => {
    writeZones();
    const ports = [await freePort(), await freePort(), await freePort()];
    server = await serve(configOf(ports));
    for (const [i, [name, start]] of PEERS.entries())
      peers.push(
        await start({ folder: join(FOLDER, name), primary: server.port, port: ports[i], zones: PLAIN, keys: KEYS }),
      );
  }, 300_000);
  afterAll(async () => {
    for (const peer of peers) await peer.stop();
    await server?.[Symbol.asyncDispose]();
  });

  /** Waits until all have this version of the zone, and compares them. */
  async function expectSame(zone: SecondaryZone, serial: number): Promise<void> {
    const ours = await transferred(server.port, zone);
    expect(ours.length).toBeGreaterThan(20);
    for (const peer of peers) {
      await comes(peer.port, zone.name, serial, () => `${peer.name}: ${peer.log().slice(-4000)}`);
      expect(await transferred(peer.port, { name: zone.name }), peer.name).toEqual(ours);
    }
  }

  it.each(PLAIN.map((zone) => [zone.name, zone] as const))(
    'have the same records of %s',
    async (_, zone) => {
      await expectSame(zone, 7);
    },
    300_000,
  );

  it.each(CHANGED)(
    'take changes of %s by IXFR, once they are told by NOTIFY',
    async (name) => {
      const zone = PLAIN.find((one) => one.name === name);
      if (zone === undefined) throw new Error(`no zone ${name}`);
      const rounds = name === 'many.test' ? 2 : ROUNDS;
      for (let serial = 8; serial < 8 + rounds; serial++) {
        change(name, serial);
        await comes(server.port, name, serial, () => server.stderr().slice(-4000));
        await expectSame(zone, serial);
      }
      const lines = server
        .stderr()
        .split('\n')
        .filter((line) => line.includes(`"zone":"${name}."`));
      const sent = lines.filter((line) => line.includes('"end":"complete"') && line.includes('"form":"ixfr"'));
      // Each of the three takes each change.
      expect(sent.length).toBeGreaterThanOrEqual(3 * rounds);
      expect(lines.filter((line) => /does not answer NOTIFY|answers NOTIFY/.test(line))).toEqual([]);
    },
    900_000,
  );
});
