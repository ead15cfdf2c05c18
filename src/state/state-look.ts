/** A look at a state folder that changes nothing in it, while a server may use it. The headers of the ledger are read, not the records. */
import { accessSync, closeSync, constants, fstatSync, openSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../errors.js';
import { stateError, systemError } from './folder.js';
import { headOf } from './kept-zone.js';
import { scanFile } from './scan.js';
import { ZoneIndex } from './zone-index.js';

interface StateLook {
  /** What is damaged, or has been lost, each in a line. */
  readonly damage: readonly string[];
  /** Zones that are stored; those of which there are facts, but no version, are not among them. */
  readonly zones: ReadonlySet<string>;
}

/** undefined: nothing is stored yet. Throws ADOTD_STATE for a folder that cannot be used, which names path and remedy. */
export function lookAtState(folder: string): StateLook | undefined {
  try {
    const stats = statSync(folder, { throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    if (!stats.isDirectory()) throw stateError(folder, 'expected a folder, found a file; choose another state.folder');
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    const names = readdirSync(folder).filter((name) => /^ledger-[1-9][0-9]{0,8}$/.test(name));
    if (names.length === 0) return undefined;
    const index = new ZoneIndex();
    const damage = names.flatMap((name) => lookAtFile(join(folder, name), index));
    const { loss } = index;
    if (damage.length === 0 && loss !== undefined && !loss.entry.isRemoval)
      damage.push(`state ${folder}: a loss of an earlier start is not settled: ${loss.entry.name}`);
    const stored = [...index.zones.values()].filter(
      ({ place }) => place !== undefined && !place.entry.isRemoval && headOf(place.entry).newest !== undefined,
    );
    return { damage, zones: new Set(stored.map(({ zone }) => zone)) };
  } catch (error) {
    throw systemError(folder, error);
  }
}

/** What is damaged in a file of the ledger; its entries go to the index. */
function lookAtFile(path: string, index: ZoneIndex): string[] {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    // A server that runs has copied what is of use to a newer file.
    if (codeOf(error) === 'ENOENT') return [];
    throw systemError(path, error);
  }
  try {
    // What stands behind the last whole entry may be what a server is writing now.
    const { gaps } = scanFile(fd, fstatSync(fd).size, (entry, at) => index.take({ entry, file: 1, at }));
    return gaps.map(({ from, to }) => `state ${path}: octets ${from} to ${to} are damaged`);
  } finally {
    closeSync(fd);
  }
}
