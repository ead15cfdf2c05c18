import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readAnswer } from '../differential/answer.js';
import { type Ours, startOurs } from '../differential/engine.js';
import { Exchange } from '../differential/exchange.js';
import type { Signing } from '../differential/model.js';
import { encodeQuery, Questioner, queryToText } from '../differential/queries.js';
import { Random } from '../differential/random.js';
import { expectation, VALIDATED } from '../differential/validation.js';
import { makeWorld, type World, type WorldZone } from '../differential/world.js';
import type { Peer } from '../support/peers/server.js';
import { missingTools } from '../support/peers/tools.js';
import { startUnbound } from '../support/peers/unbound.js';

const missing = missingTools(['unbound', 'dnssec-signzone']);
const SEED = 20_261_121;
/** Families of zones a way of signing, and questions to each zone. */
const FAMILIES = 24;
const QUESTIONS = 200;
const IN_FLIGHT = 16;

/** Zones without a served child: the resolver would take the parent's word about the child's keys. */
function lone(world: World): WorldZone[] {
  const sizes = new Map<number, number>();
  for (const { family } of world.zones) sizes.set(family, (sizes.get(family) ?? 0) + 1);
  return world.zones.filter(({ family, model }) => sizes.get(family) === 1 && model.signing !== 'unsigned');
}

describe.skipIf(missing)(`unbound validates our answers${missing ? ` (skipped: ${missing})` : ''}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'adotd-unbound-'));
  const random = new Random(SEED);
  let zones: WorldZone[] = [];
  let ours: Ours | undefined;
  let unbound: Peer | undefined;
  let resolver: Exchange | undefined;

  beforeAll(async () => {
    const world = await makeWorld(random, FAMILIES, folder);
    zones = lone(world);
    const server = await startOurs(zones);
    ours = server;
    const anchors = zones.map(({ name }) => ({ name, anchor: `${name} DNSKEY ${world.key.dnskey}` }));
    unbound = await startUnbound(join(folder, 'unbound'), server, anchors);
    resolver = await Exchange.open(unbound);
  });
  afterAll(async () => {
    resolver?.close();
    await unbound?.stop();
    await ours?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function validate(zone: WorldZone, questions: number, counts: Map<string, number>): Promise<string[]> {
    if (ours === undefined || resolver === undefined) throw new Error('not started');
    const wrong: string[] = [];
    const questioner = new Questioner(random.fork(zone.family), zone.model);
    for (let i = 0; i < questions; i++) {
      const wanted = VALIDATED[i % VALIDATED.length];
      const query = { ...questioner.ask(wanted), recursionDesired: true, checkingDisabled: false };
      const asked = { ...query, edns: true, dnssecOk: true, size: 1232 };
      const direct = readAnswer(await ours.ask(encodeQuery(asked), true));
      const expected = expectation(zone.model, query, direct);
      if (expected === undefined) continue;
      const resolved = readAnswer(await resolver.ask(encodeQuery(asked), true));
      for (const outcome of zone.model.classify(query.name, query.type)) {
        counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
      }
      const isSecure = (resolved.otherFlags & 0x20) !== 0;
      const rcode = resolved.rcode === direct.rcode ? '' : ` rcode ${resolved.rcode} instead of ${direct.rcode}`;
      const secure = expected === 'secure' && !isSecure ? ' without AD' : '';
      if (rcode !== '' || secure !== '') wrong.push(`${zone.name} ${queryToText(asked)}:${rcode}${secure}`);
    }
    return wrong;
  }

  test.each<Signing>(['NSEC', 'NSEC3', 'opt-out'])('%s: never bogus, secure unless opted out', async (signing) => {
    const counts = new Map<string, number>();
    const queue = zones.filter((zone) => zone.model.signing === signing).values();
    const wrong: string[] = [];
    const worker = async (): Promise<void> => {
      for (const zone of queue) wrong.push(...(await validate(zone, QUESTIONS, counts)));
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
    console.log(`${signing}: ${[...counts].map(([outcome, count]) => `${outcome} ${count}`).join(', ')}`);
    expect(wrong).toEqual([]);
    for (const outcome of VALIDATED) expect(counts.get(outcome) ?? 0, outcome).toBeGreaterThanOrEqual(20);
  });
});
