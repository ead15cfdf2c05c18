/**
 * NSD, Knot and BIND have generated zones from adotd, which signs them: by AXFR, then by IXFR after each change. They answer the same questions
 * as adotd does. ADOTD_SEED makes other zones, ADOTD_ZONES so many, ADOTD_ROUNDS so many changes of each.
 */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compare } from '../../differential/compare.js';
import { type Asked, Exchange } from '../../differential/exchange.js';
import { Random } from '../../differential/random.js';
import { showDifferences } from '../../differential/report.js';
import { askAbout } from '../../differential/run.js';
import type { WorldZone } from '../../differential/world.js';
import { buildQuery } from '../../support/message.js';
import { readMessage } from '../../support/message-reader.js';
import { until } from '../../support/patience.js';
import { startBind } from '../../support/peers/bind.js';
import { startKnot } from '../../support/peers/knot.js';
import { startNsd } from '../../support/peers/nsd.js';
import type { Peer } from '../../support/peers/server.js';
import { missingTools } from '../../support/peers/tools.js';
import { seedOr } from '../../support/seed.js';
import { type Server, serve } from '../support.js';
import { ChangingZone, type ZoneVersion } from './changing-zone.js';
import { CHAINS, randomKeys } from './families.js';

const missing = missingTools(['nsd', 'knotd', 'named']);
const SEED = seedOr(20_261_201);
const ZONES = Number(process.env.ADOTD_ZONES ?? 12);
const ROUNDS = Number(process.env.ADOTD_ROUNDS ?? 2);
/** Questions to each zone after each change. */
const QUESTIONS = 60;
const SOA = 6;
/** NOTIFY with AA (RFC 1996 §3.6). */
const NOTIFY = 0x2400;

/** The serial that a server answers with; undefined: it has no version. */
async function serialAt(server: Asked, name: string): Promise<number | undefined> {
  const { answer } = readMessage(await server.ask(buildQuery({ name, type: 'SOA' }), true));
  const soa = answer.find(({ type }) => type === SOA);
  return soa?.rdata.readUInt32BE(soa.rdata.length - 20);
}

const comes = (server: Asked, name: string, serial: number, log?: () => string): Promise<void> =>
  until(`serial ${serial} of ${name}`, async () => (await serialAt(server, name)) === serial, log);

describe.skipIf(missing)(
  `secondaries of zones that adotd signs${missing ? ` (skipped: ${missing})` : ''}, seed ${SEED}`,
  () => {
    const random = new Random(SEED);
    const folder = mkdtempSync(join(tmpdir(), 'adotd-signed-secondaries-'));
    const zones = Array.from({ length: ZONES }, (_, i) => {
      const part = random.fork(i);
      return new ChangingZone(part, [`z${i}`, 'second', 'test'], CHAINS[i % CHAINS.length]!, randomKeys(part).keys);
    });
    const versions = new Map<ChangingZone, ZoneVersion>();
    const peers: Peer[] = [];
    const exchanges: Exchange[] = [];
    let server: Server;
    let ours: Exchange;

    beforeAll(async () => {
      mkdirSync(join(folder, 'zones'));
      for (const zone of zones) write(zone);
      server = await serve({
        workers: 1,
        watch: { settle: 20 },
        remotes: [{ name: 'second', addresses: ['127.0.0.1'] }],
        zones: { folder: join(folder, 'zones'), policies: [{ default: true, transfer: { to: ['second'] } }] },
      });
      ours = await Exchange.open({ name: 'adotd', address: '127.0.0.1', port: server.port });
      const starts = { nsd: startNsd, knot: startKnot, bind: startBind };
      for (const [name, start] of Object.entries(starts)) {
        const own = join(folder, name);
        const wanted = zones.map((zone) => ({
          name: zone.name,
          file: join(own, `${zone.name}zone`),
          primary: server.port,
        }));
        const peer = await start(own, wanted);
        peers.push(peer);
        exchanges.push(await Exchange.open(peer));
      }
    });
    afterAll(async () => {
      for (const exchange of [...exchanges, ours]) exchange?.close();
      for (const peer of peers) await peer.stop();
      await server?.[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    });

    function write(zone: ChangingZone): void {
      const version = zone.next();
      versions.set(zone, version);
      const next = join(folder, 'next');
      writeFileSync(next, version.text, 'latin1');
      renameSync(next, join(folder, 'zones', `${zone.name}zone`));
    }

    /** Waits until all have the newest version of the zone. */
    async function distribute(zone: ChangingZone): Promise<void> {
      const { serial } = versions.get(zone)!;
      await comes(ours, zone.name, serial, () => server.stderr().slice(-3000));
      for (const [i, exchange] of exchanges.entries()) {
        await exchange.ask(buildQuery({ name: zone.name, type: 'SOA', flagBits: NOTIFY }), false);
        await comes(exchange, zone.name, serial, () => `${exchange.name}: ${peers[i]!.log().slice(-3000)}`);
      }
    }

    it.each(Array.from({ length: ROUNDS + 1 }, (_, round) => round))(
      'answer as adotd does, after %d changes',
      async (round) => {
        if (round > 0) for (const zone of zones) write(zone);
        await Promise.all(zones.map(distribute));
        const asked = zones.map((zone, family): WorldZone => {
          const { model, text } = versions.get(zone)!;
          return { name: zone.name, file: '', family, text, model };
        });
        const ask = (query: Parameters<typeof compare>[2]) => compare(ours, exchanges, query);
        const found = await askAbout(asked, ask, random.fork(1_000_000 + round), ZONES * QUESTIONS);
        const against = [...found.differences].filter(([, { againstUs }]) => againstUs);
        expect(
          against.map(([kind, { count }]) => `${count} against us: ${kind}`),
          showDifferences(found, true, 1),
        ).toEqual([]);
        expect(found.agreed).toBeGreaterThan(found.questions / 2);
      },
    );

    it('took the changes by IXFR', () => {
      const lines = server.stderr().split('\n');
      const sent = lines.filter((line) => line.includes('"end":"complete"') && line.includes('"form":"ixfr"'));
      // A difference that is longer than the zone is sent as a whole zone.
      expect(sent.length).toBeGreaterThan((peers.length * ZONES * ROUNDS) / 2);
    });
  },
);
