/** Which zones there are to load. A folder that is gone, or suddenly empty, is taken for an accident. */
import { readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Config } from '../../config/schema.js';
import { AdotdError, ErrorCode, systemReason } from '../../errors.js';
import { zoneKey } from '../../protocol/name.js';
import { ZONE_SUFFIX } from '../../zone/filename.js';

/** A zone to load. Plain data: it is handed to the loader thread. */
export interface ZoneFile {
  /** Path, or what messages call the text of `text`. */
  readonly file: string;
  /** Origin before any $ORIGIN, in presentation format; from the file's name when absent. */
  readonly name?: string | undefined;
  /** The zone's text, when it is no file. */
  readonly text?: string | undefined;
  /** Seconds: TTL of records that have none, before any $TTL. */
  readonly defaultTtl?: number | undefined;
}

/** One file may hold several zones, each with a name of its own given by the configuration. */
export function idOf({ file, name }: ZoneFile): string {
  return name === undefined ? file : `${file}\0${zoneKey(name)}`;
}

/** The `*.zone` files of a folder, in the order of their names. Throws ADOTD_FILE. */
export function zoneFilesOf(folder: string): ZoneFile[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(ZONE_SUFFIX) && name.length > ZONE_SUFFIX.length)
      .sort()
      .map((name) => ({ file: join(folder, name) }));
  } catch (error) {
    throw new AdotdError(ErrorCode.FILE, `cannot read the zones folder ${folder}: ${systemReason(error)}`, {
      cause: error,
    });
  }
}

/** The zones that a configuration names. Throws ADOTD_FILE when its folder cannot be read. */
export function zonesOfConfig({ zones }: { zones: Pick<Config['zones'], 'folder' | 'files'> }): ZoneFile[] {
  return [
    ...(zones.folder === undefined ? [] : zoneFilesOf(zones.folder)),
    ...zones.files.map(({ file, name }) => ({ file, name })),
  ];
}

/** Octets to be read for a zone, 0 when that cannot be told: who reads the file says why. Throws nothing. */
export function sizeOf(zone: ZoneFile): number {
  if (zone.text !== undefined) return zone.text.length;
  try {
    return statSync(zone.file).size;
  } catch {
    // Not only ENOENT: a link that leads to itself, a folder that is none or may not be searched, a name too long.
    return 0;
  }
}

interface ZoneListing {
  readonly zones: readonly ZoneFile[];
  /** Those of them that are not to be read: they stay although their files are gone. */
  readonly kept: readonly ZoneFile[];
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
    return { zones: before, kept: before.filter(inFolder), errors: [`${error.message}; its zones stay as they were`] };
  }
  if (allowEmpty) return { zones, kept: [], errors: [] };
  const ids = new Set(zones.map(idOf));
  const lost = before.filter((zone) => inFolder(zone) && !ids.has(idOf(zone)));
  if (lost.length < 2 || zones.some(inFolder)) return { zones, kept: [], errors: [] };
  const error =
    `the zones folder ${folder} has no zone files any more, it had ${lost.length}: is it unmounted? ` +
    'Its zones stay as they were; if that is meant: adotd ctl reload --allow-empty';
  return { zones: [...lost, ...zones], kept: lost, errors: [error] };
}
