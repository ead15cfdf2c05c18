/** The looks of files and folders: finds those that may have changed while there were no events. */
import { createHash } from 'node:crypto';
import { type BigIntStats, readdirSync, readFileSync, statSync } from 'node:fs';
import { wallTime } from '../../session/clock.js';
import { isZoneFileName } from '../../zone/filename.js';

/** A file or folder as it was at one moment. */
export interface Look {
  /** A file's device, inode number, size and times; a folder's identity and zone files. '' if it cannot be looked at. */
  readonly signs: string;
  /**
   * A hash of the content, if the file had changed just before the look; '' if it is too long to read. A second change within the same
   * tick of the file system's clock does not change the signs.
   */
  readonly content?: string;
}

/** Milliseconds. Linux stamps files with a clock whose ticks are 10 ms or shorter. */
export const TICK = 20;
/** Octets: a longer file is not read for a look. */
const SHORT = 65_536;

export function lookAtFile(path: string): Look {
  const stat = statOf(path);
  if (stat === undefined) return { signs: '' };
  const { dev, ino, size, mtimeNs, ctimeNs, ctimeMs } = stat;
  const signs = [dev, ino, size, mtimeNs, ctimeNs].join();
  const settled = Number(ctimeMs) < wallTime() - TICK;
  return settled || !stat.isFile() ? { signs } : { signs, content: contentOf(path, stat) };
}

/** The look of a folder: its identity, and the names of its zone files. */
export function lookAtFolder(path: string): Look {
  const identity = folderIdentity(path);
  try {
    const names = readdirSync(path).filter(isZoneFileName);
    return { signs: [identity, ...names].join('/') };
  } catch {
    return { signs: '' };
  }
}

/** Differs between a folder and another in its place, even if both have the same inode number; '' if nothing is there. */
export function folderIdentity(path: string): string {
  const stat = statOf(path);
  return stat === undefined ? '' : [stat.dev, stat.ino, stat.birthtimeNs].join();
}

/** Whether a file may have changed between two looks. */
export function looksChanged(path: string, before: Look, now: Look): boolean {
  if (before.signs !== now.signs) return true;
  if (before.content === undefined) return false;
  return before.content === '' || before.content !== (now.content ?? contentOf(path, statOf(path)));
}

/**
 * The paths whose content, name or rights may have changed at `since` (milliseconds since 1970) or later, by their change time. Paths
 * that cannot be looked at count as changed. rename() sets the change time too, so a file that took the place of another is found. The
 * clock for files may be some milliseconds behind.
 */
export function changedSince(paths: Iterable<string>, since: number): ReadonlySet<string> {
  return new Set([...paths].filter((path) => Number(statOf(path)?.ctimeMs ?? Number.POSITIVE_INFINITY) >= since));
}

function contentOf(path: string, stat: BigIntStats | undefined): string {
  if (stat === undefined || stat.size > SHORT) return '';
  try {
    return createHash('sha256').update(readFileSync(path)).digest('base64');
  } catch {
    return '';
  }
}

function statOf(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true });
  } catch {
    return undefined;
  }
}
