import { afterEach, describe, expect, it } from 'vitest';
import { Transport } from '../../../src/answer/facts.js';
import { type Config, configSchema } from '../../../src/config/schema.js';
import { load } from '../../../src/image/load.js';
import { nameFromText } from '../../../src/protocol/name.js';
import { remotesOf } from '../../../src/server/remotes.js';
import type { RequestHandlers, SignedRequest } from '../../../src/server/requests.js';
import { SecondaryZones } from '../../../src/server/secondaries/secondary-zones.js';
import { systemClock } from '../../../src/session/clock.js';
import type { StoredFacts } from '../../../src/state/zone-facts.js';
import { messageOf, zoneRecords } from '../../transfer/in/transfer-messages.js';
import { TestPrimary } from './test-primary.js';

const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface FakeZone {
  readonly role: string;
  image: Uint8Array | undefined;
  sourceSerial: number;
  origin: string | undefined;
}

interface Adopted {
  readonly image?: Uint8Array;
  readonly sourceSerial: number;
  readonly origin: string;
  readonly facts: Partial<StoredFacts>;
}

/** A keeper that remembers what it is told. */
class Keeper {
  readonly zones = new Map<string, FakeZone>();
  readonly stored = new Map<string, StoredFacts>();
  readonly calls: string[] = [];
  /** What a zone that is withdrawn waits for. */
  work: Promise<void> = Promise.resolve();
  #changed: (() => void)[] = [];

  get(zone: string): FakeZone | undefined {
    return this.zones.get(zone);
  }
  declare(zone: string, role: string): void {
    if (zone === 'file.test.') throw new Error('zone file.test. is served already, as file');
    if (this.zones.has(zone)) return;
    this.zones.set(zone, { role, image: undefined, sourceSerial: 0, origin: undefined });
    this.#note(`declare ${zone} ${role}`);
  }
  async withdraw(zone: string): Promise<void> {
    await this.work;
    this.zones.delete(zone);
    this.#note(`withdraw ${zone}`);
  }
  async adopt(zone: string, version: Adopted): Promise<void> {
    this.stored.set(zone, { role: 'secondary', timers: {}, flags: {}, ...version.facts });
    Object.assign(this.zones.get(zone)!, version);
    this.#note(`adopt ${zone} ${version.sourceSerial}`);
  }
  isSignedHere(): boolean {
    return false;
  }
  async expire(zone: string): Promise<void> {
    this.#note(`expire ${zone}`);
  }
  async renew(zone: string): Promise<void> {
    this.#note(`renew ${zone}`);
  }
  facts(zone: string): StoredFacts | undefined {
    return this.stored.get(zone);
  }
  async note(zone: string, facts: Partial<StoredFacts>): Promise<void> {
    this.stored.set(zone, { role: 'secondary', timers: {}, flags: {}, ...facts });
    this.#note(`note ${zone}`);
  }
  async until(call: string): Promise<void> {
    while (!this.calls.includes(call)) await new Promise<void>((resolve) => this.#changed.push(resolve));
  }
  #note(call: string): void {
    this.calls.push(call);
    for (const one of this.#changed.splice(0)) one();
  }
}

function imageOf(zone: string, serial: number): Uint8Array {
  const text = `@ 60 SOA ns h ${serial} 3600 600 86400 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n`;
  const { image } = load({ file: 'test', bytes: Buffer.from(text), origin: nameFromText(zone) }, { now: 0 });
  return image ?? new Uint8Array();
}

function configOf(primary: TestPrimary, more: object = {}): Config {
  return configSchema.parse({
    state: { folder: 'state' },
    remotes: [
      { name: 'one', addresses: ['127.0.0.1'], port: primary.port },
      { name: 'other', addresses: ['192.0.2.9'], port: primary.port },
    ],
    zones: { secondary: [{ zones: ['a.test', 'B.test'], from: ['one'] }], ...more },
  });
}

function opened(config: Config, keeper: Keeper, lines: string[] = [], requests: RequestHandlers = {}): SecondaryZones {
  const line = (_: object, text: string): void => void lines.push(text);
  const zones = new SecondaryZones(config, {
    keeper,
    clock: systemClock,
    log: { debug: line, info: line, warn: line, error: line },
    thread: false,
    requests,
    remotes: remotesOf(config),
  });
  ends.push(() => zones.close());
  return zones;
}

async function primaryOf(...names: string[]): Promise<TestPrimary> {
  const primary = new TestPrimary();
  for (const name of names) primary.zones.set(name, [imageOf(name, 1)]);
  await primary.listen();
  ends.push(() => primary.close());
  return primary;
}

function notifyOf(zone: string, serial: number, more: Partial<SignedRequest> = {}): SignedRequest {
  const name = nameFromText(zone);
  const [soa] = zoneRecords(imageOf(zone, serial));
  const octets = messageOf([soa!], { question: 6, name: zone, flags: 0x2400 });
  const peer = {
    address: Uint8Array.of(127, 0, 0, 1),
    port: 5000,
    transport: Transport.UDP,
    key: undefined,
    certificate: undefined,
  };
  return { octets, end: octets.length, name, type: 6, class: 1, peer, ...more };
}

describe('the secondary zones', () => {
  it('are declared, transferred and served, and go with the configuration', async () => {
    const primary = await primaryOf('a.test.', 'b.test.', 'c.test.');
    const keeper = new Keeper();
    const zones = opened(configOf(primary), keeper);
    await Promise.all([keeper.until('adopt a.test. 1'), keeper.until('adopt b.test. 1')]);
    expect(keeper.calls.slice(0, 2)).toEqual(['declare a.test. secondary', 'declare b.test. secondary']);
    zones.configure(configOf(primary, { secondary: [{ zones: ['b.test', 'c.test'], from: ['one'] }] }));
    await keeper.until('adopt c.test. 1');
    expect(keeper.calls).toContain('withdraw a.test.');
    expect(await zones.status('a.test.')).toBeUndefined();
    await zones.transfer('c.test.', false);
    expect(await zones.status('c.test.')).toMatchObject({ serial: 1, origin: 'one', primaries: ['one'] });
  });

  it.each([
    ['wanted again', { secondary: [{ zones: ['a.test'], from: ['one'] }] }, 'secondary'],
    ['a catalog from now on', { secondary: [], catalogs: [{ zone: 'a.test', from: ['one'] }] }, 'catalog-consumed'],
  ])('are declared once they are withdrawn, where one is %s meanwhile', async (_, zones, role) => {
    const primary = await primaryOf('a.test.');
    const keeper = new Keeper();
    const secondaries = opened(configOf(primary, { secondary: [{ zones: ['a.test'], from: ['one'] }] }), keeper);
    await keeper.until('adopt a.test. 1');
    let done: () => void = () => undefined;
    keeper.work = new Promise((resolve) => {
      done = resolve;
    });
    if (role === 'secondary') {
      secondaries.configure(configOf(primary, { secondary: [] }));
      secondaries.configure(configOf(primary, zones));
      secondaries.configure(configOf(primary, { secondary: [] }));
    }
    secondaries.configure(configOf(primary, zones));
    keeper.calls.length = 0;
    done();
    await keeper.until('adopt a.test. 1');
    const steps = keeper.calls.filter((call) => !call.startsWith('note'));
    expect(steps).toEqual(['withdraw a.test.', `declare a.test. ${role}`, 'adopt a.test. 1']);
    expect(keeper.get('a.test.')?.role).toBe(role);
  });

  it('are members of catalogs too, until these are taken away', async () => {
    const primary = await primaryOf('cat.test.', 'm.test.');
    const keeper = new Keeper();
    const zones = opened(configOf(primary, { secondary: [], catalogs: [{ zone: 'cat.test', from: ['one'] }] }), keeper);
    await keeper.until('adopt cat.test. 1');
    expect(keeper.get('cat.test.')?.role).toBe('catalog-consumed');
    zones.put([{ zone: 'm.test.', from: ['one'] }]);
    await keeper.until('adopt m.test. 1');
    await zones.remove(['m.test.']);
    expect(keeper.get('m.test.')).toBeUndefined();
  });

  it('go on where the server was stopped: what is stored is not transferred again', async () => {
    const primary = await primaryOf('a.test.', 'b.test.');
    const keeper = new Keeper();
    const before = opened(configOf(primary), keeper);
    await Promise.all([keeper.until('adopt a.test. 1'), keeper.until('adopt b.test. 1')]);
    await before.transfer('a.test.', false);
    const { expires } = (await before.status('a.test.'))!;
    await before.close();
    keeper.calls.length = 0;
    primary.zones.get('a.test.')!.push(imageOf('a.test.', 2));
    const after = opened(configOf(primary), keeper);
    expect(await after.status('a.test.')).toMatchObject({ serial: 1, origin: 'one', expired: false });
    expect(Math.abs((await after.status('a.test.'))!.expires! - expires!)).toBeLessThanOrEqual(2);
    await keeper.until('adopt a.test. 2');
    await keeper.until('note b.test.');
    expect(primary.count(252)).toBe(2);
    expect(primary.count(251)).toBe(1);
  });

  it('leave alone what is a zone file, and say so', async () => {
    const primary = await primaryOf('a.test.');
    const lines: string[] = [];
    const secondary = [{ zones: ['a.test', 'file.test'], from: ['one'] }];
    const keeper = new Keeper();
    opened(configOf(primary, { secondary }), keeper, lines);
    await keeper.until('adopt a.test. 1');
    expect(lines).toContain('zone file.test. cannot be a secondary: zone file.test. is served already, as file');
  });

  it('are checked when a primary sends NOTIFY', async () => {
    const primary = await primaryOf('a.test.', 'b.test.');
    const keeper = new Keeper();
    const requests: RequestHandlers = {};
    const zones = opened(configOf(primary), keeper, [], requests);
    await keeper.until('adopt a.test. 1');
    primary.zones.get('a.test.')!.push(imageOf('a.test.', 2));
    expect(await requests.notify?.(notifyOf('A.test.', 2), () => true)).toEqual({ rcode: 0 });
    await keeper.until('adopt a.test. 2');
    zones.configure(configOf(primary, { secondary: [] }));
    expect(requests.notify).toBeUndefined();
  });

  it.each<[string, Partial<SignedRequest>, string, object]>([
    [
      'of a stranger',
      { peer: { ...notifyOf('a.test.', 2).peer, address: Uint8Array.of(127, 0, 0, 2) } },
      'a.test.',
      { rcode: 5, ede: 18 },
    ],
    [
      'of a remote that is no primary of it',
      { peer: { ...notifyOf('a.test.', 2).peer, address: Uint8Array.of(192, 0, 2, 9) } },
      'a.test.',
      { rcode: 5, ede: 18 },
    ],
    ['for a zone that is not served', {}, 'no.test.', { rcode: 9, ede: 20 }],
    ['for a zone that this server is the primary of', {}, 'file.test.', { rcode: 5, ede: 18 }],
    ['of another type', { type: 59 }, 'a.test.', { rcode: 4 }],
    ['of another class', { class: 3 }, 'a.test.', { rcode: 4 }],
  ])('are not checked for NOTIFY %s', async (_, more, zone, answer) => {
    const primary = await primaryOf('a.test.', 'b.test.');
    const keeper = new Keeper();
    keeper.zones.set('file.test.', { role: 'file', image: undefined, sourceSerial: 0, origin: undefined });
    const requests: RequestHandlers = {};
    const zones = opened(configOf(primary), keeper, [], requests);
    await keeper.until('adopt a.test. 1');
    const asked = primary.asked.length;
    expect(await requests.notify?.(notifyOf(zone, 2, more), () => true)).toEqual(answer);
    expect(primary.asked.filter(({ name }) => name === 'a.test.').length).toBeLessThanOrEqual(asked);
    expect(zones.facts.refusedNotifies).toBe(zone === 'a.test.' && more.peer !== undefined ? 1 : 0);
  });
});
