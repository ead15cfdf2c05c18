/** Which zone files there are, and what a zone file may include. */
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import type { Config } from '../config/schema.js';
import { AdotdError, ErrorCode } from '../errors.js';
import { nameFromText, ROOT } from '../protocol/name.js';
import { DEFAULT_READ_LIMITS, type SourceFile } from '../zone/source.js';

/** A zone to load. Plain data: it is handed to the loader thread. */
export interface ZoneFile {
  /** Path, or what messages call the text of `text`. */
  readonly file: string;
  /** Origin before any $ORIGIN, in presentation format; from the file's name when absent. */
  readonly name?: string | undefined;
  /** The zone's text, when it is no file. */
  readonly text?: string | undefined;
}

const SUFFIX = '.zone';

/** The `*.zone` files of a folder, in the order of their names. Throws ADOTD_FILE. */
export function zoneFilesOf(folder: string): ZoneFile[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(SUFFIX) && name.length > SUFFIX.length)
      .sort()
      .map((name) => ({ file: join(folder, name) }));
  } catch (error) {
    throw new AdotdError(ErrorCode.FILE, `cannot read the zones folder ${folder}: ${systemReason(error)}`, {
      cause: error,
    });
  }
}

/** The octets of a zone file. Throws ADOTD_FILE. */
export function readZoneFile(file: string): Uint8Array {
  try {
    const stat = statSync(file);
    if (!stat.isFile()) throw new AdotdError(ErrorCode.FILE, `cannot read ${file}: it is no regular file`);
    if (stat.size > DEFAULT_READ_LIMITS.maxOctets) {
      throw new AdotdError(
        ErrorCode.FILE,
        `cannot read ${file}: it has ${stat.size} octets, more than a zone may have`,
      );
    }
    return readFileSync(file);
  } catch (error) {
    if (error instanceof AdotdError) throw error;
    throw new AdotdError(ErrorCode.FILE, `cannot read ${file}: ${systemReason(error)}`, { cause: error });
  }
}

/**
 * What `$INCLUDE` gets for the zone file `file`: paths are relative to the including file and must lead, links followed,
 * to a file below the zone file's folder.
 */
export function includer(file: string): (path: string, from: string) => SourceFile | string {
  const folder = resolve(dirname(file));
  return (path, from) => {
    const target = resolve(dirname(resolve(from)), path);
    const shown = join(dirname(from), path);
    try {
      const root = realpathSync(folder);
      if (!realpathSync(target).startsWith(root.endsWith(sep) ? root : root + sep)) {
        return `${shown} is outside of the zone's folder ${dirname(file)}`;
      }
      return { file: shown, bytes: readZoneFile(target) };
    } catch (error) {
      return error instanceof AdotdError ? error.message : `cannot read ${shown}: ${systemReason(error)}`;
    }
  };
}

/** `no such file or directory`, `permission denied`: the reason without code, call and path. */
export function systemReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return /^[A-Z0-9]+: ([^,]*)/.exec(error.message)?.[1] ?? error.message;
}

/** Octets to be read for a zone, 0 when that cannot be told. */
export function sizeOf(zone: ZoneFile): number {
  if (zone.text !== undefined) return zone.text.length;
  return statSync(zone.file, { throwIfNoEntry: false })?.size ?? 0;
}

/**
 * The origin that a zone file's name gives: without `.zone`, percent-decoded, `@.zone` is the root (PROTOCOL.md "Zone
 * files"). Throws ADOTD_PRESENTATION when that is no domain name.
 */
export function originOfFile(file: string): Uint8Array {
  const name = basename(file, SUFFIX);
  if (name === '@') return ROOT;
  try {
    return nameFromText(decodeURIComponent(name));
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    throw new AdotdError(ErrorCode.PRESENTATION, `${JSON.stringify(name)} is not a domain name: it has a bad % escape`);
  }
}

/** The zones that a configuration names. Throws ADOTD_FILE when its folder cannot be read. */
export function zonesOfConfig({ zones }: Pick<Config, 'zones'>): ZoneFile[] {
  return [
    ...(zones.folder === undefined ? [] : zoneFilesOf(zones.folder)),
    ...zones.files.map(({ file, name }) => ({ file, name })),
  ];
}
