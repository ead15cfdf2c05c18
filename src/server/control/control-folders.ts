/**
 * Where a server makes its control socket when nothing names one, and where `adotd ctl` looks for it: a folder of the user's own. In a
 * folder that others may write to, anybody could put a socket there first.
 */
import { lstatSync, mkdirSync, readdirSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { codeOf } from '../../errors.js';

type Environment = Readonly<Record<string, string | undefined>>;

export const SOCKET_FILE = 'adotd.sock';
/** The names of further servers have the number of their process. */
const SOCKET_NAME = /^adotd(?:-([0-9]+))?\.sock$/;
/** The folder of the unit in deploy/systemd, and of root. */
const SYSTEM_FOLDER = '/run/adotd';

/** The possible folders of a user, best first. */
export function controlFolders(env: Environment, uid: number): readonly string[] {
  const given = env.XDG_RUNTIME_DIR;
  return [
    ...(given !== undefined && isAbsolute(given) ? [join(given, 'adotd')] : []),
    uid === 0 ? SYSTEM_FOLDER : `/run/user/${uid}/adotd`,
    join(tmpdir(), `adotd-${uid}`),
  ];
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

/** The sockets of servers in these folders and in the folder of the system, folder by folder. */
export function socketsIn(folders: readonly string[], uid: number): readonly (readonly string[])[] {
  return [...new Set([...folders, SYSTEM_FOLDER])].map((folder) => {
    if (folder !== SYSTEM_FOLDER && !isSafe(folder, uid)) return [];
    const paths = namesIn(folder).map((name) => join(folder, name));
    return paths.filter((path) => lstatSync(path, { throwIfNoEntry: false })?.isSocket());
  });
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
  try {
    return readdirSync(folder).filter((name) => SOCKET_NAME.test(name));
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

function isAlive(process: number): boolean {
  try {
    return globalThis.process.kill(process, 0);
  } catch (error) {
    return codeOf(error) !== 'ESRCH';
  }
}
