/** Makes a folder with those above it. */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { codeOf } from '../errors.js';

/**
 * Returns whether the folder was made; false: it was there. Throws errors of the system. The option `recursive` of node:fs is not used: it
 * never ends in an existing folder that gives ENOENT for everything that is made in it, as /proc does.
 */
export function makeFolders(path: string, mode: number): boolean {
  try {
    mkdirSync(path, { mode });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && statSync(path, { throwIfNoEntry: false })?.isDirectory()) return false;
    const above = dirname(path);
    if (codeOf(error) !== 'ENOENT' || existsSync(above)) throw error;
    makeFolders(above, mode);
  }
  mkdirSync(path, { mode });
  return true;
}
