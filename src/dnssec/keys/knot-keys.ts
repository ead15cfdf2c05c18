/**
 * Keys of Knot DNS: the output of `keymgr -j ZONE list`, and the PEM files in `keys/keys` of its database, which are PKCS#8. Knot
 * reads keys in the form of BIND (`keymgr ZONE import-bind`), so that they go back in that form.
 */
import * as z from 'zod/mini';
import { AdotdError, ErrorCode } from '../../errors.js';
import { nameFromText } from '../../protocol/name.js';
import type { NamedKey } from './bind-key.js';
import { keyFromPem } from './signing-key.js';

const KEY = z.object({
  zone: z.string(),
  id: z.string(),
  ksk: z.boolean(),
  algorithm: z.number(),
  tag: z.number(),
  'public-only': z.boolean(),
});
const LIST = z.array(z.looseObject(KEY.shape));

/**
 * The keys of a list; keys with only a public part are left out. `pemOf` reads the PEM file of a key, by its id. `file` names the
 * list in errors. Throws ADOTD_DNSSEC_KEY.
 */
export function readKnotKeys(list: string, pemOf: (id: string) => string, file: string): NamedKey[] {
  return parsed(list, file)
    .filter((key) => !key['public-only'])
    .map(({ zone, id, ksk, algorithm, tag, ...others }) => {
      const key = keyFromPem(pemOf(id), algorithm, ksk, `${id}.pem`);
      if (key.tag !== tag) {
        const found = `${file}: found tag ${tag} for the key ${id}`;
        throw new AdotdError(ErrorCode.DNSSEC_KEY, `${found}, expected ${key.tag}, that of ${id}.pem`);
      }
      // Times that are not set are 0.
      const times = Object.entries(others).filter(
        (entry): entry is [string, number] => typeof entry[1] === 'number' && entry[1] > 0,
      );
      return { zone: nameFromText(zone), key, times: Object.fromEntries(times.filter(([name]) => name !== 'size')) };
    });
}

function parsed(list: string, file: string): z.infer<typeof LIST> {
  try {
    return LIST.parse(JSON.parse(list));
  } catch (error) {
    throw new AdotdError(ErrorCode.DNSSEC_KEY, `${file}: expected the output of "keymgr -j ZONE list"`, {
      cause: error,
    });
  }
}
