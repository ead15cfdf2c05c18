/** Real nameservers as secondaries: they transfer generated zones, and have the same records afterwards. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Peer } from '../support/peers/server.js';
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
const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000);
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

/** A zone of this name: one with a record of each kind, and as many hosts. */
function zoneText(name: string, hosts: number): string {
  const text = unsignedZone(random).replaceAll(/example\.test/gi, name);
  return text + Array.from({ length: hosts }, (_, i) => `host${i} A 192.0.2.${i % 256}\n`).join('');
}

function writeZones(): void {
  mkdirSync(ZONES, { recursive: true });
  for (const { name } of PLAIN) {
    const size = Object.entries(SIZES).find(([one]) => name === `${one}.test`)?.[1] ?? 50;
    const file = join(ZONES, `${name}.zone`);
    writeFileSync(file, zoneText(name, size));
    if (name.startsWith('nsec')) writeFileSync(file, signed(name, file));
  }
}

function signed(name: string, file: string): string {
  const keys = join(FOLDER, `keys-${name}`);
  const output = join(FOLDER, `${name}.signed`);
  mkdirSync(keys, { recursive: true });
  const program = (tool: string, ...words: string[]): void => void execFileSync(tool, words, { stdio: 'pipe' });
  program('dnssec-keygen', '-q', '-K', keys, '-a', '13', '-f', 'KSK', name);
  program('dnssec-keygen', '-q', '-K', keys, '-a', '13', name);
  const chain = name === 'nsec3.test' ? ['-3', '-', '-H', '0'] : [];
  program('dnssec-signzone', '-q', '-S', '-P', '-K', keys, '-o', name, '-f', output, ...chain, file);
  return readFileSync(output, 'latin1');
}

const config = {
  workers: 1,
  tsig: KEYS,
  zones: {
    folder: ZONES,
    policies: [
      { default: true, transfer: { to: ['second'] } },
      ...ALGORITHMS.map((algorithm) => ({ zones: [`${algorithm}.test`], transfer: { to: [algorithm] } })),
    ],
  },
  remotes: [
    { name: 'second', addresses: ['127.0.0.1'] },
    ...ALGORITHMS.map((algorithm) => ({ name: algorithm, addresses: ['127.0.0.1'], key: `${algorithm}.key` })),
  ],
};

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
    '+time=2',
  ]);
  const serial = stdout.split(' ')[2];
  return serial === undefined || Number.isNaN(Number(serial)) ? undefined : Number(serial);
}

async function hasSerial(peer: Peer, name: string, serial: number | undefined): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if ((await serialAt(peer.port, name)) === serial) return;
    await sleep(100);
  }
  throw new Error(`${peer.name} does not get serial ${serial} of ${name}:\n${peer.log().slice(-4000)}`);
}

const PEERS: readonly (readonly [string, StartSecondary])[] = [
  ['BIND', startBindSecondary],
  ['Knot', startKnotSecondary],
  ['NSD', startNsdSecondary],
];

describe.skipIf(missing)(`secondaries (seed ${SEED})${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let server: Server;
  beforeAll(async () => {
    writeZones();
    server = await serve(config);
  }, 120_000);
  afterAll(() => server?.[Symbol.asyncDispose]());

  describe.each(PEERS)('%s', (name, start) => {
    let peer: Peer;
    beforeAll(async () => {
      peer = await start({ folder: join(FOLDER, name), primary: server.port, zones: PLAIN, keys: KEYS });
    }, 60_000);
    afterAll(() => peer?.stop());

    it.each(PLAIN.map((zone) => [zone.name, zone] as const))(
      'has the same records of %s',
      async (_, zone) => {
        await hasSerial(peer, zone.name, await serialAt(server.port, zone.name));
        const [ours, theirs] = [
          await transferred(server.port, zone),
          await transferred(peer.port, { name: zone.name }),
        ];
        expect(ours.length).toBeGreaterThan(20);
        expect(theirs).toEqual(ours);
      },
      60_000,
    );
  });
});
