/**
 * Tells of a state that was copied. Two servers that sign with copies of one state begin with the same keys, and each rolls them without
 * the other: then every zone has two sets of keys, one of them without a DS record. A restored backup looks the same, so there is only a
 * warning.
 */
import { createHash } from 'node:crypto';
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../../errors.js';
import type { Log } from '../../../observe/log.js';
import type { SigningTable } from '../signing-zone.js';

/** Where a state is used. */
interface Origin {
  /** Names the machine, and cannot be led back to its machine-id; undefined: it has none, as in most containers. */
  readonly machine: string | undefined;
  /** The state folder, without links. */
  readonly folder: string;
}

const KEY = 'last';
const MACHINE_ID = '/etc/machine-id';

/**
 * Warns, once, when the state was last used on another machine, or in another folder that is still there, and notes where it is used now.
 * `signed`: the number of zones that have keys. If the place cannot be stored, the next start notes it.
 */
export async function noteOrigin(
  table: Pick<SigningTable, 'get' | 'put'>,
  { folder, signed, log, machineId = MACHINE_ID }: { folder: string; signed: number; log: Log; machineId?: string },
): Promise<void> {
  const now: Origin = { machine: machineOf(machineId), folder: realpathSync(folder) };
  const last = read(table.get(KEY));
  if (last?.machine === now.machine && last?.folder === now.folder) return;
  const isElsewhere = last?.machine !== undefined && now.machine !== undefined && last.machine !== now.machine;
  const isCopy = last !== undefined && last.folder !== now.folder && isThere(join(last.folder, 'keys'));
  if (signed > 0 && (isElsewhere || isCopy)) {
    const where = isElsewhere ? 'on another machine' : `in ${last?.folder}, which is still there`;
    log.warn(
      { folder, zones: signed },
      `the state was used last ${where}: if a server still signs with it there, stop one of them, since each would roll keys without the other; else nothing has to be done`,
    );
  }
  try {
    await table.put(KEY, Buffer.from(JSON.stringify(now), 'utf8'));
  } catch (error) {
    log.warn({ err: error }, `where the state is used cannot be stored: ${messageOf(error)}`);
  }
}

/** machine-id(5) asks not to show the id itself to others. */
function machineOf(path: string): string | undefined {
  try {
    const id = readFileSync(path, 'utf8').trim();
    if (!/^[0-9a-f]{32}$/.test(id)) return undefined;
    return createHash('sha256').update(`adotd state ${id}`).digest('hex').slice(0, 32);
  } catch {
    return undefined;
  }
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** An entry that cannot be read counts as missing: nothing depends on it. */
function read(value: Uint8Array | undefined): Origin | undefined {
  if (value === undefined) return undefined;
  try {
    const { machine, folder } = JSON.parse(Buffer.from(value).toString('utf8')) as Record<string, unknown>;
    if (typeof folder !== 'string') return undefined;
    return { machine: typeof machine === 'string' ? machine : undefined, folder };
  } catch {
    return undefined;
  }
}
