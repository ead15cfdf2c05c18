/** Zone reloads of a server that is being asked: queries lost, answers that came late, and how long the reload took. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { buildQuery } from '../support/message.js';
import { startAsker } from './asker.js';
import type { Reload } from './peers-results.js';
import { type Contestant, serialOf } from './servers.js';
import type { World } from './worlds.js';

/** Queries a second meanwhile. */
const RATE = 20_000;
/** Milliseconds of queries before the signal, and after the first answer from the new zone. */
const BEFORE = 700;
const BEHIND = 500;
/** Milliseconds that a reload may take, and after which a query is given up. */
const RELOADED_WITHIN = 15_000;
const GIVEN_UP = 1000;
/** Milliseconds between two looks at the serial. */
const LOOK_AGAIN = 20;

/** Reloads the only zone of a world some times. The zone's file has a higher serial and one record more each time. */
export async function measureReloads(server: Contestant, world: World, times: number): Promise<Reload[]> {
  const zone = world.zones[0] ?? '';
  const messages = world.sample
    .filter(([name, type]) => name.startsWith('host') && type === 'A')
    .map(([name]) => buildQuery({ name: `${name}.`, type: 'A' }));
  const reloads: Reload[] = [];
  for (let i = 0; i < times; i++) reloads.push(await reloadOnce(server, world, zone, messages));
  return reloads;
}

async function reloadOnce(
  server: Contestant,
  { zonesFolder }: World,
  zone: string,
  messages: readonly Uint8Array[],
): Promise<Reload> {
  // All servers share the file, so it may be newer than the served zone.
  const serial = raiseSerial(join(zonesFolder, `${zone}.zone`));
  const asker = await startAsker(server.port, messages, RATE);
  try {
    const began = performance.now();
    await wait(BEFORE);
    const signalled = performance.now();
    await server.reload(zone);
    let took: number | undefined;
    while (took === undefined && performance.now() < signalled + RELOADED_WITHIN) {
      await wait(LOOK_AGAIN);
      if ((await serialOf(server.port, zone)) === serial) took = performance.now() - signalled;
    }
    await wait(BEHIND);
    asker.stop();
    const end = performance.now();
    await wait(GIVEN_UP);
    const before = asker.between(began, signalled);
    const during = asker.between(signalled, end);
    return {
      asked: during.asked,
      lost: during.lost,
      wrong: during.wrong,
      lostBefore: before.lost,
      latestBefore: before.latest,
      latest: during.latest,
      ...(took !== undefined && { took }),
    };
  } finally {
    asker.close();
  }
}

/** Replaces the file as one step, so that no server reads half of it; returns the new serial. */
function raiseSerial(file: string): number {
  const text = readFileSync(file, 'latin1');
  const old = /^@ IN SOA \S+ \S+ (\d+)/m.exec(text)?.[1];
  if (old === undefined) throw new Error(`${file} has no SOA record as the workload's zones have it`);
  const serial = Number(old) + 1;
  const changed = text.replace(/^(@ IN SOA \S+ \S+) \d+/m, `$1 ${serial}`);
  writeFileSync(`${file}.new`, `${changed}reloaded${serial} IN A 192.0.2.99\n`);
  renameSync(`${file}.new`, file);
  return serial;
}
