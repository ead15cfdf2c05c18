/**
 * Watches files and folders. When changes have stopped for a moment, it tells which paths may have changed. These are hints: the
 * reader of a file compares its content (source-state.ts).
 *
 * The watches are on folders (folder-events.ts): those that hold the files, and all above them up to the root (watch-steps.ts). Events
 * start a moment after the watcher. Changes before that moment are found by comparing how the files look (watch-poll.ts).
 */
import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { codeOf } from '../../errors.js';
import type { Log } from '../../observe/log.js';
import type { Clock, Timer } from '../../session/clock.js';
import { isZoneFileName } from '../../zone/filename.js';
import { folderIdentity } from './file-looks.js';
import { type FolderWatch, type WatchFolder, watchWithChokidar } from './folder-events.js';
import { Poller } from './watch-poll.js';
import { type Steps, sameWay, stepsOf } from './watch-steps.js';

export interface WatchedPaths {
  readonly files: Iterable<string>;
  /** Folders in which zone files come and go. */
  readonly folders: Iterable<string>;
}

export type { WatchFolder };

interface WatchOptions {
  /** Milliseconds without a change before the changed paths are told. The wait ends after SETTLE_LIMIT times this in any case. */
  readonly settle: number;
  /** Seconds between two looks at all files; 0: no looks as long as events come. */
  readonly poll: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Called with the paths that may have changed, spelled as in update(). */
  changed(paths: ReadonlySet<string>): void;
  readonly watchFolder?: WatchFolder;
}

export interface Watcher {
  /** From now on watches these paths and no others. Returns the files that were not watched before. */
  update(paths: WatchedPaths): readonly string[];
  close(): void;
}

const SETTLE_LIMIT = 10;
/** Seconds between two looks if a folder cannot be watched. */
const FALLBACK_POLL = 10;
/**
 * Events within a moment after which all files are looked at: half of those that Linux keeps for a process (fs.inotify.max_queued_events).
 * At that number it drops further events, and libuv does not tell.
 */
const MANY_EVENTS = 8192;

/** The watched paths that depend on a name in a folder. */
interface Hint {
  readonly paths: Set<string>;
  /** Folders of watched files whose path leads through this name. */
  readonly above: Set<string>;
}

export function createWatcher(options: WatchOptions): Watcher {
  return new FolderWatcher(options);
}

class FolderWatcher implements Watcher {
  readonly #options: WatchOptions;
  readonly #watchFolder: WatchFolder;
  readonly #poller: Poller;
  readonly #timer: Timer;
  /** The key is a folder, its path without links. */
  readonly #watched = new Map<string, { readonly watch: FolderWatch; readonly identity: string }>();
  /** The keys are a folder, its path without links, and a name in it. */
  #hints = new Map<string, Map<string, Hint>>();
  /** Folders of watched files, spelled as given, and where they lead. */
  #bases = new Map<string, Steps>();
  #files = new Map<string, Set<string>>();
  #all = new Set<string>();
  /** Watched files that are links. */
  #links = new Set<string>();
  /** Watched folders; the key is the path that each leads to. */
  #folders = new Map<string, string>();
  #dirty = new Set<string>();
  #moved = false;
  /** Events since all files were looked at, or since there were many. */
  #events = 0;
  readonly #burst: Timer;
  #firstAt: number | undefined;
  #closed = false;

  constructor(options: WatchOptions) {
    const { clock, poll } = options;
    this.#options = options;
    this.#watchFolder = options.watchFolder ?? watchWithChokidar(() => this.#watching());
    this.#timer = clock.timer(() => this.#flush());
    this.#poller = new Poller(clock, (paths) => {
      for (const path of paths) this.#touch(path);
    });
    this.#burst = clock.timer(() => {
      this.#events = 0;
      void this.#poller.look();
    });
    if (poll > 0) this.#poller.every(poll);
  }

  update({ files, folders }: WatchedPaths): readonly string[] {
    const wanted = new Set(files);
    for (const path of this.#all) if (!wanted.has(path)) this.#forget(path);
    const added = [...wanted].filter((path) => !this.#all.has(path));
    for (const path of added) this.#add(path);
    this.#folders.clear();
    for (const folder of folders) this.#addFolder(folder);
    this.#poller.update(this.#all, this.#folders.values());
    this.#watchNeeded();
    return added;
  }

  close(): void {
    this.#closed = true;
    this.#timer.clear();
    this.#burst.clear();
    this.#poller.close();
    this.#unwatchAll();
  }

  #unwatchAll(): void {
    for (const { watch } of this.#watched.values()) watch.close();
    this.#watched.clear();
  }

  #add(path: string): void {
    this.#all.add(path);
    const base = dirname(resolve(path));
    const { real } = this.#base(base);
    const members = this.#files.get(base) ?? new Set();
    this.#files.set(base, members.add(path));
    if (real === undefined) return;
    const { steps } = stepsOf(basename(path), real);
    if (steps.length > 1) this.#links.add(path);
    for (const { folder, name } of steps) this.#hint(folder, name).paths.add(path);
  }

  #forget(path: string): void {
    this.#all.delete(path);
    this.#links.delete(path);
    this.#files.get(dirname(resolve(path)))?.delete(path);
    // Its hints stay. #touch ignores them from now on.
  }

  #addFolder(folder: string): void {
    const { real } = this.#base(resolve(folder));
    // If the folder is missing, events above it tell when it comes.
    this.#folders.set(real ?? resolve(folder), folder);
    if (real !== undefined && !this.#hints.has(real)) this.#hints.set(real, new Map());
  }

  /** The steps of a folder's path. All folders above it are watched too. */
  #base(base: string): Steps {
    const known = this.#bases.get(base);
    if (known) return known;
    const found = stepsOf(base);
    this.#bases.set(base, found);
    for (const { folder, name } of found.steps) this.#hint(folder, name).above.add(base);
    return found;
  }

  #hint(folder: string, name: string): Hint {
    const names = this.#hints.get(folder) ?? new Map<string, Hint>();
    this.#hints.set(folder, names);
    const hint = names.get(name) ?? { paths: new Set(), above: new Set() };
    names.set(name, hint);
    return hint;
  }

  /** Watches each folder that a watched path depends on. */
  #watchNeeded(): void {
    const needed = [...this.#hints.keys()].filter((folder) => !this.#watched.has(folder));
    for (const folder of needed) this.#watch(folder);
    // A folder on the way may have been replaced after the way was followed, and before it was watched.
    if (needed.length > 0) this.#findMoved();
  }

  /** Finds the folders of watched files that lead elsewhere than when their ways were followed. */
  #findMoved(): void {
    for (const [base, before] of this.#bases) if (!sameWay(before, stepsOf(base))) this.#baseMoved(base);
  }

  #watch(folder: string): void {
    try {
      const identity = folderIdentity(folder);
      const heard = (name: string | undefined): void => this.#heard(folder, name);
      const failed = (error: unknown): void => this.#deaf(folder, error);
      const watch = this.#watchFolder(folder, heard, failed, this.#holdsFiles(folder));
      this.#watched.set(folder, { watch, identity });
    } catch (error) {
      this.#deaf(folder, error);
    }
  }

  /** More folders are watched now: finds the changes that came before their watches. */
  #watching(): void {
    if (this.#closed) return;
    this.#findMoved();
    for (const [folder, { identity }] of this.#watched) {
      if (identity === folderIdentity(folder)) continue;
      this.#moved = true;
      this.#heard(folder, undefined);
    }
    for (const path of this.#links) this.#add(path);
    this.#watchNeeded();
    void this.#poller.look();
  }

  /** A folder is not watched. If it holds watched files, all files are looked at from time to time. */
  #deaf(folder: string, error: unknown): void {
    const code = codeOf(error);
    this.#watched.get(folder)?.watch.close();
    this.#watched.delete(folder);
    if (code === 'ENOENT' || this.#closed) return;
    if (!this.#holdsFiles(folder) && (code === 'EACCES' || code === 'EPERM')) return;
    if (this.#poller.running) return;
    const remedy = code === 'ENOSPC' ? ' (raise fs.inotify.max_user_watches)' : '';
    this.#options.log.warn(
      { folder, err: error },
      `changes in ${folder} are not told (${code || String(error)})${remedy}: all files are looked at every ${FALLBACK_POLL} s instead`,
    );
    this.#poller.every(FALLBACK_POLL);
  }

  /** Whether a watched file is in the folder, or may come; otherwise it only leads to one. */
  #holdsFiles(folder: string): boolean {
    const names = [...(this.#hints.get(folder)?.values() ?? [])];
    return this.#folders.has(folder) || names.some(({ paths }) => paths.size > 0);
  }

  #heard(folder: string, name: string | undefined): void {
    if (++this.#events === MANY_EVENTS) this.#burst.set(this.#options.settle);
    const hints = this.#hints.get(folder);
    if (hints === undefined || this.#closed) return;
    const own = this.#folders.get(folder);
    if (own !== undefined && (name === undefined || (isZoneFileName(name) && !this.#stays(folder, name)))) {
      this.#touch(own);
    }
    const found = name === undefined ? [...hints.values()] : [hints.get(name)];
    for (const hint of found) {
      if (hint === undefined) continue;
      for (const path of hint.paths) this.#touch(path);
      for (const base of hint.above) this.#baseMoved(base);
    }
  }

  /** A folder of watched files may lead elsewhere now. */
  #baseMoved(base: string): void {
    this.#moved = true;
    for (const path of this.#files.get(base) ?? []) this.#touch(path);
    for (const folder of this.#folders.values()) if (resolve(folder) === base) this.#touch(folder);
  }

  /** Whether a watched file has this name and still exists: then the folder's list of files is as before. */
  #stays(folder: string, name: string): boolean {
    const known = this.#hints.get(folder)?.get(name)?.paths ?? [];
    return [...known].some((path) => this.#all.has(path)) && existsSync(join(folder, name));
  }

  #touch(path: string): void {
    if (!this.#all.has(path) && ![...this.#folders.values()].includes(path)) return;
    this.#dirty.add(path);
    const { clock, settle } = this.#options;
    const now = clock.milliseconds();
    this.#firstAt ??= now;
    this.#timer.set(Math.max(0, Math.min(settle, this.#firstAt + settle * SETTLE_LIMIT - now)));
  }

  #flush(): void {
    const dirty = this.#dirty;
    this.#dirty = new Set();
    this.#firstAt = undefined;
    const folders = [...this.#folders.values()];
    // Look first, then have it read: a change between the two is told again.
    this.#poller.learn(dirty);
    if (this.#moved) {
      const files = [...this.#all];
      this.#moved = false;
      // All watches are made again: a new folder may have the inode number of the old one, and the watch of that is gone.
      this.#unwatchAll();
      this.#hints.clear();
      this.#bases.clear();
      this.#files.clear();
      this.#all.clear();
      this.#links.clear();
      this.update({ files, folders });
    } else {
      // A file may be a link now, or a link may lead elsewhere.
      for (const path of dirty) if (this.#all.has(path)) this.#add(path);
      this.#watchNeeded();
    }
    this.#options.changed(dirty);
  }
}
