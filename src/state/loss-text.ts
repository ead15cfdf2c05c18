/** What is said of a loss in the ledger. */
import { counted } from '../errors.js';

/** Zones that a line names. A guess. */
const MAX_NAMED = 10;

/** Which zones a loss concerns, and what helps. `zones`: those that may have lost a change. */
export function lossText(zones: readonly string[]): string {
  const others = zones.length - MAX_NAMED;
  const names = `${zones.slice(0, MAX_NAMED).join(', ')}${others > 0 ? ` and ${counted(others, 'other')}` : ''}`;
  const which = `${counted(zones.length, 'zone')} stored before that${zones.length === 0 ? '' : ` (${names})`}`;
  const remedy =
    'transfers heal secondaries; for others restore a backup, or see adotd ctl state accept-file and accept-loss';
  return `${which}, and those that it may have had, are not served; ${remedy}`;
}
