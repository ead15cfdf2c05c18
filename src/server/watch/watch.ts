/**
 * Watches files and folders, and tells which may have changed, when nothing has for a moment. It only hints: whether a content has
 * changed is found out by who reads it (source-state.ts).
 *
 * Folders are watched (folder-events.ts), not files: those that the watched ones lie in, and those above, up to the root
 * (watch-steps.ts). It takes a while until events come: what has changed by then is found by how it looks (watch-poll.ts).
 */
import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { codeOf } from '../../errors.js';
import type { Log } from '../../observe/log.js';
import type { Clock } from '../../session/clock.js';
import { ZONE_SUFFIX } from '../../zone/filename.js';
import { folderIdentity } from './file-looks.js';
import { type FolderWatch, type WatchFolder, watchWithChokidar } from './folder-events.js';
import { Poller } from './watch-poll.js';
import { type Steps, sameSteps, stepsOf } from './watch-steps.js';

export interface WatchedPaths {
  readonly files: Iterable<string>;
  /** Folders in which zone files come and go. */
  readonly folders: Iterable<string>;
}

export type { WatchFolder };

export interface WatchOptions {
  /** Milliseconds without a change after which what has changed is told; at the latest after SETTLE_LIMIT times that. */
  readonly settle: number;
  /** Seconds between two looks at all files; 0: none are needed as long as the system tells of changes. */
  readonly poll: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Told the paths that may have changed, as they were given. */
  changed(paths: ReadonlySet<string>): void;
  readonly watchFolder?: WatchFolder;
}

export interface Watcher {
  /** Watches these, and no others, from now on. */
  update(paths: WatchedPaths): void;
  close(): void;
}

const SETTLE_LIMIT = 10;
/** Seconds between two looks where the system does not tell of changes. */
const FALLBACK_POLL = 10;

/** Of a name in a folder: the watched paths that hang on it. */
interface Hint {
  readonly paths: Set<string>;
  /** Folders of watched files that are reached over it: it stands above them. */
  readonly above: Set<string>;
}

export function createWatcher(options: WatchOptions): Watcher {
  return new FolderWatcher(options);
}

class FolderWatcher implements Watcher {
  readonly #options: WatchOptions;
  readonly #watchFolder: WatchFolder;
  readonly #poller: Poller;
  readonly #timer;
  /** By folder without links. */
  readonly #watched = new Map<string, { readonly watch: FolderWatch; readonly identity: string }>();
  /** By folder without links, then by name. */
  #hints = new Map<string, Map<string, Hint>>();
  /** Folders of watched files, as they were given, and where they lead. */
  #bases = new Map<string, Steps>();
  #files = new Map<string, Set<string>>();
  #all = new Set<string>();
  /** Watched files that are links. */
  #links = new Set<string>();
  /** Watched folders by where they lead. */
  #folders = new Map<string, string>();
  #dirty = new Set<string>();
  #moved = false;
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
    if (poll > 0) this.#poller.every(poll);
  }

  update({ files, folders }: WatchedPaths): void {
    const wanted = new Set(files);
    for (const path of this.#all) if (!wanted.has(path)) this.#forget(path);
    for (const path of wanted) if (!this.#all.has(path)) this.#add(path);
    this.#folders.clear();
    for (const folder of folders) this.#addFolder(folder);
    this.#poller.update(this.#all, this.#folders.values());
    this.#watchNeeded();
  }

  close(): void {
    this.#closed = true;
    this.#timer.clear();
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
    // What hangs on it is left: it hints at nothing any more (#touch).
  }

  #addFolder(folder: string): void {
    const { real } = this.#base(resolve(folder));
    // While it is not there, what stands above it hints at it.
    this.#folders.set(real ?? resolve(folder), folder);
    if (real !== undefined && !this.#hints.has(real)) this.#hints.set(real, new Map());
  }

  /** Where a folder leads; what stands above it is watched for its sake. */
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

  /** Watches the folders that something hangs on. */
  #watchNeeded(): void {
    for (const folder of this.#hints.keys()) if (!this.#watched.has(folder)) this.#watch(folder);
  }

  #watch(folder: string): void {
    try {
      const identity = folderIdentity(folder);
      const heard = (name: string | undefined): void => this.#heard(folder, name);
      const watch = this.#watchFolder(folder, heard, (error) => this.#deaf(folder, error));
      this.#watched.set(folder, { watch, identity });
    } catch (error) {
      this.#deaf(folder, error);
    }
  }

  /** Folders are watched that were not before: finds what has happened meanwhile. */
  #watching(): void {
    if (this.#closed) return;
    for (const [base, { steps }] of this.#bases) {
      if (!sameSteps(steps, stepsOf(base).steps)) this.#baseMoved(base);
    }
    for (const [folder, { identity }] of this.#watched) {
      if (identity === folderIdentity(folder)) continue;
      this.#moved = true;
      this.#heard(folder, undefined);
    }
    for (const path of this.#links) this.#add(path);
    this.#watchNeeded();
    void this.#poller.look();
  }

  /** The system does not tell of changes in a folder: where files lie in it, they are looked at now and then. */
  #deaf(folder: string, error: unknown): void {
    const code = codeOf(error);
    this.#watched.get(folder)?.watch.close();
    this.#watched.delete(folder);
    if (code === 'ENOENT' || this.#closed) return;
    const names = [...(this.#hints.get(folder)?.values() ?? [])];
    const direct = this.#folders.has(folder) || names.some(({ paths }) => paths.size > 0);
    if (!direct && (code === 'EACCES' || code === 'EPERM')) return;
    if (this.#poller.running) return;
    const remedy = code === 'ENOSPC' ? ' (raise fs.inotify.max_user_watches)' : '';
    this.#options.log.warn(
      { folder, err: error },
      `changes in ${folder} are not told (${code || String(error)})${remedy}: all files are looked at every ${FALLBACK_POLL} s instead`,
    );
    this.#poller.every(FALLBACK_POLL);
  }

  #heard(folder: string, name: string | undefined): void {
    const hints = this.#hints.get(folder);
    if (hints === undefined || this.#closed) return;
    const own = this.#folders.get(folder);
    if (own !== undefined && (name === undefined || (name.endsWith(ZONE_SUFFIX) && !this.#stays(folder, name)))) {
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

  /** Whether a name is that of a watched file that is still there: the folder has the same files as before. */
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
    // First looked at, then read: what changes in between is told again.
    this.#poller.learn(dirty);
    if (this.#moved) {
      const files = [...this.#all];
      this.#moved = false;
      // All of them: a folder that was made anew may have the number of the one before, whose watch is gone.
      this.#unwatchAll();
      this.#hints.clear();
      this.#bases.clear();
      this.#files.clear();
      this.#all.clear();
      this.#links.clear();
      this.update({ files, folders });
    } else {
      // A file may have become a link, or a link another one.
      for (const path of dirty) if (this.#all.has(path)) this.#add(path);
      this.#watchNeeded();
    }
    this.#options.changed(dirty);
  }
}
