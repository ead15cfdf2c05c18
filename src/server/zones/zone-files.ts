/** Lists the zones to load. If the folder is gone, or loses two or more zone files at once and has none left, that counts as an accident. */
import { readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Config } from '../../config/schema.js';
import { AdotdError, ErrorCode, systemReason } from '../../errors.js';
import { zoneKey } from '../../protocol/name.js';
import { isZoneFileName, ZONE_SUFFIX } from '../../zone/filename.js';

/** A zone to load. Plain data: it is posted to the loader thread. */
export interface ZoneFile {
  /** Path, or for messages the name of `text`. */
  readonly file: string;
  /** Initial origin, in presentation format; by default from the file's name. */
  readonly name?: string | undefined;
  /** The zone's text, if it is in no file. */
  readonly text?: string | undefined;
  /** Seconds: initial $TTL. */
  readonly defaultTtl?: number | undefined;
}

/** A key for zone files: one file may serve as several zones, whose names the configuration gives. */
export function idOf({ file, name }: ZoneFile): string {
  return name === undefined ? file : `${file}\0${zoneKey(name)}`;
}

/** The `*.zone` files of a folder, hidden ones left out, in the order of their names. Throws ADOTD_FILE. */
export function zoneFilesOf(folder: string): ZoneFile[] {
  return listed(folder, () => readdirSync(folder))
    .filter(isZoneFileName)
    .sort()
    .map((name) => ({ file: join(folder, name) }));
}

/** The result of `read`, which looks at a folder. Throws ADOTD_FILE. */
function listed<T>(folder: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new AdotdError(ErrorCode.FILE, `cannot read the zones folder ${folder}: ${systemReason(error)}`, {
      cause: error,
    });
  }
}

/** Names of zone files of other servers and panels: `db.NAME`, `NAME.db`, `NAME.dns`, `NAME.txt`, `NAME.hosts`. */
const FOREIGN_NAME = /^(?:db\.)?(.+?)(?:\.(?:db|dns|txt|hosts|zonefile))?$/;

/** The error text for a folder without zone files: it names a file that is there, and a name to give it. Throws ADOTD_FILE. */
export function withoutZoneFiles(folder: string): string {
  const found = `found no file in ${folder} whose name ends in ${ZONE_SUFFIX}`;
  const entries = listed(folder, () => readdirSync(folder, { withFileTypes: true }));
  const others = entries.filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.'));
  const [first] = others.map(({ name }) => name).sort();
  if (first === undefined) return `${found}, and no other file`;
  const name = FOREIGN_NAME.exec(first)?.[1] ?? first;
  const more = others.length > 1 ? ` and ${others.length - 1} more` : '';
  return (
    `${found}, but ${first}${more}; if these are zone files, rename them (${first} to ${name}${ZONE_SUFFIX}), ` +
    `or name each with --zone ${name}=${join(folder, first)}, or in \`zones.files\``
  );
}

/** The zones that a configuration names. Throws ADOTD_FILE when its folder cannot be read. */
export function zonesOfConfig({ zones }: { zones: Pick<Config['zones'], 'folder' | 'files'> }): ZoneFile[] {
  return [
    ...(zones.folder === undefined ? [] : zoneFilesOf(zones.folder)),
    ...zones.files.map(({ file, name }) => ({ file, name })),
  ];
}

/** Octets of a zone's text; 0 when that is unknown: reading the file will give the reason. Throws nothing. */
export function sizeOf(zone: ZoneFile): number {
  if (zone.text !== undefined) return zone.text.length;
  try {
    return statSync(zone.file).size;
  } catch {
    // Not only ENOENT: a link to itself, a folder that may not be searched, a name too long.
    return 0;
  }
}

interface ZoneListing {
  readonly zones: readonly ZoneFile[];
  /** Those of them whose files are gone: they stay as they are, and are not read. */
  readonly kept: readonly ZoneFile[];
  /** One line for each accident. */
  readonly errors: readonly string[];
}

/**
 * Lists the zones; `before` are those of the last time. When they cannot be listed, all of them stay. When two or more files of `folder`
 * are gone at once and none is left, they stay too: an unmounted file system looks like an empty folder, and to serve nothing is the worst
 * that an authoritative server can do. `allowEmpty`: the folder is meant to be empty.
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
    'Its zones stay as they were; if this is intended, run adotd ctl reload --allow-empty';
  return { zones: [...lost, ...zones], kept: lost, errors: [error] };
}
