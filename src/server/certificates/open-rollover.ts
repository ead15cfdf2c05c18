/** Opens the part that holds certificates back, with its stored state. */
import type { Config } from '../../config/schema.js';
import type { Log } from '../../observe/log.js';
import type { Clock } from '../../session/clock.js';
import type { KeptState } from '../zones/kept-state.js';
import type { PinRollover } from './pin-rollover.js';

/** undefined: there is no state. */
export async function openRollover(
  { state: configured }: Pick<Config, 'state'>,
  state: KeptState,
  clock: Clock,
  log: Log,
): Promise<PinRollover | undefined> {
  const folder = configured?.folder;
  if (folder === undefined) return undefined;
  const { PINS, PinRollover: Rollover } = await import('./pin-rollover.js');
  const { ServedPairs } = await import('./served-pairs.js');
  return new Rollover({ table: state.table(PINS), pairs: new ServedPairs(folder, log), clock, log });
}
