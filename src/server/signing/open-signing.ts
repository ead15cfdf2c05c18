/** Opens the signing of zones, in a server with state. */
import type { Config } from '../../config/schema.js';
import type { Log } from '../../observe/log.js';
import type { Clock } from '../../session/clock.js';
import type { Identity } from '../process/privileges.js';
import type { KeptState } from '../zones/kept-state.js';
import type { ZoneSigning } from './zone-signing.js';

/** Name of the table in the state with the place of its last use. */
const ORIGIN = 'origin';

interface SigningParts {
  readonly clock: Clock;
  readonly log: Log;
  /** The user that the server becomes. */
  readonly owner: Identity | undefined;
}

/** undefined: without state, nothing is signed, and the modules are not loaded. Throws ADOTD_STATE; then the state is closed. */
export async function openSigning(
  config: Config,
  state: KeptState | undefined,
  parts: SigningParts,
): Promise<ZoneSigning | undefined> {
  const folder = config.state?.folder;
  if (state === undefined || folder === undefined) return undefined;
  try {
    const { ZoneSigning } = await import('./zone-signing.js');
    const signing = ZoneSigning.open(config, { ...parts, state, folder });
    const signed = Array.from(signing.known.names()).filter(
      (zone) => (signing.known.keysOf(zone)?.keys.length ?? 0) > 0,
    );
    const { noteOrigin } = await import('./stored/state-origin.js');
    await noteOrigin(state.table(ORIGIN), { folder, signed: signed.length, log: parts.log });
    return signing;
  } catch (error) {
    await state.close();
    throw error;
  }
}
