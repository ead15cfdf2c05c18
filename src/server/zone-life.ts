/** What zones have to do with other nameservers: each part is opened here, follows the configuration, and is closed again. */
import type { Config } from '../config/schema.js';
import type { Log } from '../observe/log.js';
import type { Clock } from '../session/clock.js';
import { zonePolicyOf } from './zone-policy.js';
import type { ZoneKeeper } from './zones/zone-keeper.js';

/** What the parts work with. */
interface ZoneLifeParts {
  readonly keeper: ZoneKeeper;
  readonly clock: Clock;
  readonly log: Log;
}

/** A part that runs. */
interface ZoneLifePart {
  /** Follows a configuration that is in force from now on. */
  configure(config: Config): void | Promise<void>;
  close(): Promise<void>;
}

/** Opens the parts, in this order; they are closed in the other. */
export async function openZoneLife(config: Config, parts: ZoneLifeParts): Promise<ZoneLifePart> {
  const { keeper } = parts;
  const open: ZoneLifePart[] = [];
  keeper.configure(zonePolicyOf(config));
  return {
    async configure(next) {
      keeper.configure(zonePolicyOf(next));
      for (const part of open) await part.configure(next);
    },
    async close() {
      for (const part of open.toReversed()) await part.close();
      await keeper.close();
    },
  };
}
