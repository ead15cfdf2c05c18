/** How files and folders look from outside, to find those that may have changed while no event told of them. */
import { createHash } from 'node:crypto';
import { type BigIntStats, readdirSync, readFileSync, statSync } from 'node:fs';
import { wallTime } from '../../session/clock.js';
import { ZONE_SUFFIX } from '../../zone/filename.js';

/** A file or folder as it was at one moment. */
export interface Look {
  /** Device, number, size and times; of a folder, the names of its zone files. '' when it cannot be looked at. */
  readonly signs: string;
  /**
   * The content, as a hash, of a file that had changed just before the look; '' when it is too long to read. A second change in the
   * same tick of the file system's clock leaves the signs as they are.
   */
  readonly content?: string;
}

/** Milliseconds: longer than the tick of the clock that Linux stamps files with (10 ms at the most). */
const TICK = 20;
/** Octets that are read of a file for the sake of a look. */
const SHORT = 65_536;

export function lookAtFile(path: string): Look {
  const stat = statOf(path);
  if (stat === undefined) return { signs: '' };
  const { dev, ino, size, mtimeNs, ctimeNs, ctimeMs } = stat;
  const signs = [dev, ino, size, mtimeNs, ctimeNs].join();
  const settled = Number(ctimeMs) < wallTime() - TICK;
  return settled || !stat.isFile() ? { signs } : { signs, content: contentOf(path, stat) };
}

/** What a path leads to, and which zone files it has, if it is a folder. */
export function lookAtFolder(path: string): Look {
  const identity = folderIdentity(path);
  try {
    const names = readdirSync(path).filter((name) => name.endsWith(ZONE_SUFFIX));
    return { signs: [identity, ...names].join('/') };
  } catch {
    return { signs: '' };
  }
}

/** Tells a folder from another that took its place, even if the system gave it the same number; '' when nothing is there. */
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
 * The paths that something may have happened to at `since` (milliseconds since 1970) or later, by the time of their last change, in
 * content, name or rights; among them those that cannot be looked at. A file that took the place of another one has such a time too:
 * rename() sets it. The system's clock for files may be some milliseconds behind.
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
