/**
 * The access of a user to a file, by the owners and modes of the file and of the folders above it: for checks before the server becomes
 * this user.
 * NOT here: access control lists, read-only mounts. Root may do everything. Access that cannot be determined counts as allowed.
 */
import { type Stats, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

export interface User {
  readonly uid: number;
  readonly groups: readonly number[];
}

/** Bits of a mode, for one of its three classes. */
const READ = 4;
const WRITE = 2;
const SEARCH = 1;

/** Whether the user may read the file; a folder must be listed and entered. */
export function mayRead(path: string, user: User): boolean {
  const found = look(path);
  return found === undefined || may(found, path, user, found.isDirectory() ? READ | SEARCH : READ);
}

/** Whether the user may write to the file. */
export function mayWrite(path: string, user: User): boolean {
  const found = look(path);
  return found === undefined || may(found, path, user, WRITE);
}

/** Whether the user may make files in the folder. */
export function mayWriteIn(folder: string, user: User): boolean {
  const found = look(folder);
  return found === undefined || may(found, folder, user, WRITE | SEARCH);
}

function may(found: Stats, path: string, user: User, bits: number): boolean {
  return allows(found, user, bits) && mayReach(path, user);
}

/** Whether the user may enter all folders above the path. */
export function mayReach(path: string, user: User): boolean {
  const above = dirname(resolve(path));
  if (above === resolve(path)) return true;
  const found = look(above);
  return (found === undefined || allows(found, user, SEARCH)) && mayReach(above, user);
}

function allows({ uid, gid, mode }: Stats, user: User, bits: number): boolean {
  if (user.uid === 0) return true;
  const shift = uid === user.uid ? 6 : user.groups.includes(gid) ? 3 : 0;
  return ((mode >> shift) & bits) === bits;
}

function look(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
