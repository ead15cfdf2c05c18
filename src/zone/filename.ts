/** The origin of a zone by the name of its file (docs/protocol.md "Names of zones"). */
import { basename } from 'node:path';
import { AdotdError, ErrorCode } from '../errors.js';
import { nameFromText, nameKey, ROOT } from '../protocol/name.js';

/** The ending of zone files. */
export const ZONE_SUFFIX = '.zone';
/** Stands for the root, whose name no file can have. */
const ROOT_STEM = '@';
const ESCAPE = /%([0-9A-Fa-f]{2})?/g;

/**
 * Whether a file of this name in a folder of zones is a zone file. Hidden files are none: Emacs (`.#a.test.zone`), macOS
 * (`._a.test.zone`) and programs that copy files keep their own things under such names, and no zone's name begins with a dot.
 * Backups of editors (`a.test.zone~`, `#a.test.zone#`) have another ending.
 */
export function isZoneFileName(name: string): boolean {
  return name.endsWith(ZONE_SUFFIX) && !name.startsWith('.');
}

/**
 * The origin that a zone file's name gives, in wire format: the name without folders and `.zone`, percent-decoded, so that
 * `0%2F25.2.0.192.in-addr.arpa.zone` is a zone below `0/25`; `@.zone` is the root. Throws ADOTD_PRESENTATION when it is no
 * domain name.
 */
export function originOfFile(file: string): Uint8Array {
  const stem = basename(file, ZONE_SUFFIX);
  if (stem === ROOT_STEM) return ROOT;
  const fail = (reason: string): never => {
    const what = `found a file called ${JSON.stringify(basename(file))}`;
    throw new AdotdError(ErrorCode.PRESENTATION, `${what}, expected the name of its zone and ".zone": ${reason}`);
  };
  // The octets of other characters are taken as they are, as those in the file are.
  const ascii = Array.from(Buffer.from(stem), (octet) =>
    octet < 0x80 ? String.fromCharCode(octet) : `%${octet.toString(16)}`,
  );
  const text = ascii.join('').replace(ESCAPE, (found, digits: string | undefined) => {
    if (digits === undefined) return fail(`"${found}" is not followed by two hexadecimal digits`);
    const octet = Number.parseInt(digits, 16);
    return octet < 0x80 ? String.fromCharCode(octet) : `\\${octet}`;
  });
  try {
    return nameFromText(text);
  } catch (error) {
    if (!(error instanceof AdotdError)) throw error;
    return fail(error.message);
  }
}

/** The key of the zone that a zone file's name gives; undefined when that is no domain name. */
export function zoneKeyOfFile(file: string): string | undefined {
  try {
    return nameKey(originOfFile(file));
  } catch (error) {
    if (!(error instanceof AdotdError)) throw error;
    return undefined;
  }
}
