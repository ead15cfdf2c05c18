/** Zone files on disk, and what they may include. */
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { isNativeError } from 'node:util/types';
import { AdotdError, ErrorCode } from '../errors.js';
import { DEFAULT_READ_LIMITS, type SourceFile } from './source.js';

/** The octets of a zone file. Throws ADOTD_FILE when it cannot be read, is no regular file or too large. */
export function readZoneFile(file: string): Uint8Array {
  try {
    const { size } = needRegular(file);
    if (size <= DEFAULT_READ_LIMITS.maxOctets) return readFileSync(file);
    throw new Error(`it has ${size} octets, more than ${DEFAULT_READ_LIMITS.maxOctets}`);
  } catch (error) {
    throw new AdotdError(ErrorCode.FILE, `cannot read ${file}: ${reasonOf(error)}`, { cause: error });
  }
}

/**
 * The `include` of a ZoneSource that is the file `file`: paths are relative to the including file, and have to lead, links
 * followed, to a regular file in the folder of `file` or below.
 */
export function includer(file: string): (path: string, from: string) => SourceFile | string {
  const folder = dirname(resolve(file));
  return (path, from) => {
    try {
      const shown = isAbsolute(path) ? path : join(dirname(from), path);
      const root = realpathSync(folder);
      const target = realpathSync(resolve(shown));
      if (!target.startsWith(root.endsWith(sep) ? root : root + sep)) return `it is outside the zone file's folder`;
      needRegular(target);
      return { file: shown, bytes: readFileSync(target) };
    } catch (error) {
      return reasonOf(error);
    }
  };
}

/** Devices and pipes are never opened: reading them could last for ever. */
function needRegular(file: string): { size: number } {
  const stat = statSync(file);
  if (!stat.isFile()) throw new Error('it is no regular file');
  return stat;
}

/** `no such file or directory`: the reason of a system error, without code, call and path. */
function reasonOf(error: unknown): string {
  if (!isNativeError(error)) return String(error);
  return /^[A-Z0-9]+: ([^,]*)/.exec(error.message)?.[1] ?? error.message;
}
