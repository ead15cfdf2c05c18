/**
 * A server that signs zones is killed at random moments, while clients change the zones and keys are rolled. Whatever it has acknowledged is there after
 * the next start; zones verify, serials never go back, and keys are neither lost nor made twice. ADOTD_KILLS asks for so many kills, ADOTD_SEED for
 * other moments.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { load } from '../../../src/image/load.js';
import { formatDiagnostic } from '../../../src/zone/diagnostics.js';
import { Exchange } from '../../differential/exchange.js';
import { adotd, startAdotd } from '../../support/cli.js';
import { readMessage } from '../../support/message-reader.js';
import { nameFromText } from '../../support/names.js';
import { SEED } from '../../support/seed.js';
import { updateMessage } from '../../transfer/update/update-case.js';
import { randomFrom } from '../../zone/random-zone.js';
import { missingPrograms, run } from '../support.js';
import { recordsOf } from './registry.js';

const missing = missingPrograms({ dig: 'bind9-dnsutils' });
const KILLS = Number(process.env.ADOTD_KILLS ?? 6);
const ZONES = ['csk.test.', 'split.test.', 'nsec3.test.'];
const DNSKEY = 48;
/** Names that clients add and delete. */
const NAMES = 30;
/** Milliseconds that a server lives at most: after its start, and after it is ready. */
const EARLY = 700;
const LONGEST = 900;
const TIMES = { dnskey_ttl: 1, ds_ttl: 1, propagation: 0, parent_propagation: 0 };

const folder = mkdtempSync(join(tmpdir(), 'adotd-crashes-'));
const socket = join(folder, 'ctl.sock');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function configure(): string {
  mkdirSync(join(folder, 'zones'));
  for (const zone of ZONES) {
    const lines = ['@ 1 SOA ns h 1 60 30 60 1', '@ 1 NS ns', 'ns 1 A 127.0.0.1', 'cut 1 NS ns.cut', '*.wild 1 TXT "w"'];
    writeFileSync(join(folder, 'zones', `${zone}zone`), `$ORIGIN ${zone}\n${lines.join('\n')}\n`);
  }
  const file = join(folder, 'adotd.yaml');
  const allow = ZONES.map((zone) => ({ subdomain: zone }));
  const remote = 'client';
  const config = {
    listen: ['127.0.0.1'],
    workers: 1,
    tls: { enabled: false },
    control: { socket },
    state: { folder: join(folder, 'state') },
    remotes: [{ name: remote, addresses: ['127.0.0.1'] }],
    dnssec: {
      policies: {
        csk: { ...TIMES, keys: 'csk' },
        split: { ...TIMES, keys: 'ksk+zsk' },
        nsec3: { ...TIMES, keys: 'ksk+zsk', nsec3: {}, algorithm: 'ED25519' },
      },
    },
    zones: {
      folder: join(folder, 'zones'),
      policies: ZONES.map((zone) => ({
        zones: [zone],
        dnssec: zone.split('.')[0],
        update: [{ remote, allow }],
        transfer: { to: [remote] },
      })),
    },
  };
  writeFileSync(file, stringify(config));
  return file;
}

/** What is known of a zone, from what the server has acknowledged and shown. */
class Known {
  readonly name: string;
  /** By name: the text that it has, or undefined for none; several where no answer came. */
  readonly texts = new Map<string, readonly (string | undefined)[]>();
  serial = 0;
  /** DNSKEY RDATA in hexadecimal: all that were ever seen. */
  readonly keys = new Set<string>();
  /** Rolls that were asked for. */
  rolls = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** What is wrong with the zone as it is served now. */
  async judge(port: number, server: Exchange): Promise<string[]> {
    const wrong: string[] = [];
    const words = ['@127.0.0.1', '-p', String(port), this.name, 'AXFR', '+noall', '+answer', '+onesoa', '+nosplit'];
    const { stdout } = await run('dig', words);
    wrong.push(...errorsOf(this.name, stdout));
    const serial = Number(/SOA\s+\S+\s+\S+\s+(\d+)/.exec(stdout)?.[1]);
    if (!(serial >= this.serial)) wrong.push(`serial ${serial} after ${this.serial}`);
    this.serial = serial;
    for (const [name, allowed] of this.texts) {
      const found = new RegExp(`^${name}\\.${this.name}\\s.*\\sTXT\\s+"(.*)"$`, 'm').exec(stdout)?.[1];
      if (!allowed.includes(found)) wrong.push(`${name} has ${found}, expected ${allowed.join(' or ')}`);
      this.texts.set(name, [found]);
    }
    const keys = await recordsOf(server, this.name, DNSKEY);
    const entryPoints = [...new Set([...this.keys, ...keys])].filter((hex) => hex.startsWith('0101'));
    for (const key of keys) this.keys.add(key);
    // Only those are rolled that sign the zone.
    const isSplit = this.name !== 'csk.test.';
    if (isSplit && (entryPoints.length !== 1 || !keys.includes(entryPoints[0]!)))
      wrong.push(`the KSK is not what it was: ${keys.join(', ')}`);
    const made = this.keys.size - (isSplit ? 1 : 0);
    if (made > 1 + this.rolls) wrong.push(`${made} keys after ${this.rolls} rolls`);
    return wrong.map((fault) => `${this.name}: ${fault}`);
  }
}

/** Errors of a signed zone. */
function errorsOf(zone: string, text: string): string[] {
  const source = { file: zone, bytes: Buffer.from(text), origin: nameFromText(zone) };
  const { diagnostics } = load(source, { now: Date.now() / 1000, dnssecCheck: () => 'strict' });
  if (!/\sRRSIG\s+SOA\s/.test(text)) return ['is not signed'];
  return diagnostics.list.filter(({ severity }) => severity === 'error').map(formatDiagnostic);
}

describe.skipIf(missing)(`a server that signs, killed again and again (seed ${SEED})${missing}`, () => {
  const random = randomFrom(SEED);
  const some = (count: number): number => Math.floor(random() * count);
  const known = ZONES.map((zone) => new Known(zone));
  let acknowledged = 0;

  /** Changes a zone until the connection ends. */
  async function change(zone: Known, server: Exchange, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const name = `n${some(NAMES)}`;
      const text = random() < 0.3 ? undefined : `t${some(1_000_000)}`;
      const adding = text === undefined ? [] : [`${name} 1 IN TXT "${text}"`];
      const before = zone.texts.get(name) ?? [undefined];
      zone.texts.set(name, [...before, text]);
      const message = updateMessage({ zone: zone.name, changes: [`${name} 0 ANY TXT`, ...adding] });
      const answer = await server.ask(message, true).catch(() => undefined);
      if (answer === undefined) return;
      const { rcode } = readMessage(answer);
      if (rcode !== 0) throw new Error(`${zone.name}: UPDATE is answered RCODE ${rcode}`);
      acknowledged++;
      zone.texts.set(name, [text]);
    }
  }

  /** Runs the server once, until it is killed; returns what was wrong. */
  async function life(config: string): Promise<string[]> {
    const starting = startAdotd('--config', config);
    const isEarly = random() < 0.15;
    if (isEarly) {
      starting.ready().catch(() => undefined);
      await sleep(random() * EARLY);
      starting.signal('SIGKILL');
      return [];
    }
    const serving = await starting.ready();
    const server = await Exchange.open({ name: 'adotd', address: '127.0.0.1', port: serving.port });
    const wrong: string[] = [];
    for (const zone of known) wrong.push(...(await zone.judge(serving.port, server)));
    let isOver = false;
    const clients = known.map((zone) => change(zone, server, () => isOver));
    const rolled = known[some(known.length)]!;
    if (random() < 0.6) {
      rolled.rolls++;
      void adotd('ctl', '--socket', socket, 'dnssec', 'roll', rolled.name, '--role', roleOf(rolled.name));
    }
    await sleep(random() * LONGEST);
    isOver = true;
    serving.signal('SIGKILL');
    server.close();
    await serving.ended();
    await Promise.all(clients);
    if (wrong.length > 0) wrong.push(serving.stderr().slice(-3000));
    return wrong;
  }

  it(
    'has what it acknowledged, zones that verify, later serials, and each key once',
    async () => {
      const config = configure();
      for (let kill = 0; kill < KILLS; kill++) expect(await life(config), `after ${kill} kills`).toEqual([]);
      const serving = await startAdotd('--config', config).ready();
      const server = await Exchange.open({ name: 'adotd', address: '127.0.0.1', port: serving.port });
      const wrong: string[] = [];
      for (const zone of known) wrong.push(...(await zone.judge(serving.port, server)));
      server.close();
      await serving.stop();
      expect(wrong).toEqual([]);
      expect(acknowledged).toBeGreaterThan(0);
      const files = readdirSync(join(folder, 'state', 'keys')).length;
      const seen = known.reduce((sum, { keys }) => sum + keys.size, 0);
      console.log(`${acknowledged} changes acknowledged, ${seen} keys seen, ${files} files of keys`);
    },
    60_000 + KILLS * 10_000,
  );
});

const roleOf = (zone: string): string => (zone === 'csk.test.' ? 'csk' : 'zsk');
