/**
 * A server that signs zones is killed at random moments, while clients change the zones, keys of all roles are rolled, and the registry of their
 * parent does what CDS records ask for, at once or later. Judged at each start: changes that were acknowledged, serials, every signature, the
 * states of keys, their files, and the DS records; and all the time, whether DS and DNSKEY records that a resolver may hold are a chain.
 */
import { readdirSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { load } from '../../../src/image/load.js';
import { formatDiagnostic } from '../../../src/zone/diagnostics.js';
import { Exchange } from '../../differential/exchange.js';
import { adotdServe, type Serving, startAdotd } from '../../support/cli.js';
import { buildQuery } from '../../support/message.js';
import { readMessage } from '../../support/message-reader.js';
import { nameFromText } from '../../support/names.js';
import { PATIENCE } from '../../support/patience.js';
import { updateMessage } from '../../transfer/update/update-case.js';
import { randomFrom } from '../../zone/random-zone.js';
import { run } from '../support.js';
import { Chain, KeyHistory, mismatch, type ShownZone, signaturesIn } from './crash-keys.js';
import { PARENT, ROLES, TTL, writeConfig, writeParent, ZONES } from './crash-signing-config.js';
import { recordsOf } from './registry.js';

const [DS, RRSIG, DNSKEY, CDS] = [43, 46, 48, 59];
/** Names that clients add and delete. */
const NAMES = 30;
/** Milliseconds that a server lives at most: after its start, and after it is ready. */
const EARLY = 700;
const LONGEST = 900;
/** Milliseconds between two looks of the registry, and of a resolver; until all rolls have ended. */
const PAUSE = 50;
const REST = 2 * PATIENCE;

interface SignerTally {
  kills: number;
  acknowledged: number;
  /** Rolls that were asked for, and keys of each kind that have gone. */
  rolls: number;
  readonly gone: { csk: number; ksk: number; zsk: number };
}

/** What is known of a zone. */
class Known {
  readonly name: string;
  readonly keys = new KeyHistory();
  readonly chain: Chain;
  /** By name: the text that it has, or undefined for none; several where no answer came. */
  readonly texts = new Map<string, readonly (string | undefined)[]>();
  serial = 0;

  constructor(name: string) {
    this.name = name;
    this.chain = new Chain(name, TTL * 1000);
  }
}

/** The parent, which is never killed, and the server that is. */
class SignerWorld implements AsyncDisposable {
  readonly #folder: string;
  readonly #random: () => number;
  readonly #zones = ZONES.map((name) => new Known(name));
  readonly #parent: Serving;
  readonly #above: Exchange;
  readonly #config: string;
  readonly tally: SignerTally = { kills: 0, acknowledged: 0, rolls: 0, gone: { csk: 0, ksk: 0, zsk: 0 } };

  private constructor(folder: string, random: () => number, parent: Serving, above: Exchange) {
    this.#folder = folder;
    this.#random = random;
    this.#parent = parent;
    this.#above = above;
    this.#config = writeConfig(folder, parent.port);
  }

  static async open(folder: string, seed: number): Promise<SignerWorld> {
    const parent = await adotdServe('--config', writeParent(folder));
    const above = await Exchange.open({ name: 'parent', address: '127.0.0.1', port: parent.port });
    return new SignerWorld(folder, randomFrom(seed), parent, above);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#above.close();
    await this.#parent.stop();
  }

  /** Runs the server once, until it is killed; returns what was wrong. */
  async life(): Promise<string[]> {
    const starting = startAdotd('--config', this.#config);
    this.tally.kills++;
    if (this.#random() < 0.15) {
      starting.ready().catch(() => undefined);
      await sleep(this.#random() * EARLY);
      await starting.kill();
      return [];
    }
    const serving = await starting.ready();
    const server = await Exchange.open({ name: 'adotd', address: '127.0.0.1', port: serving.port });
    const wrong = await this.#judge(serving.port);
    let isOver = false;
    const load = this.#load(server, () => isOver);
    if (this.#random() < 0.7) this.#roll();
    await sleep(this.#random() * LONGEST);
    isOver = true;
    serving.signal('SIGKILL');
    server.close();
    await serving.ended();
    wrong.push(...(await load));
    if (wrong.length > 0) wrong.push(serving.stderr().slice(-3000));
    return wrong;
  }

  /** A last start without a kill: all rolls end. */
  async rest(): Promise<string[]> {
    const serving = await startAdotd('--config', this.#config).ready();
    const server = await Exchange.open({ name: 'adotd', address: '127.0.0.1', port: serving.port });
    let isOver = false;
    const load = this.#load(server, () => isOver, true);
    const end = Date.now() + REST;
    let busy: readonly string[] = ['all'];
    for (; busy.length > 0 && Date.now() < end; await sleep(200)) {
      const shown = await this.#shown();
      busy = shown.flatMap(({ keys }) =>
        keys
          .filter(
            ({ role, records: { ds, dnskey } }) => dnskey !== 'omnipresent' || (role !== 'zsk' && ds !== 'omnipresent'),
          )
          .map(({ tag }) => String(tag)),
      );
    }
    isOver = true;
    const wrong = [...(await load), ...(await this.#judge(serving.port))];
    if (busy.length > 0) wrong.push(`keys do not come to rest: ${busy.join(', ')}`);
    for (const role of ['csk', 'ksk', 'zsk'] as const)
      this.tally.gone[role] = this.#zones.reduce((sum, { keys }) => sum + keys.gone(role), 0);
    if (wrong.length > 0) wrong.push(serving.stderr().slice(-3000));
    server.close();
    await serving.stop();
    return wrong;
  }

  /** What changes and looks, until the connection ends. */
  async #load(server: Exchange, isOver: () => boolean, isAtRest = false): Promise<string[]> {
    const isLate = !isAtRest && this.#random() < 0.3;
    const all = await Promise.all(
      this.#zones.flatMap((zone) => [
        isAtRest ? [] : this.#change(zone, server, isOver),
        isLate ? [] : this.#register(zone, server, isOver),
        this.#resolve(zone, server, isOver),
      ]),
    );
    return [...new Set(all.flat())];
  }

  async #change(zone: Known, server: Exchange, isOver: () => boolean): Promise<string[]> {
    while (!isOver()) {
      const name = `n${Math.floor(this.#random() * NAMES)}`;
      const text = this.#random() < 0.3 ? undefined : `t${Math.floor(this.#random() * 1_000_000)}`;
      const adding = text === undefined ? [] : [`${name} 1 IN TXT "${text}"`];
      zone.texts.set(name, [...(zone.texts.get(name) ?? [undefined]), text]);
      const message = updateMessage({ zone: zone.name, changes: [`${name} 0 ANY TXT`, ...adding] });
      const answer = await server.ask(message, true).catch(() => undefined);
      if (answer === undefined) return [];
      const { rcode } = readMessage(answer);
      if (rcode !== 0) return [`${zone.name}: UPDATE is answered RCODE ${rcode}`];
      this.tally.acknowledged++;
      zone.texts.set(name, [text]);
    }
    return [];
  }

  /** The registry: it puts what CDS records ask for into the parent. */
  async #register(zone: Known, server: Exchange, isOver: () => boolean): Promise<string[]> {
    for (; !isOver(); await sleep(PAUSE)) {
      const cds = await recordsOf(server, zone.name, CDS).catch(() => []);
      if (cds.length === 0 || cds.join() === (await recordsOf(this.#above, zone.name, DS)).join()) continue;
      const adding = cds.map((hex) => `${zone.name} ${TTL} IN DS \\# ${hex.length / 2} ${hex}`);
      const message = updateMessage({ zone: PARENT, changes: [`${zone.name} 0 ANY DS`, ...adding] });
      const { rcode } = readMessage(await this.#above.ask(message, true));
      if (rcode !== 0) return [`the parent answers RCODE ${rcode} to UPDATE`];
    }
    return [];
  }

  /** A resolver: it may hold what it is answered for the TTL. */
  async #resolve({ name, chain }: Known, server: Exchange, isOver: () => boolean): Promise<string[]> {
    const wrong: string[] = [];
    for (; !isOver(); await sleep(PAUSE)) {
      let asked = Date.now();
      const ds = await recordsOf(this.#above, name, DS);
      wrong.push(...chain.see({ asked, answered: Date.now() }, { ds }));
      // Nobody answers a question on a connection that is closed.
      if (isOver()) break;
      const question = buildQuery({ name, type: DNSKEY, edns: { dnssecOk: true } });
      asked = Date.now();
      const answer = await server.ask(question, true).catch(() => undefined);
      if (answer === undefined) break;
      const answered = Date.now();
      const records = readMessage(answer).answer;
      const dnskeys = records.filter(({ type }) => type === DNSKEY).map(({ rdata }) => rdata.toString('hex'));
      const signers = records.filter(({ type }) => type === RRSIG).map(({ rdata }) => rdata.readUInt16BE(16));
      wrong.push(...chain.see({ asked, answered }, { dnskeys, signers }));
    }
    return wrong.map((fault) => `${name} is bogus: ${fault}`);
  }

  #roll(): void {
    const zone = this.#zones[Math.floor(this.#random() * this.#zones.length)]!;
    const roles = ROLES[zone.name.split('.')[0] as keyof typeof ROLES];
    const role = roles[Math.floor(this.#random() * roles.length)]!;
    zone.keys.rolls[role]++;
    this.tally.rolls++;
    void this.#control(`/dnssec/${zone.name}`, { command: 'roll', role }).catch(() => undefined);
  }

  /** What is wrong with all zones as they are served now. */
  async #judge(port: number): Promise<string[]> {
    const wrong: string[] = [];
    for (const zone of this.#zones)
      wrong.push(...(await this.#judgeZone(zone, port)).map((fault) => `${zone.name}: ${fault}`));
    return wrong;
  }

  async #judgeZone(zone: Known, port: number): Promise<string[]> {
    const words = ['@127.0.0.1', '-p', String(port), zone.name, 'AXFR', '+noall', '+answer', '+onesoa', '+nosplit'];
    let text = '';
    let shown: ShownZone | undefined;
    let difference: string | undefined;
    // What was stored and not shown before the kill is shown soon after the start.
    for (const end = Date.now() + PATIENCE; ; await sleep(PAUSE)) {
      const before = await this.#shownZone(zone.name);
      ({ stdout: text } = await run('dig', words));
      shown = await this.#shownZone(zone.name);
      const isStill = statesOf(before) === statesOf(shown);
      const dnskeys = Array.from(text.matchAll(/\sIN\s+DNSKEY\s+(\d+ \d+ \d+ .*)$/gm), ([, rdata = '']) => rdata);
      difference = isStill ? mismatch(shown, signaturesIn(text), dnskeys) : 'its states do not stand still';
      if ((difference === undefined && shown.keys.length > 0) || Date.now() > end) break;
    }
    const wrong = difference === undefined ? [] : [difference];
    if (shown.state !== 'signed') wrong.push(`it is ${shown.state}`);
    wrong.push(...errorsOf(zone.name, text));
    const serial = Number(/SOA\s+\S+\s+\S+\s+(\d+)/.exec(text)?.[1]);
    if (!(serial >= zone.serial)) wrong.push(`serial ${serial} after ${zone.serial}`);
    zone.serial = serial;
    for (const [name, allowed] of zone.texts) {
      const found = new RegExp(`^${name}\\.${zone.name}\\s.*\\sTXT\\s+"(.*)"$`, 'm').exec(text)?.[1];
      if (!allowed.includes(found)) wrong.push(`${name} has ${found}, expected ${allowed.join(' or ')}`);
      zone.texts.set(name, [found]);
    }
    const ds = (await recordsOf(this.#above, zone.name, DS)).map(dsText);
    const files = new Set(readdirSync(join(this.#folder, 'state', 'keys')).map((name) => name.replace('.pem', '')));
    // A key that has gone meanwhile has no file any more.
    const after = await this.#shownZone(zone.name);
    for (const { id, tag } of shown.keys)
      if (!files.has(id) && after.keys.some((key) => key.id === id)) wrong.push(`the file of key ${tag} is missing`);
    return [...wrong, ...zone.keys.judge(shown, ds)];
  }

  async #shown(): Promise<ShownZone[]> {
    return (await this.#control('/dnssec')) as ShownZone[];
  }

  async #shownZone(name: string): Promise<ShownZone> {
    return (await this.#control(`/dnssec/${name}`)) as ShownZone;
  }

  /** Asks the control socket. */
  #control(path: string, body?: object): Promise<unknown> {
    const socketPath = join(this.#folder, 'ctl.sock');
    const headers = { host: 'localhost', 'content-type': 'application/json' };
    return new Promise((resolve, reject) => {
      const method = body === undefined ? 'GET' : 'POST';
      // A connection that is kept would be one to the server that was killed.
      const sent = request({ socketPath, path, method, headers, agent: false }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(parts).toString();
          if (response.statusCode === 200) resolve(JSON.parse(text));
          else reject(new Error(`${path}: ${response.statusCode} ${text}`));
        });
      });
      sent.on('error', reject);
      sent.end(body && JSON.stringify(body));
    });
  }
}

/** Kills a server that signs so many times; returns what was wrong, and what was done. */
export async function killSigner(
  folder: string,
  { count, seed, progress = () => undefined }: { count: number; seed: number; progress?(tally: SignerTally): unknown },
): Promise<{ wrong: string[]; tally: SignerTally }> {
  await using world = await SignerWorld.open(folder, seed);
  const { tally } = world;
  const wrong: string[] = [];
  while (tally.kills < count && wrong.length === 0) {
    wrong.push(...(await world.life()).map((fault) => `after ${tally.kills - 1} kills: ${fault}`));
    progress(tally);
  }
  if (wrong.length === 0) wrong.push(...(await world.rest()).map((fault) => `at the end: ${fault}`));
  return { wrong, tally };
}

function dsText(hex: string): string {
  const octets = Buffer.from(hex, 'hex');
  return `${octets.readUInt16BE(0)} ${octets[2]} ${octets[3]} ${hex.slice(8).toUpperCase()}`;
}

/** What decides which version is shown. */
function statesOf({ keys }: ShownZone): string {
  return JSON.stringify(keys.map(({ id, goal, records }) => [id, goal, records]));
}

/** Errors of a signed zone. */
function errorsOf(zone: string, text: string): string[] {
  const source = { file: zone, bytes: Buffer.from(text), origin: nameFromText(zone) };
  const { diagnostics } = load(source, { now: Date.now() / 1000, dnssecCheck: () => 'strict' });
  if (!/\sRRSIG\s+SOA\s/.test(text)) return ['is not signed'];
  return diagnostics.list.filter(({ severity }) => severity === 'error').map(formatDiagnostic);
}
