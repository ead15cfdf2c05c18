/**
 * Damages state folders at random, and judges what is read then: a zone is right, or it is refused; it is never older than what was
 * acknowledged, and never missing. A case is a function of its seed.
 */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdotdError, ErrorCode } from '../../src/errors.js';
import { ZoneStore } from '../../src/state/zone-store.js';
import { randomFrom } from '../zone/random-zone.js';
import { between, imageOf, runOf, runOfRead } from './stored.js';

const VALUE = Buffer.from('a value');
/** Serial of a version that takes the place of one that is refused. */
const HEALED = 99;
const FLAGS = { role: 'file', flags: { kept: true } };

interface Sample {
  readonly folder: string;
  /** The records of each zone as they were acknowledged last. */
  readonly zones: ReadonlyMap<string, Uint8Array>;
}

/**
 * A folder with zones of all kinds: small and large, as image and as records, with and without differences. `isRewritten`: the ledger is
 * written anew again and again meanwhile, so that older entries stand behind newer ones.
 */
export async function sampleFolder(isRewritten = false): Promise<Sample> {
  const folder = join(mkdtempSync(join(tmpdir(), 'adotd-sample-')), 'state');
  const store = await ZoneStore.open(folder, { report() {}, ...(isRewritten && { rewriteAt: 1 }) });
  const zones = new Map<string, Uint8Array>();
  const put = async (zone: string, serials: readonly number[], records: number, isRun: boolean): Promise<void> => {
    const images = serials.map((serial) => imageOf(zone, serial, records));
    await store.commit(zone, { generation: isRun ? runOf(images[0]!) : images[0]!, facts: FLAGS });
    const differences = between(...images);
    for (const [i, difference] of differences.entries())
      await store.commit(zone, { differences: [difference], ...(isRun ? {} : { generation: images[i + 1]! }) });
    zones.set(zone, runOf(images.at(-1)!));
  };
  const all = [
    () => put('small.test.', [1], 3, false),
    () => put('run.test.', [4], 20, true),
    () => put('changed.test.', [1, 2, 3, 4, 5], 20, false),
    () => put('journal.test.', [10, 11, 12], 20, true),
    () => put('large.test.', [7], 3800, true),
    () => put('large-image.test.', [7, 8], 1600, false),
  ];
  if (isRewritten) await Promise.all(all.map((one) => one()));
  else for (const one of all) await one();
  await store.table('members').put('a', VALUE);
  await store.note('small.test.', { timers: { refresh: 1 } });
  await store.close();
  return { folder, zones };
}

/** Damages a copy of the folder; undefined: what is read is right, or refused. Otherwise what is wrong. */
export async function judge(sample: Sample, seed: number): Promise<string | undefined> {
  const random = randomFrom(seed);
  const folder = join(mkdtempSync(join(tmpdir(), 'adotd-damaged-')), 'state');
  mkdirSync(folder, { mode: 0o700 });
  cpSync(sample.folder, folder, { recursive: true });
  const done = damage(folder, random);
  try {
    const zones = new Map(sample.zones);
    let wrong: string | undefined;
    for (const isHealing of [false, true, false]) wrong ??= await judgeOpened(zones, folder, isHealing);
    return wrong && `seed ${seed}, ${done}: ${wrong}`;
  } finally {
    rmSync(join(folder, '..'), { recursive: true });
  }
}

/** Opens the store and reads all zones. `isHealing`: zones that are refused get a new version, which is then expected. */
async function judgeOpened(
  zones: Map<string, Uint8Array>,
  folder: string,
  isHealing: boolean,
): Promise<string | undefined> {
  const said: string[] = [];
  let store: ZoneStore;
  try {
    store = await ZoneStore.open(folder, { report: (text) => said.push(text) });
  } catch (error) {
    return `opening threw ${String(error)}`;
  }
  try {
    for (const [zone, run] of zones) {
      let read = await store.read(zone);
      if (read === undefined) return `${zone} is not known any more; said: ${said.join('; ')}`;
      if (read.kind === 'unreadable') {
        if (said.length === 0) return `${zone} is refused and nothing is said`;
        if (!isHealing) continue;
        const image = imageOf(zone, HEALED);
        await store.commit(zone, { generation: image, facts: FLAGS });
        zones.set(zone, runOf(image));
        read = await store.read(zone);
      }
      if (read?.kind !== 'content') return `${zone} is refused after a new version: ${read?.reason}`;
      if (Buffer.compare(runOfRead(zone, read), zones.get(zone) ?? run) !== 0)
        return `${zone} is another one: serial ${read.serial}`;
      const { facts } = store.zone(zone)!;
      if (!facts.flags.kept && said.length === 0) return `${zone} has other facts: ${JSON.stringify(facts)}`;
    }
    return judgeTable(store, said);
  } catch (error) {
    return `reading threw ${error instanceof Error ? error.stack : String(error)}`;
  } finally {
    await store.close();
  }
}

function judgeTable(store: ZoneStore, said: readonly string[]): string | undefined {
  try {
    const value = store.table('members').get('a');
    if (value === undefined) return said.length > 0 ? undefined : 'a value of a table is missing';
    return Buffer.compare(value, VALUE) === 0 ? undefined : 'a table has another value';
  } catch (error) {
    if (error instanceof AdotdError && error.code === ErrorCode.STATE) return undefined;
    throw error;
  }
}

/** Damages one file; returns what was done. */
function damage(folder: string, random: () => number): string {
  const below = (limit: number): number => Math.floor(random() * limit);
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort();
  // Half of the cases concern the ledger, which has most to lose.
  const ledgers = files.filter((path) => /ledger-[0-9]+$/.test(path));
  const path = random() < 0.5 ? ledgers[below(ledgers.length)]! : files[below(files.length)]!;
  const name = path.slice(folder.length + 1);
  const { size } = statSync(path);
  const at = below(size);
  const kind = below(10);
  if (kind === 0) {
    rmSync(path);
    return `${name} removed`;
  }
  if (kind <= 2) {
    truncateSync(path, at);
    return `${name} of ${size} octets cut to ${at}`;
  }
  const octets = readFileSync(path);
  if (kind === 3) octets.fill(0, at, Math.min(size, at + 1 + below(4096)));
  else if (kind === 4) octets.copyWithin(at, below(size), below(size));
  else octets[at]! ^= 1 << below(8);
  writeFileSync(path, octets);
  return `${name} of ${size} octets damaged at ${at} (${kind})`;
}
