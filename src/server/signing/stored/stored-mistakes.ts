/** Mistakes in the signed zones of a state: effects of a configuration that may not be meant, and keys that cannot be used. */
import type { Config } from '../../../config/schema.js';
import { AdotdError } from '../../../errors.js';
import { mayRead, type User } from '../../process/user-access.js';
import { signingWishes, warningOf } from '../signing-wish.js';
import { KeyFiles } from './key-files.js';
import { decodeSigning, dnskeyOf, type StoredSigning } from './stored-signing.js';

interface StoredMistake {
  /** Errors keep a zone from being signed. */
  readonly severity: 'error' | 'warning';
  readonly zone: string;
  readonly message: string;
}

/** `folder`: of the state. `stored`: its entries by zone. `user`: the one that the server becomes; undefined: the user of this process. */
export function storedMistakes(
  config: Config,
  folder: string,
  stored: ReadonlyMap<string, Uint8Array>,
  user: User | undefined,
): StoredMistake[] {
  const wishOf = signingWishes(config);
  const files = new KeyFiles(folder, undefined);
  return [...stored].flatMap(([zone, value]): StoredMistake[] => {
    const error = (message: string): StoredMistake => ({ severity: 'error', zone, message });
    const kept = attempt(() => decodeSigning(value, zone));
    if (typeof kept === 'string') return [error(kept)];
    const warning = warningOf(zone, kept, wishOf(zone));
    return [
      ...(warning === undefined ? [] : [{ severity: 'warning', zone, message: warning } as const]),
      ...keyMistakes(kept, zone, files, user).map(error),
    ];
  });
}

function keyMistakes(
  { keys, dnskeys }: StoredSigning,
  zone: string,
  files: KeyFiles,
  user: User | undefined,
): readonly string[] {
  return keys.keys.flatMap(({ id, tag }) => {
    const found = attempt(() => files.read({ id, dnskey: dnskeyOf(dnskeys, id) }, zone));
    if (typeof found === 'string') return [`${found}; until then ${zone} is served as it is, and not signed anew`];
    const path = files.pathOf(id);
    if (user === undefined || mayRead(path, user)) return [];
    return [`${path}: the user that the server becomes may not read it; it is key ${tag} of ${zone}: chown it`];
  });
}

/** The result of `read`, or the message if it throws a coded error. */
function attempt<T extends object>(read: () => T): T | string {
  try {
    return read();
  } catch (error) {
    if (error instanceof AdotdError) return error.message;
    throw error;
  }
}
