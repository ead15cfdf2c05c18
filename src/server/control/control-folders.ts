/**
 * The folders for control sockets that nothing names: a server makes its socket there, and `adotd ctl` looks for it there. It is a folder
 * of the user's own. In a folder that others may write to, anybody could put a socket there first.
 *
 * A server that root starts and that then becomes another user has its folder in /run, where only root can make one: root's `adotd ctl`
 * looks there, and so does that of the user. Root has no folder in the session of another user: `sudo` may keep the caller's environment,
 * or not, so a server and `adotd ctl` would not agree.
 */
import { lchownSync, lstatSync, mkdirSync, readdirSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { codeOf } from '../../errors.js';

type Environment = Readonly<Record<string, string | undefined>>;

export const SOCKET_FILE = 'adotd.sock';
/** The names of further servers have the number of their process. */
const SOCKET_NAME = /^adotd(?:-([0-9]+))?\.sock$/;
/** The folder of the system; `adotd` in it is that of the unit in deploy/systemd, and of root. */
const RUN = '/run';
/** Folders of servers that root has started and that have become the user with this number. */
const BECOME = /^adotd-([0-9]+)$/;

/** The possible folders of a user, best first. `run`: the folder of the system. */
export function controlFolders(env: Environment, uid: number, run = RUN): readonly string[] {
  const given = env.XDG_RUNTIME_DIR;
  const isOwn = given !== undefined && isAbsolute(given) && (uid !== 0 || ownerOf(given) === 0);
  const session = isOwn ? [join(given, 'adotd')] : [];
  const last = join(tmpdir(), `adotd-${uid}`);
  if (uid === 0) return [...session, join(run, 'adotd'), last];
  return [join(run, `adotd-${uid}`), ...session, join(run, 'user', String(uid), 'adotd'), last];
}

/** The folder that the service manager has made (systemd's RuntimeDirectory=); undefined without one. */
export function managedFolder(env: Environment): string | undefined {
  // Several folders are separated by colons (systemd.exec(5)).
  return env.RUNTIME_DIRECTORY?.split(':')[0] || undefined;
}

/**
 * Makes the folder of a server that becomes this user, or gives it the one that the service manager has made for root. To be called as
 * root; where that fails, the user has other folders.
 */
export function makeFolderFor(
  { uid, gid }: { readonly uid: number; readonly gid: number },
  env: Environment,
  run = RUN,
): void {
  const managed = managedFolder(env);
  const folder = managed ?? join(run, `adotd-${uid}`);
  try {
    if (managed === undefined) mkdirSync(folder, { mode: 0o700 });
    if (ownerOf(folder) === 0 && entriesOf(folder).length === 0) lchownSync(folder, uid, gid);
  } catch {
    // It is there already, or this system has no such folder.
  }
}

/** The first of the folders that can be made, or is there already and safe; undefined if none is. */
export function ownFolder(folders: readonly string[], uid: number): string | undefined {
  return folders.find((folder) => {
    try {
      mkdirSync(folder, { mode: 0o700 });
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') return false;
    }
    return isSafe(folder, uid);
  });
}

/**
 * The sockets of servers in these folders and in the folder of the system, folder by folder. Root gets the sockets of all servers that it
 * has started as if they were in one folder: one is as good as the other.
 */
export function socketsIn(folders: readonly string[], uid: number, run = RUN): readonly (readonly string[])[] {
  const system = join(run, 'adotd');
  return [...new Set([...folders, system])].map((folder) => {
    if (folder !== system) return safeSockets(folder, uid);
    return uid === 0 ? [...socketsOf(system), ...socketsOfBecome(run)] : socketsOf(system);
  });
}

/** Those of the servers that root has started, and that have become other users. */
function socketsOfBecome(run: string): string[] {
  return entriesOf(run).flatMap((name) => {
    const user = BECOME.exec(name)?.[1];
    return user === undefined ? [] : safeSockets(join(run, name), Number(user));
  });
}

function safeSockets(folder: string, uid: number): string[] {
  return isSafe(folder, uid) ? socketsOf(folder) : [];
}

function socketsOf(folder: string): string[] {
  const paths = namesIn(folder).map((name) => join(folder, name));
  return paths.filter((path) => lstatSync(path, { throwIfNoEntry: false })?.isSocket());
}

/** Removes the sockets of processes that have ended without doing so. */
export function removeAbandoned(folder: string): void {
  for (const name of namesIn(folder)) {
    const process = SOCKET_NAME.exec(name)?.[1];
    if (process === undefined || isAlive(Number(process))) continue;
    try {
      unlinkSync(join(folder, name));
    } catch {
      // Another server was quicker.
    }
  }
}

function namesIn(folder: string): string[] {
  return entriesOf(folder).filter((name) => SOCKET_NAME.test(name));
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // It is not there, or not for us.
    return [];
  }
}

/** Whether it is a folder, not a link to one, of the user, in which nobody else may write. */
function isSafe(folder: string, uid: number): boolean {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  return found?.isDirectory() === true && found.uid === uid && (found.mode & 0o022) === 0;
}

/** Of a folder, not of a link to one. */
function ownerOf(folder: string): number | undefined {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  return found?.isDirectory() ? found.uid : undefined;
}

function isAlive(process: number): boolean {
  try {
    return globalThis.process.kill(process, 0);
  } catch (error) {
    return codeOf(error) !== 'ESRCH';
  }
}
