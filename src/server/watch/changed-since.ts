/** Which files may have changed while nobody watched. */
import { statSync } from 'node:fs';

/**
 * The paths that something may have happened to at `since` (milliseconds since 1970) or later, by the time of their last change, in
 * content, name or rights; among them those that cannot be looked at. A file that took the place of another one has such a time too:
 * rename() sets it. The system's clock for files may be some milliseconds behind.
 */
export function changedSince(paths: Iterable<string>, since: number): ReadonlySet<string> {
  return new Set([...paths].filter((path) => changeTime(path) >= since));
}

function changeTime(path: string): number {
  try {
    return statSync(path).ctimeMs;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
