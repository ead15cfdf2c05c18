/** What a configuration would do to the signed zones of a state. */
import type { Config } from '../../config/schema.js';
import { AdotdError } from '../../errors.js';
import { signingWishes, warningOf } from './signing-wish.js';
import { decodeSigning } from './stored-signing.js';

/** A line for each zone that would be unsigned, or stay signed without being named. `stored`: what the state has, by zones. */
export function wishMistakes(config: Config, stored: ReadonlyMap<string, Uint8Array>): string[] {
  const wishOf = signingWishes(config);
  return [...stored].flatMap(([zone, value]): string[] => {
    try {
      const kept = decodeSigning(value, zone);
      return [warningOf(zone, kept, wishOf(zone)) ?? []].flat();
    } catch (error) {
      if (!(error instanceof AdotdError)) throw error;
      return [error.message];
    }
  });
}
