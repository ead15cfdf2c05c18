/** Catalog zones (RFC 9432): produced here and consumed by BIND and Knot; produced by Knot, and by another of ours, and consumed here. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { adotd, adotdServe, type Serving } from '../support/cli.js';
import { buildQuery, decodeMessage } from '../support/message.js';
import { until } from '../support/patience.js';
import { freePort, knock, LOOPBACK } from '../support/peers/server.js';
import { startBindConsumer, startKnotConsumer, startKnotProducer } from './catalog-peers.js';
import { FOLDER, missingPrograms } from './support.js';

const missing = missingPrograms({ named: 'bind9', knotd: 'knot' });
const CATALOG = 'catalog.test';
const ZONE = '@ 60 SOA ns h 1 60 30 600 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
let folders = 0;

/** The serial that a server answers for a zone; undefined: it does not serve it. */
async function serialOf(port: number, zone: string): Promise<number | undefined> {
  const answer = await knock(port, buildQuery({ name: zone, type: 'SOA' }), 1000);
  const [soa] = answer === undefined ? [] : decodeMessage(answer).answer;
  return soa === undefined ? undefined : Number(soa.text.split(' ')[2]);
}

const servedOf = async (port: number, zones: readonly string[]): Promise<string[]> => {
  const serials = await Promise.all(zones.map((zone) => serialOf(port, zone)));
  return zones.filter((_, i) => serials[i] !== undefined);
};

/** One of ours with a folder of its own, in which its zone files and its configuration may change. */
class Ours {
  readonly folder = join(FOLDER, `catalog-${++folders}`);
  readonly config = join(this.folder, 'adotd.yaml');
  readonly socket = join(this.folder, 'ctl.sock');
  readonly port: number;
  serving: Serving | undefined;

  constructor(port: number) {
    this.port = port;
    mkdirSync(join(this.folder, 'zones'), { recursive: true });
  }

  configure(remotes: readonly object[], zones: object): void {
    const config = {
      listen: [LOOPBACK],
      port: this.port,
      tls: { enabled: false },
      workers: 1,
      state: { folder: join(this.folder, 'state') },
      control: { socket: this.socket },
      remotes,
      zones: { folder: join(this.folder, 'zones'), ...zones },
    };
    writeFileSync(this.config, stringify(config));
  }

  async start(): Promise<this> {
    this.serving = await adotdServe('--config', this.config, '--port', String(this.port));
    ends.push(() => this.stop());
    return this;
  }

  async stop(): Promise<void> {
    await this.serving?.[Symbol.asyncDispose]();
    this.serving = undefined;
  }

  put(...zones: readonly string[]): void {
    for (const zone of zones) writeFileSync(join(this.folder, 'zones', `${zone}.zone`), ZONE);
  }

  remove(...zones: readonly string[]): void {
    for (const zone of zones) rmSync(join(this.folder, 'zones', `${zone}.zone`));
  }

  ctl(...words: readonly string[]): ReturnType<typeof adotd> {
    return adotd('ctl', '--socket', this.socket, ...words);
  }

  log(): string {
    return this.serving?.stderr() ?? '';
  }
}

const names = (count: number, from = 0): string[] => Array.from({ length: count }, (_, i) => `m${i + from}.test`);

describe.skipIf(missing)(`a catalog that adotd produces${missing ? ` (skipped: ${missing})` : ''}`, () => {
  it.each([
    ['BIND', startBindConsumer],
    ['Knot', startKnotConsumer],
  ])('is consumed by %s: members come, change groups and owners, and go', async (_, startConsumer) => {
    const [ownPort, port] = [await freePort(), await freePort()];
    const server = new Ours(ownPort);
    const policy = (zones: string[], more: object) => ({
      zones,
      transfer: { to: ['peer'] },
      notify: ['peer'],
      ...more,
    });
    const configure = (owner: object, group: object): void =>
      server.configure([{ name: 'peer', addresses: [LOOPBACK], port }], {
        policies: [
          policy([CATALOG, 'next.test'], {}),
          policy(['b.test'], { catalog: CATALOG, ...group }),
          policy(['c.test'], { catalog: CATALOG, ...owner }),
          { ...policy([], { catalog: CATALOG }), default: true },
          ...('catalog' in owner ? [] : [policy(['z.test'], { catalog: 'next.test' })]),
        ],
      });
    configure({}, {});
    server.put('a.test', 'b.test', 'c.test', 'z.test');
    await server.start();
    const folder = join(FOLDER, `consumer-${folders}`);
    const settings = { folder, primary: ownPort, port, catalogs: [CATALOG, 'next.test'], groups: ['signed'] };
    const peer = await startConsumer(settings);
    ends.push(() => peer.stop());
    const log = (): string => `${server.log()}\n${peer.log()}`;
    const serves = (...wanted: string[]) =>
      until(
        `${wanted}`,
        async () => (await servedOf(port, ['a.test', 'b.test', 'c.test', 'd.test'])).join() === wanted.join(),
        log,
      );
    await serves('a.test', 'b.test', 'c.test');
    // Knot answers nobody who asks for a catalog: our log says what it has got.
    const has = async (catalog: string): Promise<void> => {
      const serial = await serialOf(ownPort, catalog);
      const sent = new RegExp(`"sent [^"]*${catalog.replace('.', '\\.')}\\.[^"]* ${serial} to `);
      await until(`${catalog} ${serial}`, async () => sent.test(server.log()), log);
    };
    // One comes, and one goes.
    server.put('d.test');
    server.remove('a.test');
    await server.ctl('reload');
    await serves('b.test', 'c.test', 'd.test');
    // One changes its group, and one its owner: first it says so, then it is there.
    configure({ catalog_owner: 'next.test' }, { catalog_group: 'signed' });
    await server.ctl('reload');
    await has(CATALOG);
    configure({ catalog: 'next.test' }, { catalog_group: 'signed' });
    await server.ctl('reload');
    await serves('b.test', 'c.test', 'd.test');
    await has('next.test');
    await serves('b.test', 'c.test', 'd.test');
  });
});

describe.skipIf(missing)('a catalog that adotd consumes', () => {
  async function consumer(primary: number, port: number, zones: object = {}): Promise<Ours> {
    const server = new Ours(port);
    const remotes = [{ name: 'first', addresses: [LOOPBACK], port: primary }];
    server.configure(remotes, { catalogs: [{ zone: CATALOG, from: ['first'] }], ...zones });
    return server.start();
  }

  it('from Knot: members come, change groups, and go; emptied, it changes nothing until that is accepted', async () => {
    const port = await freePort();
    const folder = join(FOLDER, `producer-${++folders}`);
    const all = names(14).map((zone) => ({ zone }));
    const knot = await startKnotProducer(folder, port, CATALOG, all);
    ends.push(() => knot.stop());
    const server = await consumer(knot.port, port);
    const log = (): string => `${server.log()}\n${knot.log()}`;
    const zones = names(16);
    const serves = (what: string, count: number) =>
      until(what, async () => (await servedOf(port, zones)).length === count, log);
    await serves('all', 14);
    // Two more, one of them in a group; and another one gets a group.
    const more = [
      ...all.slice(1),
      { zone: 'm0.test', group: 'large' },
      { zone: 'm14.test' },
      { zone: 'm15.test', group: 'large' },
    ];
    knot.produce(more);
    await serves('two more', 16);
    // One goes.
    knot.produce(more.slice(1));
    await serves('one less', 15);
    const before = await server.ctl('catalog');
    expect(before.stdout).toMatch(/catalog\.test\.\s+followed\s+\d+\s+15\s+0/);
    // All but one go.
    knot.produce(more.slice(-1));
    await until('it waits', async () => /waiting/.test((await server.ctl('catalog')).stdout), log);
    expect((await servedOf(port, zones)).length).toBe(15);
    const status = await server.ctl('status');
    expect(status.stdout).toMatch(/PROBLEM.*has lost 14 of its 15 members/);
    expect((await server.ctl('catalog', 'accept', CATALOG)).stdout).toMatch(/are gone/);
    await serves('one', 1);
  });

  it('from adotd: its members survive restarts, also when the producer is away', async () => {
    const [first, port] = [await freePort(), await freePort()];
    const producer = new Ours(first);
    const to = { transfer: { to: ['second'] }, notify: ['second'] };
    producer.configure([{ name: 'second', addresses: [LOOPBACK], port }], {
      policies: [
        { default: true, ...to, catalog: CATALOG },
        { zones: [CATALOG], ...to },
      ],
    });
    producer.put(...names(3));
    await producer.start();
    const server = await consumer(first, port);
    const log = (): string => `${server.log()}\n${producer.log()}`;
    const serves = (what: string, count: number) =>
      until(what, async () => (await servedOf(port, names(5))).length === count, log);
    await serves('all', 3);
    await producer.stop();
    await server.stop();
    await server.start();
    expect(await servedOf(port, names(5))).toEqual(names(3));
    expect((await server.ctl('catalog')).stdout).toMatch(/catalog\.test\.\s+followed\s+\d+\s+3\s+0/);
    producer.put('m3.test');
    await producer.start();
    await serves('one more', 4);
  });
});
