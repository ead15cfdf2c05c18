/** The folder of the durable state, and writing files in it so that they survive a loss of power. */
import { chmodSync, closeSync, fsyncSync, lstatSync, mkdirSync, openSync, type Stats, statSync } from 'node:fs';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AdotdError, codeOf, ErrorCode, systemReason } from '../errors.js';

/** Only the server's user may look into the folder and its files: they hold the zones, and later keys. */
const FOLDER_MODE = 0o700;
export const FILE_MODE = 0o600;
/** Folders inside of the state folder. */
export const Inside = { IMAGES: 'images', RUNS: 'runs', DAMAGED: 'damaged' } as const;

/** An error that names a path of the state, and the remedy. */
export function stateError(path: string, reason: string, cause?: unknown): AdotdError {
  return new AdotdError(ErrorCode.STATE, `state ${path}: ${reason}`, { cause });
}

/** The error of a call of the system on `path`. */
export function systemError(path: string, thrown: unknown): AdotdError {
  if (thrown instanceof AdotdError) return thrown;
  return stateError(path, `${systemReason(thrown)}${remedyOf(codeOf(thrown))}`, thrown);
}

function remedyOf(code: string): string {
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return '; make room on that disk: nothing was changed, and the next change is tried again';
    case 'EROFS':
      return '; the state needs a folder on a disk that can be written: mount it so, or choose another state.folder';
    case 'EACCES':
    case 'EPERM':
      return '; give the folder and its files to the user that the server runs as (chown -R), or choose another state.folder';
    case 'EIO':
      return '; the disk fails: look at the log of the kernel, and restore the folder from a backup';
    case 'ENOENT':
      return '; create the folder above it, or choose another state.folder';
    default:
      return '';
  }
}

/**
 * Makes the folder and those in it, where they are missing, with mode 0700. Throws ADOTD_STATE when that cannot be, or when the folder is
 * another user's: files made there would be lost to the server when it runs as that user again.
 */
export function prepareFolder(folder: string): void {
  try {
    mkdirOnly(folder);
    const stats = statSync(folder);
    if (!stats.isDirectory()) throw stateError(folder, 'expected a folder, found a file; choose another state.folder');
    checkOwner(folder, stats, process.geteuid?.());
    if ((stats.mode & 0o777) !== FOLDER_MODE) chmodSync(folder, FOLDER_MODE);
    // The folder for copies of damaged parts matters only when there are some, so it is not checked.
    for (const name of [Inside.IMAGES, Inside.RUNS]) makeFolder(join(folder, name));
    mkdirOnly(join(folder, Inside.DAMAGED));
  } catch (error) {
    throw systemError(folder, error);
  }
}

/** Makes a folder in that of the state, unless it is there; returns whether it is new. Throws ADOTD_STATE, also for a file in its place. */
export function makeFolder(path: string): boolean {
  try {
    const isNew = statSync(path, { throwIfNoEntry: false }) === undefined;
    mkdirOnly(path);
    needFolder(path);
    return isNew;
  } catch (error) {
    throw systemError(path, error);
  }
}

/** Throws ADOTD_STATE when something else is in place of a folder of the state. */
export function needFolder(path: string): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isDirectory()) return;
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined)
    throw stateError(
      path,
      'expected a folder, found a file or a broken link; move it away, and look where the folder is',
    );
}

function mkdirOnly(path: string): void {
  try {
    mkdirSync(path, { mode: FOLDER_MODE });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

/** Throws ADOTD_STATE when the folder does not belong to `own`, the user that the server runs as; undefined: this system has no users. */
export function checkOwner(folder: string, { uid }: Stats, own: number | undefined): void {
  if (own === undefined || uid === own) return;
  const found = `the folder belongs to user ${uid}, the server runs as user ${own}`;
  throw stateError(folder, `${found}; run as its owner, or give it to this user: chown -R ${own} ${folder}`);
}

/** Waits until the folder's list of names is on disk. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Writes a file beside its final place and puts it there: after a crash either the old file is there, or the new one with all of its
 * content. `pieces` are made one by one, and the event loop turns between them. While the process is root, the file is given to the owner of
 * the folder, the user that the process becomes. Fulfilled with the octets written, once they are on disk.
 */
export async function writeFileDurably(path: string, pieces: Iterable<Uint8Array>): Promise<number> {
  const aside = `${path}.new`;
  let octets = 0;
  try {
    await rm(aside, { force: true });
    // The folder may belong to another user, who must not make root follow a link.
    const file = await open(aside, 'wx', FILE_MODE);
    try {
      for (const piece of pieces) {
        await file.writeFile(piece);
        octets += piece.length;
      }
      await giveToOwner(file, dirname(path));
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
    const folder = await open(dirname(path), 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (error) {
    throw systemError(path, error);
  }
  return octets;
}

async function giveToOwner(file: FileHandle, folder: string): Promise<void> {
  if (process.geteuid?.() !== 0) return;
  const { uid, gid } = await stat(folder);
  if (uid !== 0) await file.chown(uid, gid);
}
