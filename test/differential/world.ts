/** Generated zones, signed and written to files, and the peers that serve them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PeerZone } from '../support/peers/server.js';
import { readAnswer } from './answer.js';
import type { Asked } from './exchange.js';
import { Generator } from './generate.js';
import { Model, SIGNINGS, type Signing } from './model.js';
import { type Name, nameToText, nameToWire } from './names.js';
import type { Random } from './random.js';
import { type Key, makeKey, signZone, signZoneOurselves } from './sign.js';
import { hex } from './types.js';
import { zoneToText } from './zone-data.js';

export interface World {
  readonly zones: readonly WorldZone[];
  readonly key: Key;
  /** Zones the signer refused, with its words. */
  readonly unsignable: readonly string[];
}

export interface WorldZone extends PeerZone {
  readonly model: Model;
  /** Zones of one family contain each other; they are asked about together or not at all. */
  readonly family: number;
  /** The zone file as text, before signing. */
  readonly text: string;
}

/** How many signers run at once. */
const SIGNERS = 2;

interface Plan {
  readonly family: number;
  readonly signing: Signing;
  readonly origin: Name;
  readonly cuts: readonly Name[];
  readonly random: Random;
}

/** The zones of one family: one zone, at times with a child that is served too, delegated or not. */
function planFamily(random: Random, family: number, signing: Signing): Plan[] {
  const top = [random.chance(0.3) ? 'Z' : 'z', signing.replace('-', ''), 'test'];
  top[0] += String(family);
  const cut = ['Sub', ...top];
  const child = random.chance(0.3);
  const hidden = random.chance(0.05);
  const plans: Plan[] = [{ family, signing, origin: top, cuts: child ? [cut] : [], random: random.fork(1) }];
  if (child) plans.push({ family, signing, origin: cut, cuts: [], random: random.fork(2) });
  if (hidden) plans.push({ family, signing, origin: ['hidden', ...top], cuts: [], random: random.fork(3) });
  return plans;
}

/** Makes `families` families of zones for each way of signing and writes them below `folder`. */
export async function makeWorld(random: Random, families: number, folder: string): Promise<World> {
  const key = makeKey();
  mkdirSync(folder, { recursive: true });
  const plans: Plan[] = [];
  for (let i = 0; i < families * SIGNINGS.length; i++) {
    plans.push(...planFamily(random.fork(i), i, SIGNINGS[i % SIGNINGS.length] ?? 'unsigned'));
  }
  const zones: WorldZone[] = [];
  const unsignable: string[] = [];
  const queue = plans.entries();
  const worker = async (): Promise<void> => {
    for (const [, plan] of queue) {
      try {
        zones.push(await makeZone(plan, key, folder));
      } catch (error) {
        unsignable.push(`${nameToText(plan.origin)}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: SIGNERS }, worker));
  const broken = new Set(unsignable.map((line) => line.split(':')[0]));
  const lost = new Set(plans.filter((plan) => broken.has(nameToText(plan.origin))).map((plan) => plan.family));
  const whole = zones.filter((zone) => !lost.has(zone.family)).sort((a, b) => (a.name < b.name ? -1 : 1));
  return { zones: whole, key, unsignable };
}

async function makeZone({ family, signing, origin, cuts, random }: Plan, key: Key, folder: string): Promise<WorldZone> {
  const data = new Generator(random, origin).make(cuts);
  const name = nameToText(origin);
  const file = join(folder, `${name}zone`);
  const text = zoneToText(data, signing === 'unsigned' ? [] : [`${name} 3600 IN DNSKEY ${key.dnskey}`]);
  if (signing === 'unsigned') {
    writeFileSync(file, text);
  } else {
    writeFileSync(`${file}.unsigned`, text);
    const nsec3 = {
      salt: random.chance(0.5) ? '-' : hex(random, random.between(1, 8)),
      iterations: random.pick([0, 0, 1, 5]),
    };
    if (random.chance(0.5)) signZoneOurselves(name, signing, key, `${file}.unsigned`, file);
    else await signZone(join(folder, 'keys'), name, signing, key, `${file}.unsigned`, file, nsec3);
  }
  return { name, file, family, text, model: new Model(data, signing) };
}

/**
 * The families that all servers serve. `refused` gets a line for every zone that a server did not load: it answers
 * something else than its SOA record with AA.
 */
export async function servedByAll(
  zones: readonly WorldZone[],
  servers: readonly Asked[],
  refused: string[],
): Promise<WorldZone[]> {
  const lost = new Set<number>();
  for (const zone of zones) {
    const name = nameToWire(zone.model.zone.origin);
    const query = Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]), name, Buffer.from([0, 6, 0, 1])]);
    for (const server of servers) {
      const { rcode, aa, answer } = readAnswer(await server.ask(query, false));
      if (rcode === 0 && aa && answer.size === 1) continue;
      lost.add(zone.family);
      refused.push(`${server.name} does not serve ${zone.name}`);
    }
  }
  return zones.filter((zone) => !lost.has(zone.family));
}
