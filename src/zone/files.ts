/** Zone files on disk, and the files that they may include. */
import { readFileSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { AdotdError, ErrorCode, systemReason } from '../errors.js';
import { withRegularFile } from './regular-file.js';
import { DEFAULT_READ_LIMITS, type SourceFile } from './source.js';

/** The octets of a zone file. Throws ADOTD_FILE when it cannot be read, is no regular file or too large. */
export function readZoneFile(file: string): Uint8Array {
  try {
    return withRegularFile(file, DEFAULT_READ_LIMITS.maxOctets, (fd) => readFileSync(fd));
  } catch (error) {
    throw new AdotdError(ErrorCode.FILE, `cannot read ${file}: ${systemReason(error)}`, { cause: error });
  }
}

/**
 * The `include` of the ZoneSource of `file`. Paths are relative to the including file. With links followed, they have to
 * lead to a regular file in the folder of `file` or below.
 */
export function includer(file: string): (path: string, from: string) => SourceFile | string {
  const folder = dirname(resolve(file));
  return (path, from) => {
    try {
      const shown = isAbsolute(path) ? path : join(dirname(from), path);
      const root = realpathSync(folder);
      const target = realpathSync(resolve(shown));
      const inside = target === root || target.startsWith(root.endsWith(sep) ? root : root + sep);
      if (!inside) return `it is outside the zone file's folder`;
      const bytes = withRegularFile(target, DEFAULT_READ_LIMITS.maxOctets, (fd) => readFileSync(fd));
      return { file: shown, bytes };
    } catch (error) {
      return systemReason(error);
    }
  };
}
