import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createWatcher, type Watcher, type WatchFolder } from '../../../src/server/watch/watch.js';
import { stepsOf } from '../../../src/server/watch/watch-steps.js';
import { systemClock } from '../../../src/session/clock.js';
import { FakeClock } from '../../support/clock.js';
import { PATIENCE } from '../../support/patience.js';

let folder: string;
let watcher: Watcher | undefined;
const at = (...names: string[]): string => join(folder, ...names);

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'adotd-watch-')));
});
afterEach(() => {
  watcher?.close();
  rmSync(folder, { recursive: true, force: true });
});

const told: string[][] = [];
const warnings: string[] = [];
const log = {
  debug() {},
  info() {},
  error() {},
  warn: (_: object, message: string) => void warnings.push(message),
};
const changed = (paths: ReadonlySet<string>): void =>
  void told.push([...paths].map((path) => relative(folder, path)).sort());

/** Milliseconds. */
const SETTLE = 20;

/** Watches with the machine's own clock. */
function watch(files: readonly string[], folders: readonly string[] = [], poll = 0): void {
  told.length = 0;
  warnings.length = 0;
  watcher = createWatcher({ settle: SETTLE, poll, clock: systemClock, log, changed });
  watcher.update({ files, folders });
}

/** Acts, waits until all that is expected is told, and some time longer: nothing else is told, unless `others` may be. */
async function expectTold(act: () => void, expected: readonly string[], others = false): Promise<void> {
  told.length = 0;
  act();
  const soFar = (): string[] => [...new Set(told.flat())].sort();
  await vi.waitFor(() => expect(soFar()).toEqual(expect.arrayContaining([...expected])), PATIENCE);
  await sleep(3 * SETTLE);
  if (!others) expect(soFar()).toEqual(expected);
}

describe('watching files', () => {
  it('tells of a file that is written in place, appended to, replaced, removed and made again', async () => {
    writeFileSync(at('a'), '1');
    writeFileSync(at('b'), '1');
    watch([at('a'), at('b')]);
    await expectTold(() => writeFileSync(at('a'), '2'), ['a']);
    await expectTold(() => appendFileSync(at('b'), '2'), ['b']);
    const replace = (): void => {
      writeFileSync(at('a.new'), '3');
      renameSync(at('a.new'), at('a'));
    };
    await expectTold(replace, ['a']);
    await expectTold(replace, ['a']);
    await expectTold(() => unlinkSync(at('a')), ['a']);
    await expectTold(() => writeFileSync(at('a'), '4'), ['a']);
  });

  it('says nothing of other files in the folder', async () => {
    for (const name of ['a', 'b']) writeFileSync(at(name), '1');
    watch([at('a'), at('b')]);
    // From then on there are events, and they come in the order of the changes.
    await expectTold(() => writeFileSync(at('b'), '2'), ['b']);
    const both = (): void => {
      writeFileSync(at('other'), '1');
      writeFileSync(at('b'), '3');
    };
    await expectTold(both, ['b']);
  });

  it('tells of several changes once, when they have stopped for a moment', async () => {
    for (const name of ['a', 'b', 'c']) writeFileSync(at(name), '1');
    watch(['a', 'b', 'c'].map((name) => at(name)));
    const write = (): void => {
      for (const name of ['a', 'b', 'c', 'a']) writeFileSync(at(name), '2');
    };
    await expectTold(write, ['a', 'b', 'c']);
    expect(told).toEqual([['a', 'b', 'c']]);
  });

  it('tells of a link that is pointed elsewhere, and of changes in its target', async () => {
    mkdirSync(at('one'));
    mkdirSync(at('two'));
    writeFileSync(at('one', 'a'), '1');
    writeFileSync(at('two', 'a'), '2');
    symlinkSync('one/a', at('a'));
    watch([at('a')]);
    await expectTold(() => writeFileSync(at('one', 'a'), '3'), ['a']);
    const swap = (): void => {
      symlinkSync('two/a', at('new'));
      renameSync(at('new'), at('a'));
    };
    await expectTold(swap, ['a']);
    await expectTold(() => writeFileSync(at('two', 'a'), '4'), ['a']);
  });

  it('tells of a ConfigMap or Secret that Kubernetes swaps', async () => {
    const version = (name: string, text: string): void => {
      mkdirSync(at(name));
      for (const file of ['a.zone', 'b.zone']) writeFileSync(at(name, file), text);
    };
    const publish = (name: string): void => {
      symlinkSync(name, at('..data_tmp'));
      renameSync(at('..data_tmp'), at('..data'));
    };
    version('..2026_1', '1');
    publish('..2026_1');
    for (const file of ['a.zone', 'b.zone']) symlinkSync(join('..data', file), at(file));
    watch([at('a.zone'), at('b.zone')], [folder]);
    for (const [before, next] of [
      ['..2026_1', '..2026_2'],
      ['..2026_2', '..2026_3'],
    ] as const) {
      const swap = (): void => {
        version(next, next);
        publish(next);
        rmSync(at(before), { recursive: true });
      };
      await expectTold(swap, ['a.zone', 'b.zone'], true);
    }
  });

  it('tells of a folder that is replaced by another, and of changes in the new one', async () => {
    mkdirSync(at('zones'));
    writeFileSync(at('zones', 'a.zone'), '1');
    watch([at('zones', 'a.zone')], [at('zones')]);
    const swap = (): void => {
      mkdirSync(at('new'));
      writeFileSync(at('new', 'a.zone'), '2');
      renameSync(at('zones'), at('old'));
      renameSync(at('new'), at('zones'));
    };
    await expectTold(swap, ['zones', 'zones/a.zone']);
    await expectTold(() => writeFileSync(at('zones', 'a.zone'), '3'), ['zones/a.zone']);
    await expectTold(() => rmSync(at('zones'), { recursive: true }), ['zones', 'zones/a.zone']);
    await expectTold(() => mkdirSync(at('zones')), ['zones/a.zone'], true);
    await expectTold(() => writeFileSync(at('zones', 'a.zone'), '4'), ['zones/a.zone'], true);
  });

  it('tells of changes in a folder that is removed and made again at once', async () => {
    mkdirSync(at('zones'));
    writeFileSync(at('zones', 'a.zone'), '1');
    watch([at('zones', 'a.zone')], [at('zones')]);
    const anew = (): void => {
      rmSync(at('zones'), { recursive: true });
      mkdirSync(at('zones'));
    };
    await expectTold(anew, ['zones', 'zones/a.zone']);
    await expectTold(() => writeFileSync(at('zones', 'a.zone'), '2'), ['zones/a.zone'], true);
  });

  it('tells of changes in a folder that was made before the events began', async () => {
    watch([], [at('zones')]);
    // Chokidar is loaded after this turn: no event tells of the new folder.
    mkdirSync(at('zones'));
    await vi.waitFor(() => expect(told.flat()).toContain('zones'), PATIENCE);
    await sleep(3 * SETTLE);
    await expectTold(() => writeFileSync(at('zones', 'a.zone'), '1'), ['zones']);
  });

  it('tells of a link to a folder that is pointed elsewhere', async () => {
    for (const name of ['v1', 'v2']) {
      mkdirSync(at(name));
      writeFileSync(at(name, 'a.zone'), name);
    }
    symlinkSync('v1', at('current'));
    watch([at('current', 'a.zone')], [at('current')]);
    const swap = (): void => {
      symlinkSync('v2', at('next'));
      renameSync(at('next'), at('current'));
    };
    await expectTold(swap, ['current', 'current/a.zone']);
    await expectTold(() => writeFileSync(at('v2', 'a.zone'), 'x'), ['current/a.zone'], true);
  });

  it('tells of zone files that come and go in a folder, and of no others', async () => {
    writeFileSync(at('a'), '1');
    watch([at('a')], [folder]);
    await expectTold(() => writeFileSync(at('new.zone'), '1'), ['']);
    await expectTold(() => unlinkSync(at('new.zone')), ['']);
    const other = (): void => {
      for (const name of ['.new.zone.swp', '.#new.zone', '._new.zone', 'new.zone~', '#new.zone#'])
        writeFileSync(at(name), '1');
      writeFileSync(at('a'), '2');
    };
    await expectTold(other, ['a']);
  });

  it('finds changes by looking at intervals, if the configuration says so', async () => {
    writeFileSync(at('a'), '1');
    told.length = 0;
    const deaf: WatchFolder = () => ({ close() {} });
    watcher = createWatcher({ settle: 10, poll: 0.05, clock: systemClock, log, changed, watchFolder: deaf });
    watcher.update({ files: [at('a')], folders: [folder] });
    await expectTold(() => writeFileSync(at('a'), '22'), ['a']);
    await expectTold(() => writeFileSync(at('b.zone'), '1'), ['']);
  });

  it('warns and looks at intervals, if the system does not tell', () => {
    writeFileSync(at('a'), '1');
    warnings.length = 0;
    told.length = 0;
    const clock = new FakeClock();
    const full: WatchFolder = () => {
      throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
    };
    watcher = createWatcher({ settle: 100, poll: 0, clock, log, changed, watchFolder: full });
    watcher.update({ files: [at('a')], folders: [] });
    expect(warnings).toEqual([
      expect.stringMatching(/not told \(ENOSPC\) \(raise fs\.inotify\.max_user_watches\).*every 10 s/),
    ]);
    writeFileSync(at('a'), '22');
    clock.advance(10_000);
    clock.advance(100);
    expect(told).toEqual([['a']]);
  });

  /** A watcher of the file `a`; its events are those of `heard`. */
  function listening(): { clock: FakeClock; heard: (name: string | undefined) => void } {
    const clock = new FakeClock();
    told.length = 0;
    let heard: (name: string | undefined) => void = () => undefined;
    const spy: WatchFolder = (path, listener) => {
      if (path === folder) heard = listener;
      return { close() {} };
    };
    writeFileSync(at('a'), '1');
    watcher = createWatcher({ settle: 100, poll: 0, clock, log, changed, watchFolder: spy });
    watcher.update({ files: [at('a')], folders: [] });
    return { clock, heard: (name) => heard(name) };
  }

  it('waits while a file is written bit by bit, but not for ever', () => {
    const { clock, heard } = listening();
    for (let i = 0; i < 9; i++) {
      heard('a');
      clock.advance(90);
    }
    expect(told).toEqual([]);
    for (let i = 0; i < 3; i++) {
      heard('a');
      clock.advance(90);
    }
    expect(told).toEqual([['a']]);
    watcher?.close();
    heard('a');
    clock.advance(10_000);
    expect(told).toHaveLength(1);
    expect(clock.timers).toBe(0);
  });

  it('tells of a folder that comes after its way was followed, and before that is watched', () => {
    const clock = new FakeClock();
    told.length = 0;
    const late: WatchFolder = (path) => {
      if (path === folder) mkdirSync(at('zones'), { recursive: true });
      return { close() {} };
    };
    watcher = createWatcher({ settle: 100, poll: 0, clock, log, changed, watchFolder: late });
    watcher.update({ files: [], folders: [at('zones')] });
    clock.advance(100);
    expect(told).toEqual([['zones']]);
    clock.advance(10_000);
    expect(told).toHaveLength(1);
  });

  it('looks at all files after so many events that the system may have dropped some', () => {
    const { clock, heard } = listening();
    for (const others of [8191, 1, 8192]) {
      writeFileSync(at('a'), `changed before ${others} others`);
      for (let i = 0; i < others; i++) heard('b');
      clock.advance(100);
      clock.advance(100);
      told.push([`${others}`]);
    }
    expect(told).toEqual([['8191'], ['a'], ['1'], ['a'], ['8192']]);
  });

  it('says which files it did not watch before', () => {
    const deaf: WatchFolder = () => ({ close() {} });
    watcher = createWatcher({ settle: 10, poll: 0, clock: new FakeClock(), log, changed, watchFolder: deaf });
    expect(watcher.update({ files: [at('a')], folders: [] })).toEqual([at('a')]);
    expect(watcher.update({ files: [at('a'), at('b')], folders: [] })).toEqual([at('b')]);
  });

  it('forgets paths that are no longer asked for', async () => {
    writeFileSync(at('a'), '1');
    writeFileSync(at('b'), '1');
    watch([at('a'), at('b')]);
    watcher?.update({ files: [at('b')], folders: [] });
    await expectTold(() => writeFileSync(at('b'), '2'), ['b']);
    const both = (): void => {
      writeFileSync(at('a'), '2');
      writeFileSync(at('b'), '3');
    };
    await expectTold(both, ['b']);
  });
});

describe('the steps of a path', () => {
  it('are the names on the way, with those of link targets', () => {
    mkdirSync(at('real'));
    writeFileSync(at('real', 'file'), '1');
    symlinkSync('real', at('link'));
    symlinkSync('../link/./file', at('real', 'again'));
    chmodSync(at('real'), 0o700);
    const { steps, real } = stepsOf(join('link', 'again'), folder);
    expect(real).toBe(at('real', 'file'));
    expect(steps.map((step) => `${relative(folder, step.folder)}:${step.name}`)).toEqual([
      ':link',
      ':real',
      'real:again',
      ':link',
      ':real',
      'real:file',
    ]);
    expect(stepsOf(at('real', 'none', 'x')).real).toBeUndefined();
  });

  it('end when links lead in a circle', () => {
    symlinkSync('b', at('a'));
    symlinkSync('a', at('b'));
    expect(stepsOf(at('a')).real).toBeUndefined();
    expect(stepsOf(at('a')).steps.length).toBeLessThan(100);
  });
});
