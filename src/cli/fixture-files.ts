/** The zones that a fixture was given as a name and a file: they follow their files until something else is made of them. */
import { readFileSync } from 'node:fs';
import { AdotdError, ErrorCode } from '../errors.js';
import type { RunningServer } from '../fixture/start.js';
import { keyOf } from '../server/held-files.js';
import { ZonesError } from '../server/server.js';
import { systemReason } from '../server/zone-source.js';

interface Followed {
  readonly name: string;
  readonly file: string;
  /** What is served. */
  readonly text: string;
}

export class FollowedZones {
  /** By the zone's name in lower case. */
  readonly #zones = new Map<string, Followed>();

  /** The zone is served, and `text` is what its file held. */
  follow(name: string, file: string, text: string): void {
    this.#zones.set(keyOf(name), { name, file, text });
  }

  /** The zone is not what its file says any more. */
  forget(name: string): void {
    this.#zones.delete(keyOf(name));
  }

  /**
   * Serves what files hold now, each zone for itself: one with errors stays as it is. Those of a folder are loaded anew too. Throws
   * ADOTD_ZONE_INVALID with `diagnostics`, or ADOTD_FILE, for all of them together.
   */
  async reload(server: Pick<RunningServer, 'setZone' | 'reload'>): Promise<void> {
    const errors: AdotdError[] = [];
    const attempt = async (make: () => Promise<void>): Promise<void> => {
      try {
        await make();
      } catch (error) {
        if (!(error instanceof AdotdError)) throw error;
        errors.push(error);
      }
    };
    for (const { name, file, text: before } of [...this.#zones.values()]) {
      await attempt(async () => {
        const text = readText(file);
        if (text === before) return;
        await server.setZone(name, text);
        this.follow(name, file, text);
      });
    }
    await attempt(async () => {
      const diagnostics = await server.reload();
      if (diagnostics.length > 0) throw new ZonesError(diagnostics);
    });
    if (errors.length > 0) throw errors.length === 1 ? errors[0] : together(errors);
  }
}

/** The text of a file in UTF-8. Throws ADOTD_FILE. */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new AdotdError(ErrorCode.FILE, `cannot read ${file}: ${systemReason(error)}`, { cause: error });
  }
}

function together(errors: readonly AdotdError[]): AdotdError {
  const diagnostics = errors.flatMap((error) => (error instanceof ZonesError ? error.diagnostics : []));
  // A folder that cannot be read stands in the way of all of them.
  const message = [...new Set(errors.map((error) => error.message))].join('\n');
  const code = diagnostics.length > 0 ? ErrorCode.ZONE_INVALID : ErrorCode.FILE;
  return Object.assign(new AdotdError(code, message), { diagnostics });
}
