/**
 * Kills whole servers at random moments, while they are updated, transferred from, and transfer, and judges what they have afterwards: every
 * change that was acknowledged, no serial that was later before, and the same zone on all.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { randomFrom } from '../zone/random-zone.js';
import { Serials, serialAt, transferAgain, Updaters, watchSerials } from './crash-load.js';
import { type CrashWorld, type Killable, OWN, TAKEN, ZONES } from './crash-world.js';
import { transferred } from './zone-records.js';

/** Milliseconds of load before the kill, at the most; and of a start that is killed as well. */
const LONGEST = 400;
const LONGEST_START = 800;
/** Part of the rounds in which a start is killed, too. */
const EARLY = 0.2;
/** Milliseconds until all have the same: many refreshes, on a busy machine. */
const AGREEMENT = 120_000;

export interface Tally {
  kills: number;
  acknowledged: number;
  /** Transfers that came whole. */
  transfers: number;
}

/** What is known from round to round. */
interface Memory {
  readonly world: CrashWorld;
  readonly random: () => number;
  readonly serials: Serials;
  readonly own: Updaters;
  readonly taken: Updaters;
  readonly tally: Tally;
}

/** Kills `count` processes; returns what was wrong, and what was done. `progress` is called after each round. */
export async function killServers(
  world: CrashWorld,
  { count, seed, progress = () => undefined }: { count: number; seed: number; progress?(tally: Tally): void },
): Promise<{ wrong: string[]; tally: Tally }> {
  const tally: Tally = { kills: 0, acknowledged: 0, transfers: 0 };
  const memory: Memory = {
    world,
    random: randomFrom(seed),
    serials: new Serials(),
    own: new Updaters(OWN, world.primary.port),
    taken: new Updaters(TAKEN, world.source.port),
    tally,
  };
  await agreement(memory);
  const wrong: string[] = [];
  while (tally.kills < count && wrong.length === 0) {
    const before = tally.kills;
    wrong.push(...(await killOnce(memory)).map((fault) => `after ${before} kills: ${fault}`));
    tally.acknowledged = memory.own.acknowledged + memory.taken.acknowledged;
    progress(tally);
  }
  return { wrong, tally };
}

async function killOnce(memory: Memory): Promise<string[]> {
  const { world, random, serials, own, taken, tally } = memory;
  const servers = [world.primary, world.secondary, { name: world.peer.name, port: world.peer.port }];
  let over = false;
  const isOver = (): boolean => over;
  const load = Promise.all([
    own.run(isOver),
    taken.run(isOver),
    watchSerials(serials, servers, ZONES, isOver),
    ...ZONES.map(async (zone) => {
      const { wrong, whole } = await transferAgain(world.primary.port, zone, zone === OWN ? own : undefined, isOver);
      tally.transfers += whole;
      return wrong;
    }),
  ]);
  const choice = random();
  const killed = [world.primary, world.secondary].filter((_, i) => choice >= 0.6 || (choice < 0.4 ? i === 0 : i === 1));
  await sleep(random() * LONGEST);
  await Promise.all(killed.map((server) => server.kill()));
  over = true;
  const wrong = (await load).flat();
  tally.kills += killed.length;
  for (const server of killed) {
    if (random() < EARLY) {
      await server.startAndKill(random() * LONGEST_START);
      tally.kills++;
    }
    await server.start();
    wrong.push(...(await judgeStart(memory, server)));
  }
  return [...wrong, ...(await agreement(memory))];
}

/** What a server has as soon as it is ready. */
async function judgeStart({ serials, own }: Memory, server: Killable): Promise<string[]> {
  const wrong: (string | undefined)[] = await Promise.all(
    ZONES.map((zone) => serials.look(server.name, server.port, zone)),
  );
  if (server.name === 'primary')
    wrong.push(
      ...own.judge((await transferred(server.port, OWN)).records, own.least()).map((text) => `start: ${text}`),
    );
  // Levels of pino: 50 is error.
  wrong.push(...server.log.split('\n').filter((line) => /^\{"level":[56]0/.test(line)));
  return wrong.filter((text) => text !== undefined);
}

/** Waits until all servers have the same zones; returns what is wrong with them. */
async function agreement({ world, own, taken }: Memory): Promise<string[]> {
  const { source, primary, secondary, peer } = world;
  const wrong: string[] = [];
  for (const [zone, first, updaters] of [
    [OWN, primary, own],
    [TAKEN, source, taken],
  ] as const) {
    const model = await transferred(first.port, zone);
    const wanted = model.serial;
    wrong.push(...updaters.judge(model.records, updaters.least()));
    for (const server of [primary, secondary, peer]) {
      const end = Date.now() + AGREEMENT;
      let found: Awaited<ReturnType<typeof transferred>> | undefined;
      // What the thread for UDP answers already, that for TCP may not for a moment.
      while (found?.serial !== wanted && Date.now() < end) {
        await sleep(10);
        if ((await serialAt(server.port, zone)) === wanted) found = await transferred(server.port, zone);
      }
      if (found?.records.join() !== model.records.join())
        wrong.push(`${server.name} has ${zone} with serial ${found?.serial}, ${first.name} with ${wanted}`);
    }
  }
  return wrong;
}
