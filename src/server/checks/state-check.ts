/** The check of the state folder of a configuration, for `adotd check`. */
import type { Config } from '../../config/schema.js';
import { AdotdError } from '../../errors.js';
import { zoneKey } from '../../protocol/name.js';
import { stateError } from '../../state/folder.js';
import { lookAtState } from '../../state/state-look.js';
import type { Diagnostic } from '../../zone/diagnostics.js';
import { PINS } from '../certificates/pin-rollover.js';
import type { PlaceOf } from '../policies.js';
import { wantedIdentity } from '../process/privileges.js';
import { mayReach } from '../process/user-access.js';
import { brokenCommitments } from '../signals/broken-commitments.js';
import { COMMITMENTS, storedCommitments } from '../signals/commitments.js';
import { storedMistakes } from '../signing/stored/stored-mistakes.js';
import { SIGNING_TABLE } from '../signing/stored/stored-signing.js';
import { pinMistakes } from './pin-check.js';

const LOSS =
  'zones of which changes may be lost are answered with SERVFAIL; see adotd ctl state accept-loss, and transfers heal secondaries';

/** The circumstances besides the configuration. */
interface Circumstances {
  /** Keys of all zones that the configuration names. */
  readonly served: ReadonlySet<string>;
  /** Seconds since 1970. */
  readonly now: number;
  /** Broken promises of signals are warnings, not errors. */
  readonly isForced: boolean;
}

export function stateMistakes(
  config: Config,
  { served, now, isForced }: Circumstances,
  placeOf: PlaceOf,
): Diagnostic[] {
  const folder = config.state?.folder;
  if (folder === undefined) return [];
  const found = (severity: 'error' | 'warning', message: string): Diagnostic => ({
    ...placeOf(['state', 'folder']),
    severity,
    message,
  });
  try {
    const user = wantedIdentity(config);
    const look = lookAtState(folder, user?.uid);
    if (user !== undefined && !mayReach(folder, user))
      throw stateError(folder, `${user.name} may not enter a folder above it; choose another state.folder`);
    if (look === undefined) return [];
    const { secondary, catalogs } = config.zones;
    const transferred = [...secondary.flatMap(({ zones }) => zones), ...catalogs.map(({ zone }) => zone)].map(zoneKey);
    const missing = transferred.filter((zone) => !look.zones.has(zone));
    // Members of catalogs are named by their catalogs only.
    const unnamed = catalogs.length > 0 ? [] : [...look.zones].filter((zone) => !served.has(zone));
    const isServed = (zone: string): boolean => catalogs.length > 0 || served.has(zone);
    const signed = storedMistakes(config, folder, look.table(SIGNING_TABLE), user).map(({ severity, zone, message }) =>
      found(isServed(zone) ? severity : 'warning', message),
    );
    const broken = brokenCommitments(config, storedCommitments(look.table(COMMITMENTS), now));
    return [
      ...signed,
      ...pinMistakes(config, folder, look.table(PINS), now, placeOf),
      ...broken.map(({ key, message }): Diagnostic => {
        return { ...placeOf(key), severity: isForced ? 'warning' : 'error', message: `${key.join('.')}: ${message}` };
      }),
      ...look.damage.map((line) => found('error', `${line}; ${LOSS}`)),
      ...missing.map((zone) => found('warning', `zone ${zone} was never transferred: nothing of it is stored`)),
      ...unnamed
        .sort()
        .map((zone) => found('warning', `zone ${zone} is stored, and no configuration names it: it is not served`)),
    ];
  } catch (error) {
    if (!(error instanceof AdotdError)) throw error;
    return [found('error', error.message)];
  }
}
