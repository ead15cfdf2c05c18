/** Which zone files there are now; a folder that is gone, or suddenly empty, is taken for an accident. */
import { dirname, resolve } from 'node:path';
import { AdotdError } from '../../errors.js';
import { idOf } from './loaded-files.js';
import type { ZoneFile } from './zone-files.js';

export interface ZoneListing {
  readonly zones: readonly ZoneFile[];
  /** Those of them that are not to be read: they stay although their files are gone. */
  readonly held: readonly ZoneFile[];
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
  const inFolder = ({ file }: ZoneFile): boolean => folder !== undefined && resolve(dirname(file)) === resolve(folder);
  let zones: readonly ZoneFile[];
  try {
    zones = list();
  } catch (error) {
    if (!(error instanceof AdotdError)) throw error;
    return { zones: before, held: before.filter(inFolder), errors: [`${error.message}; its zones stay as they were`] };
  }
  if (allowEmpty) return { zones, held: [], errors: [] };
  const ids = new Set(zones.map(idOf));
  const lost = before.filter((zone) => inFolder(zone) && !ids.has(idOf(zone)));
  if (lost.length < 2 || zones.some(inFolder)) return { zones, held: [], errors: [] };
  const error =
    `the zones folder ${folder} has no zone files any more, it had ${lost.length}: is it unmounted? ` +
    'Its zones stay as they were; if that is meant: adotd ctl reload --allow-empty';
  return { zones: [...lost, ...zones], held: lost, errors: [error] };
}
