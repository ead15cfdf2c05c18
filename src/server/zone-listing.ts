/** Which zone files there are now; a folder that is gone, or suddenly empty, is taken for an accident. */
import { dirname, resolve } from 'node:path';
import { AdotdError } from '../errors.js';
import { idOf } from './held-files.js';
import type { ZoneFile } from './zone-source.js';

export interface ZoneListing {
  readonly zones: readonly ZoneFile[];
  /** What was taken for an accident: one line each. */
  readonly errors: readonly string[];
}

/**
 * Lists the zones, `before` being those that there were. When they cannot be listed they stay, all of them. When all files of
 * `folder` are gone at once, several of them, they stay too: an unmounted file system looks like an empty folder, and serving
 * nothing is the worst that an authoritative server can do. `allowEmpty`: it is meant.
 */
export function listZones(
  list: () => readonly ZoneFile[],
  before: readonly ZoneFile[],
  folder: string | undefined,
  allowEmpty: boolean,
): ZoneListing {
  let zones: readonly ZoneFile[];
  try {
    zones = list();
  } catch (error) {
    if (!(error instanceof AdotdError)) throw error;
    return { zones: before, errors: [`${error.message}; its zones stay as they were`] };
  }
  if (folder === undefined || allowEmpty) return { zones, errors: [] };
  const inFolder = ({ file }: ZoneFile): boolean => resolve(dirname(file)) === resolve(folder);
  const ids = new Set(zones.map(idOf));
  const lost = before.filter((zone) => inFolder(zone) && !ids.has(idOf(zone)));
  if (lost.length < 2 || zones.some(inFolder)) return { zones, errors: [] };
  const error =
    `the zones folder ${folder} has no zone files any more, it had ${lost.length}: is it unmounted? ` +
    'Its zones stay as they were; if that is meant: adotd ctl reload --allow-empty';
  return { zones: [...lost, ...zones], errors: [error] };
}
