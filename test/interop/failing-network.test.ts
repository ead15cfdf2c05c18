/**
 * A primary and two secondaries in network namespaces, over links that lose and delay packets, are cut, and end at a primary that dies again and
 * again: when that is over, both secondaries come to have what the primary has. ROUNDS=N goes on with troubles at random.
 */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/patience.js';
import { SEED } from '../support/seed.js';
import { randomFrom } from '../zone/random-zone.js';
import { type LossyLink, openLossyLink } from './lossy-link.js';
import {
  COMMAND,
  makeNamespace,
  missingForNamespaces,
  type Namespace,
  openFolder,
  removeNamespace,
  type ServerInNamespace,
  serveIn,
  writeSettings,
} from './namespace.js';
import { missingPrograms } from './support.js';

const missing = missingPrograms({ dig: 'bind9-dnsutils' }) || missingForNamespaces();
const ROUNDS = Number(process.env.ROUNDS ?? 0);
const PRIMARY = '192.0.2.1';
const SECONDARIES = ['192.0.2.2', '192.0.2.3'] as const;
const ZONE = 'far.test';
/** Its version expires six seconds after the last word from the primary. */
const SHORT = 'short.test';
/** Milliseconds until all have the same: refreshes of a second, and a primary that rests for a minute when it could not be reached. */
const WAITING = { patience: 120_000 };
const TROUBLE = { loss: 0.3, delay: 100, jitter: 20 };
const CALM = { loss: 0, delay: 0, jitter: 0 };

const folder = missing === '' ? openFolder() : '';
const zones = join(folder, 'zones');

/** Writes a version of a zone: enough records for some packets. */
function publish(zone: string, serial: number): void {
  const expire = zone === SHORT ? 6 : 86_400;
  const hosts = Array.from({ length: 100 }, (_, i) => `host${i} 60 TXT "${serial} ${'x'.repeat(50)}"\n`).join('');
  writeFileSync(
    join(zones, 'new'),
    `@ 60 SOA ns h ${serial} 2 1 ${expire} 60\n@ 60 NS ns\nns 60 A ${PRIMARY}\n${hosts}`,
  );
  renameSync(join(zones, 'new'), join(zones, `${zone}.zone`));
}

describe.skipIf(missing)(`a network that fails (seed ${SEED})${missing && ` (skipped: ${missing})`}`, () => {
  let near: Namespace;
  let far: Namespace;
  let primary: ServerInNamespace;
  const secondaries: ServerInNamespace[] = [];
  let config: string;
  let link: LossyLink;
  /** Secondaries that the primary is cut off from. */
  const away = new Set<string>();
  let serial = 1;

  const common = (name: string) => ({
    workers: 1,
    tls: { enabled: false },
    control: { socket: join(folder, `${name}.sock`) },
    watch: { settle: 20 },
  });

  beforeAll(async () => {
    mkdirSync(zones, { recursive: true });
    for (const zone of [ZONE, SHORT]) publish(zone, serial);
    [near, far] = [await makeNamespace(), await makeNamespace()];
    const addresses = SECONDARIES.map((address) => `${address}/24`);
    link = await openLossyLink([near, [`${PRIMARY}/24`]], [far, addresses], SEED);
    const remotes = SECONDARIES.map((address) => ({ name: `at-${address}`, addresses: [address] }));
    const names = remotes.map(({ name }) => name);
    config = writeSettings(folder, {
      ...common('primary'),
      listen: [PRIMARY],
      remotes,
      zones: { folder: zones, policies: [{ default: true, transfer: { to: names }, notify: names }] },
    });
    primary = await serveIn(near, [...COMMAND, config]);
    for (const address of SECONDARIES) {
      const own = writeSettings(folder, {
        ...common(address),
        listen: [address],
        state: { folder: join(folder, `state-${address}`) },
        remotes: [
          { name: 'primary', addresses: [PRIMARY], source: [address] },
          { name: 'here', addresses: [address] },
        ],
        zones: {
          secondary: [{ zones: [ZONE, SHORT], from: ['primary'] }],
          policies: [{ default: true, transfer: { to: ['here'] } }],
        },
      });
      secondaries.push(await serveIn(far, [...COMMAND, own]));
    }
  });

  afterAll(async () => {
    for (const server of [...secondaries, primary]) await server?.[Symbol.asyncDispose]();
    await link?.close();
    for (const namespace of [near, far]) if (namespace !== undefined) removeNamespace(namespace);
  });

  const dig = async (address: string, zone: string, type: string): Promise<string> => {
    const from = address === PRIMARY ? near : far;
    const words = [`@${address}`, zone, type, '-b', address, '+tries=1', '+time=30', '+noall', '+answer', '+comments'];
    return (await from.run('dig', ...words)).stdout;
  };

  /** The records of a zone where it is served; the words of the answer where not. */
  async function recordsAt(address: string, zone: string): Promise<string> {
    const lines = (await dig(address, zone, 'AXFR')).split('\n').filter((line) => /\sIN\s/.test(line));
    return lines
      .map((line) => line.replaceAll(/\s+/g, ' '))
      .sort()
      .join('\n');
  }

  const comes = (what: string, isSo: () => Promise<boolean>): Promise<void> =>
    until(what, isSo, () => JSON.stringify([primary, ...secondaries].map((one) => one.log().slice(-10))), WAITING);

  const hasSerial = async (address: string, zone: string, wanted: number): Promise<boolean> =>
    new RegExp(`SOA\\s+\\S+ \\S+ ${wanted} `).test(await dig(address, zone, 'SOA'));

  /** Waits until the secondaries have this version of the zone, all its records. */
  async function expectThere(wanted: number, addresses: readonly string[] = SECONDARIES): Promise<void> {
    for (const address of addresses) {
      await comes(`${address} has serial ${wanted}`, () => hasSerial(address, ZONE, wanted));
      const records = await recordsAt(address, ZONE);
      expect(records.match(new RegExp(`TXT "${wanted} `, 'g'))).toHaveLength(100);
    }
  }

  const lose = (isLossy: boolean): Promise<void> => link.set(isLossy ? TROUBLE : CALM);

  /** Cuts the primary off from a secondary, or ends that. */
  async function cut(address: string, isCut: boolean): Promise<void> {
    if (isCut) away.add(address);
    else away.delete(address);
    await link.set({ cut: [...away] });
  }

  /** The primary dies and comes again, so many times. */
  async function flap(times: number): Promise<void> {
    for (let i = 0; i < times; i++) {
      await primary[Symbol.asyncDispose]();
      publish(ZONE, ++serial);
      primary = await serveIn(near, [...COMMAND, config]);
    }
  }

  it('that loses 30 % and delays by 100 ms has the last version when it is healed', async () => {
    await lose(true);
    try {
      for (let i = 0; i < 3; i++) {
        publish(ZONE, ++serial);
        await sleep(1000);
      }
    } finally {
      await lose(false);
    }
    await expectThere(serial);
  });

  it('that is cut towards one secondary keeps the other up to date; the first serves what it has, and catches up', async () => {
    const [first, second] = SECONDARIES;
    await expectThere(serial);
    await cut(first, true);
    const before = serial;
    publish(ZONE, ++serial);
    await expectThere(serial, [second]);
    expect(await hasSerial(first, ZONE, before)).toBe(true);
    await cut(first, false);
    await expectThere(serial);
  });

  it('with a primary that dies again and again has all versions in the end', async () => {
    await flap(2);
    await expectThere(serial);
  });

  it('that is cut for longer than EXPIRE has no zone served, and the same again after it', async () => {
    for (const address of SECONDARIES) await comes('there', () => hasSerial(address, SHORT, 1));
    for (const address of SECONDARIES) await cut(address, true);
    for (const address of SECONDARIES)
      await comes('expired', async () => /status: SERVFAIL/.test(await dig(address, SHORT, 'SOA')));
    expect(await hasSerial(SECONDARIES[0], ZONE, serial)).toBe(true);
    for (const address of SECONDARIES) await cut(address, false);
    for (const address of SECONDARIES) await comes('there again', () => hasSerial(address, SHORT, 1));
  });

  const atRandom = (title: string, ...rest: [() => Promise<void>, number]): void => {
    if (ROUNDS > 0) it(title, ...rest);
  };
  atRandom(
    `with ${ROUNDS} troubles at random is healed each time`,
    async () => {
      const random = randomFrom(SEED);
      for (let round = 0; round < ROUNDS; round++) {
        const isLossy = random() < 0.5;
        if (isLossy) await lose(true);
        const gone = SECONDARIES.filter(() => random() < 0.4);
        for (const address of gone) await cut(address, true);
        if (random() < 0.3) await flap(1 + Math.floor(random() * 3));
        publish(ZONE, ++serial);
        await sleep(random() * 10_000);
        for (const address of gone) await cut(address, false);
        if (isLossy) await lose(false);
        const healed = Date.now();
        await expectThere(serial);
        console.log(`round ${round}: ${Date.now() - healed} ms after healing`);
      }
    },
    ROUNDS * 60_000,
  );
});
