/** Which zones there are to load. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../config/schema.js';
import { AdotdError, ErrorCode, systemReason } from '../../errors.js';
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
