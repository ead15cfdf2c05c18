/** The text about a loss in the ledger. */
import { counted } from '../errors.js';

/** Zones that a line names. A guess. */
const MAX_NAMED = 10;

/**
 * Says which zones a loss concerns, and names the remedy. `zones`: those that may have lost a change; `whole`: the number of those that
 * lost nothing.
 */
export function lossText(zones: readonly string[], whole: number): string {
  const rest = zones.length - MAX_NAMED;
  const names = `${zones.slice(0, MAX_NAMED).join(', ')}${rest > 0 ? ` and ${counted(rest, 'other')}` : ''}`;
  const which = `${counted(zones.length, 'zone')} stored before that${zones.length === 0 ? '' : ` (${names})`}`;
  const others =
    whole === 0 ? '' : `; ${counted(whole, 'zone')} stored later ${whole === 1 ? 'is' : 'are'} served as before`;
  const remedy =
    'transfers heal secondaries; for others restore a backup, or see adotd ctl state accept-file and accept-loss';
  return `${which}, and those that it may have had, are not served${others}; ${remedy}`;
}
