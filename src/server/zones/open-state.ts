/** Opens the state folder, as the user that the server becomes. */
import { chownSync } from 'node:fs';
import type { Config } from '../../config/schema.js';
import { AdotdError, ErrorCode, systemReason } from '../../errors.js';
import type { Log } from '../../observe/log.js';
import { makeFolders } from '../../state/make-folders.js';
import type { transferredZones } from '../policies.js';
import type { Identity } from '../process/privileges.js';
import type { LoaderLane } from './jobs/loader-lane.js';
import { KeptState } from './kept-state.js';
import type { ZoneKeeper } from './zone-keeper.js';

/** The state of a server; undefined where none is configured: then the module of the store is not loaded. Throws ADOTD_STATE. */
export async function openState(
  { state }: Pick<Config, 'state'>,
  lane: LoaderLane,
  log: Log,
  user: Identity | undefined,
): Promise<KeptState | undefined> {
  const folder = state?.folder;
  if (folder === undefined) return undefined;
  const { ZoneStore } = await import('../../state/zone-store.js');
  const report = (text: string): void => log.warn({ folder }, text);
  const makeRun = (image: Uint8Array): Promise<Uint8Array> => lane.run({ kind: 'run', image });
  if (user !== undefined) giveFolder(folder, user);
  return new KeptState(await asUser(user, () => ZoneStore.open(folder, { report, makeRun })), lane);
}

/**
 * Declares zones that come from primaries, before anything answers; fulfilled when those that are stored can be served. If there are
 * catalogs among them, other zones that are stored as secondaries are taken for members: the catalogs decide about them later.
 */
export async function declareStored(
  keeper: ZoneKeeper,
  state: KeptState | undefined,
  zones: ReturnType<typeof transferredZones>,
): Promise<void> {
  const named = new Set(zones.map(({ zone }) => zone));
  const hasCatalogs = zones.some(({ role }) => role === 'catalog-consumed');
  const members = hasCatalogs ? (state?.secondaries() ?? []).filter((zone) => !named.has(zone)) : [];
  for (const { zone, role } of zones) keeper.declare(zone, role);
  for (const zone of members) keeper.declare(zone, 'secondary');
  await Promise.all([...named, ...members].map((zone) => keeper.settled(zone)));
}

/** Makes the folder, if it is missing, and gives it to the user. */
function giveFolder(folder: string, { uid, gid }: Identity): void {
  try {
    if (makeFolders(folder, 0o700)) chownSync(folder, uid, gid);
  } catch (error) {
    throw new AdotdError(ErrorCode.STATE, `state ${folder}: ${systemReason(error)}`, { cause: error });
  }
}

/** Does something with the rights of a user: the files that it writes belong to that user. Nothing else may be under way meanwhile. */
async function asUser<T>(user: Identity | undefined, work: () => Promise<T>): Promise<T> {
  if (user === undefined) return work();
  const [gid, uid] = [process.getegid?.() ?? 0, process.geteuid?.() ?? 0];
  process.setegid?.(user.gid);
  process.seteuid?.(user.uid);
  try {
    return await work();
  } finally {
    process.seteuid?.(uid);
    process.setegid?.(gid);
  }
}
