import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type FolderWatch, watchWithChokidar } from '../../../src/server/watch/folder-events.js';
import { createWatcher } from '../../../src/server/watch/watch.js';
import { systemClock } from '../../../src/session/clock.js';
import { PATIENCE } from '../../support/patience.js';

let folder: string;
let watches: FolderWatch[];
const at = (...names: string[]): string => join(folder, ...names);

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'adotd-events-')));
  watches = [];
});
afterEach(() => {
  for (const watch of watches) watch.close();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

interface Heard {
  readonly names: (string | undefined)[];
  readonly errors: unknown[];
}

/** Watches folders; fulfilled when chokidar is ready, or has failed. */
async function watch(...folders: string[]): Promise<Heard> {
  const names: (string | undefined)[] = [];
  const errors: unknown[] = [];
  await new Promise<void>((resolve) => {
    const watchFolder = watchWithChokidar(resolve);
    const failed = (error: unknown): void => {
      errors.push(error);
      resolve();
    };
    for (const one of folders) watches.push(watchFolder(one, (name) => void names.push(name), failed, true));
  });
  return { names, errors };
}

const until = (found: () => unknown): Promise<void> => vi.waitFor(() => expect(found()).toBeTruthy(), PATIENCE);

describe('watching folders with chokidar', () => {
  it('tells each name, and goes on when the root and the folders above are watched too', async () => {
    const { names, errors } = await watch('/', tmpdir(), folder);
    for (const name of ['a', 'b']) {
      writeFileSync(at(name), '1');
      await until(() => names.includes(name));
    }
    expect(errors).toEqual([]);
  });

  it('says so when it stops to watch a folder', async () => {
    mkdirSync(at('zones'));
    const { names, errors } = await watch(folder, at('zones'));
    renameSync(at('zones'), at('old'));
    await until(() => errors.length > 0);
    expect(errors).toEqual([expect.objectContaining({ code: 'ENOENT' })]);
    expect(names).toContain(undefined);
  });

  it.each(['1', 'true'])('fails where the environment has chokidar poll: %s', async (value) => {
    vi.stubEnv('CHOKIDAR_USEPOLLING', value);
    const { errors } = await watch(folder);
    expect(errors).toEqual([expect.objectContaining({ message: 'chokidar polls' })]);
  });

  it('fails where chokidar takes the name of a folder for another', async () => {
    mkdirSync(at('a\\b'));
    const { errors } = await watch(at('a\\b'));
    expect(errors).toEqual([expect.objectContaining({ message: 'chokidar reads \\ as /' })]);
  });

  it('does not have chokidar read a folder that only leads to files', async () => {
    const ready = vi.fn();
    const names: (string | undefined)[] = [];
    const failed = vi.fn();
    const watchFolder = watchWithChokidar(ready);
    watches.push(watchFolder(folder, (name) => void names.push(name), failed, false));
    mkdirSync(at('zones'));
    await until(() => names.includes('zones'));
    expect(ready).not.toHaveBeenCalled();
    expect(failed).not.toHaveBeenCalled();
    expect(() => watchFolder(at('absent'), () => {}, failed, false)).toThrow('ENOENT');
  });

  it('tells nothing once closed', async () => {
    const { names } = await watch(folder);
    for (const one of watches) one.close();
    const { names: later } = await watch(folder);
    writeFileSync(at('a'), '1');
    await until(() => later.includes('a'));
    expect(names).toEqual([]);
  });
});

describe('the process', () => {
  it('is not kept by a timer when watching ends in the middle of an event', async () => {
    const { names } = await watch(folder);
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    writeFileSync(at('a'), '1');
    while (names.length === 0) await nextTurn();
    expect(timers()).toBeGreaterThan(before);
    for (const one of watches) one.close();
    expect(timers()).toBe(before);
  });
});

describe('what happens before chokidar is ready', () => {
  it('is told: a file, a link, a folder that another takes the place of, and what changes there later', async () => {
    for (const name of ['v1', 'v2', 'zones', 'new']) {
      mkdirSync(at(name));
      writeFileSync(at(name, 'a.zone'), name);
    }
    symlinkSync('v1', at('current'));
    writeFileSync(at('file'), '1');
    const told = new Set<string>();
    const files = [at('file'), at('current', 'a.zone'), at('zones', 'a.zone')];
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const changed = (paths: ReadonlySet<string>): void => {
      for (const path of paths) told.add(path);
    };
    const watcher = createWatcher({ settle: 20, poll: 0, clock: systemClock, log, changed });
    watches.push(watcher);
    watcher.update({ files, folders: [at('zones')] });
    // Without giving up the thread: chokidar is not even loaded.
    writeFileSync(at('file'), '2');
    symlinkSync('v2', at('next'));
    renameSync(at('next'), at('current'));
    renameSync(at('zones'), at('old'));
    renameSync(at('new'), at('zones'));
    await until(() => told.size === 4);
    expect([...told].sort()).toEqual([...files, at('zones')].sort());
    await sleep(100);
    told.clear();
    writeFileSync(at('v2', 'a.zone'), 'x');
    writeFileSync(at('zones', 'a.zone'), 'x');
    await until(() => told.size === 2);
    expect([...told].sort()).toEqual(files.slice(1).sort());
  });
});
