/**
 * Keeps a second server away from a state folder. The lock is a Unix socket in the folder that its owner listens on: the system closes it
 * with the process, however that ends, and other containers of the machine that have the folder see it too.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, linkSync, openSync, renameSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { codeOf } from '../errors.js';
import { stateError, systemError } from './folder.js';

const LOCK = 'lock';
/** Each try but the last removes the lock of a process that has ended. */
const TRIES = 5;
/** Octets of the longest path of a Unix socket (unix(7)). */
const MAX_PATH = 107;

export interface FolderLock {
  release(): Promise<void>;
}

/** Takes the lock of a folder. Rejects with ADOTD_STATE when another process has it. */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const own = `${LOCK}-${process.pid}-${randomBytes(4).toString('hex')}`;
  const way = new ShortWay(folder);
  let server: Server | undefined;
  try {
    server = await listen(way.to(own));
    for (let i = 0; ; i++) {
      if (takeName(folder, own)) break;
      if (i === TRIES || (await isAlive(way.to(LOCK)))) throw inUse(folder);
      await removeStale(folder, way, own);
    }
  } catch (error) {
    await closed(server);
    throw systemError(folder, error);
  } finally {
    rmSync(join(folder, own), { force: true });
    way.close();
  }
  const holder = server;
  return {
    async release() {
      rmSync(join(folder, LOCK), { force: true });
      await closed(holder);
    },
  };
}

/** Paths of sockets in a folder; through /proc where they would be too long. */
class ShortWay {
  readonly #folder: string;
  readonly #fd: number | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    const isLong = Buffer.byteLength(folder) > MAX_PATH - 40;
    this.#fd = isLong && process.platform === 'linux' ? openSync(folder, 'r') : undefined;
  }

  to(name: string): string {
    return this.#fd === undefined ? join(this.#folder, name) : `/proc/self/fd/${this.#fd}/${name}`;
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
  }
}

/** Gives the socket the name that all agree on; false: the name is taken. */
function takeName(folder: string, own: string): boolean {
  try {
    linkSync(join(folder, own), join(folder, LOCK));
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Moves the lock away. One that came to life meanwhile is put back. */
async function removeStale(folder: string, way: ShortWay, own: string): Promise<void> {
  const stale = `${own}-stale`;
  try {
    renameSync(join(folder, LOCK), join(folder, stale));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  try {
    if (!(await isAlive(way.to(stale)))) return;
    linkSync(join(folder, stale), join(folder, LOCK));
    throw inUse(folder);
  } finally {
    rmSync(join(folder, stale), { force: true });
  }
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    // The lock alone is no reason to go on running.
    server.unref();
    server.once('error', reject);
    server.listen({ path }, () => {
      try {
        // Its folder is open to nobody else, so the mode may come later. Not by process.umask(), which no worker thread may call.
        chmodSync(path, 0o600);
        resolve(server);
      } catch (error) {
        server.close();
        reject(error);
      }
    });
  });
}

/** Whether a process listens there. */
function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (error) => {
      const code = codeOf(error);
      if (code === 'ECONNREFUSED' || code === 'ENOENT' || code === 'ENOTSOCK') resolve(false);
      // More connections wait there than the process has accepted so far.
      else if (code === 'EAGAIN') resolve(true);
      else reject(error);
    });
  });
}

function closed(server: Server | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (server === undefined) resolve();
    else server.close(() => resolve());
  });
}

function inUse(folder: string): Error {
  return stateError(folder, 'another adotd uses this folder; stop it, or give each server a state.folder of its own');
}
