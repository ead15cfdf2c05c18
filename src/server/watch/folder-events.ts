/**
 * The source of events: folders, watched with chokidar, which is loaded with the first of them.
 *
 * Chokidar's `raw` events are used, which pass on the system's events of a folder; all names in the folders are ignored.
 * Measured with chokidar 5.0.0 and 10,000 zone files in a folder:
 * - If the files are not ignored, chokidar watches each of them: 10,001 inotify watches in place of 1, 72 MB in place of 23, ready
 *   after 3.4 s in place of 0.4.
 * - When rename() puts another folder in the place of one, there is no other event than `raw`: the names are as before.
 * - It reads the folder before it watches it, and again at each event (240 ms of CPU). Hence `ready`.
 *
 * Folders that only lead to watched files are watched with node:fs, so that a busy one costs little: chokidar would read all of it at
 * each event, and look at each name in it. Measured with 1,000 names in `/tmp` and 1,000 events in it: 0.3 s of CPU in place of 9.3.
 * Chokidar 5 cannot watch the root in any case: it mistakes `/` for a deleted entry of `/`, and closes the watches of all folders
 * below (issue 1184 of chokidar).
 */
import { watch as watchFolder } from 'node:fs';
import { dirname } from 'node:path';
import { isNativeError } from 'node:util/types';
import type { FSWatcher } from 'chokidar';

export interface FolderWatch {
  close(): void;
}

/**
 * Has `heard` called with each name in `folder` that something happens to; `undefined`: the name is unknown. `failed` is called when
 * the folder is not watched, or not any more. `holdsFiles`: watched files are in it; otherwise it only leads to them. Throws the error
 * of the system.
 */
export type WatchFolder = (
  folder: string,
  heard: (name: string | undefined) => void,
  failed: (error: unknown) => void,
  holdsFiles: boolean,
) => FolderWatch;

interface Listener {
  readonly heard: (name: string | undefined) => void;
  readonly failed: (error: unknown) => void;
}

const ROOT = '/';

/** `ready` is called whenever more folders are watched; no event tells of changes in them before. */
export function watchWithChokidar(ready: () => void): WatchFolder {
  const listeners = new Map<string, Listener>();
  const instances = new Set<FSWatcher>();
  /** Folders for the next call of chokidar. */
  const waiting = new Set<string>();
  const open = async (): Promise<void> => {
    let chokidar: typeof import('chokidar');
    try {
      chokidar = await import('chokidar');
    } catch (error) {
      for (const folder of waiting) listeners.get(folder)?.failed(error);
      return;
    }
    if (waiting.size > 0) instances.add(openInstance(chokidar, [...waiting], listeners, ready));
    waiting.clear();
  };
  const release = (folder: string): void => {
    listeners.delete(folder);
    waiting.delete(folder);
    if (listeners.size > 0) return;
    for (const instance of instances) closeInstance(instance);
    instances.clear();
  };
  return (folder, heard, failed, holdsFiles) => {
    if (!holdsFiles || folder === ROOT) return watchWithNode(folder, heard, failed);
    listeners.set(folder, { heard, failed });
    if (waiting.size === 0) void open();
    waiting.add(folder);
    return { close: () => release(folder) };
  };
}

/** One call of chokidar over these folders. */
function openInstance(
  { watch }: typeof import('chokidar'),
  folders: readonly string[],
  listeners: ReadonlyMap<string, Listener>,
  ready: () => void,
): FSWatcher {
  const own = new Set(folders);
  const fail = (folder: string, error: unknown): void => listeners.get(folder)?.failed(error);
  const instance = watch([...folders], {
    depth: 0,
    followSymlinks: false,
    ignoreInitial: true,
    atomic: false,
    persistent: false,
    ignored: (path) => !own.has(path),
  });
  instance.on('raw', (_, name, details) => {
    const folder = watchedPath(details);
    if (folder !== undefined) listeners.get(folder)?.heard(name ?? undefined);
  });
  instance.on('unlinkDir', (folder) => {
    // Chokidar has stopped watching it, whether or not it is there again.
    listeners.get(folder)?.heard(undefined);
    fail(folder, Object.assign(new Error(`${folder} is gone`), { code: 'ENOENT' }));
  });
  instance.on('error', (error) => {
    const path = isNativeError(error) && 'path' in error ? String(error.path) : '';
    const folder = [path, dirname(path)].find((one) => own.has(one));
    for (const one of folder === undefined ? folders : [folder]) fail(one, error);
  });
  instance.on('ready', ready);
  // The environment decides (CHOKIDAR_USEPOLLING): then there are no events of files.
  if (instance.options.usePolling) for (const folder of folders) fail(folder, new Error('chokidar polls'));
  for (const folder of folders) if (folder.includes('\\')) fail(folder, new Error('chokidar reads \\ as /'));
  return instance;
}

/** Closes it, and ends the timers that chokidar leaves behind: while it reads a folder, one would keep the process for a second. */
function closeInstance(instance: FSWatcher): void {
  for (const actions of instance._throttled.values()) {
    for (const { timeoutObject } of actions.values()) clearTimeout(timeoutObject);
  }
  void instance.close();
}

function watchWithNode(folder: string, heard: Listener['heard'], failed: Listener['failed']): FolderWatch {
  const watcher = watchFolder(folder, { persistent: false });
  watcher.on('change', (_, name) => heard(typeof name === 'string' ? name : undefined));
  watcher.on('error', failed);
  return watcher;
}

function watchedPath(details: unknown): string | undefined {
  if (typeof details !== 'object' || details === null || !('watchedPath' in details)) return undefined;
  return typeof details.watchedPath === 'string' ? details.watchedPath : undefined;
}
