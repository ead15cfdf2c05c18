/** A look at a state folder that changes nothing in it, while a server may use it. The headers of the ledger are read, not the records. */
import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  statfsSync,
  statSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { codeOf } from '../errors.js';
import { checksum } from './entry.js';
import { checkOwner, Inside, needFolder, stateError, systemError } from './folder.js';
import { readMark } from './high-water.js';
import { headOf } from './kept-zone.js';
import type { Place } from './ledger-files.js';
import { readPart, scanFile } from './scan.js';
import { tableOf } from './stored-table.js';
import { ZoneIndex } from './zone-index.js';

const MARK = 'mark';
/** The folders and the files in the folder of the state. */
const FOLDERS: readonly string[] = [...Object.values(Inside), 'keys'];
const FILES: readonly string[] = [MARK, 'lock'];
/** File systems without files of ours: PROC_SUPER_MAGIC, SYSFS_MAGIC (linux/magic.h). */
const KERNEL_FILES: readonly number[] = [0x9fa0, 0x62656572];

interface StateLook {
  /** Damaged parts and losses, a line each. */
  readonly damage: readonly string[];
  /** Zones of which a version is stored; zones with facts only are not among them. */
  readonly zones: ReadonlySet<string>;
  /** The values of a named table, by their keys, without those that are damaged. */
  table(name: string): ReadonlyMap<string, Uint8Array>;
}

/**
 * Looks at a state folder; undefined: nothing is stored yet. `user`: the user that the server becomes, for which root makes the folder and
 * those above it; undefined: the server runs as the user that runs this. Throws ADOTD_STATE for a folder that cannot be used, which names
 * path and remedy.
 */
export function lookAtState(folder: string, user?: number): StateLook | undefined {
  try {
    const stats = statSync(folder, { throwIfNoEntry: false });
    if (stats === undefined) {
      needPlace(folder, user !== undefined);
      return undefined;
    }
    if (!stats.isDirectory()) throw stateError(folder, 'expected a folder, found a file; choose another state.folder');
    checkOwner(folder, stats, user ?? process.geteuid?.());
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    for (const name of FOLDERS) needFolder(join(folder, name));
    for (const name of FILES) needFile(join(folder, name));
    const shortfall = ledgerShortfall(folder);
    const names = readdirSync(folder).filter((name) => /^ledger-[1-9][0-9]{0,8}$/.test(name));
    if (names.length === 0 && shortfall === undefined) return undefined;
    const index = new ZoneIndex();
    for (const name of names) needFile(join(folder, name));
    const paths = names.map((name) => join(folder, name));
    const damage = paths.flatMap((path, file) => lookAtFile(path, file, index));
    if (shortfall !== undefined) damage.push(shortfall);
    const { loss } = index;
    if (damage.length === 0 && loss !== undefined && !loss.entry.isRemoval)
      damage.push(`state ${folder}: a loss of an earlier start is not settled: ${loss.entry.name}`);
    const stored = [...index.zones.values()].filter(
      ({ place }) => place !== undefined && !place.entry.isRemoval && headOf(place.entry).newest !== undefined,
    );
    const table = (name: string) => valuesOf(name, index, paths);
    return { damage, zones: new Set(stored.map(({ zone }) => zone)), table };
  } catch (error) {
    throw systemError(folder, error);
  }
}

/** Throws ADOTD_STATE when a folder that is not there cannot be made. `isMadeWhole`: those above it are made too. */
function needPlace(folder: string, isMadeWhole: boolean): void {
  if (lstatSync(folder, { throwIfNoEntry: false }) !== undefined)
    throw stateError(folder, 'expected a folder, found a link that leads nowhere');
  let above = dirname(resolve(folder));
  while (isMadeWhole && statSync(above, { throwIfNoEntry: false }) === undefined) above = dirname(above);
  const stats = statSync(above);
  if (!stats.isDirectory()) throw stateError(folder, `expected a folder above it, but ${above} is a file`);
  accessSync(above, constants.W_OK | constants.X_OK);
  if (KERNEL_FILES.includes(statfsSync(above).type))
    throw stateError(folder, `${above} is of the kernel; choose another state.folder, on a disk`);
}

function needFile(path: string): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isDirectory()) throw stateError(path, 'expected a file, found a folder');
  // Opening a pipe would wait for its other end.
  if (stats?.isFIFO()) throw stateError(path, 'expected a file, found a pipe');
  if (stats === undefined && path.endsWith(MARK) && lstatSync(path, { throwIfNoEntry: false }) !== undefined)
    throw stateError(path, 'expected a file, found a link that leads nowhere');
}

/** Says which octets of the ledger's newest file are missing, by the mark; undefined: none. */
function ledgerShortfall(folder: string): string | undefined {
  const mark = readMark(join(folder, MARK));
  if (mark === undefined) return undefined;
  const path = join(folder, `ledger-${mark.file}`);
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size !== undefined && size >= mark.octets) return undefined;
  // A server that runs may have gone on to a newer file meanwhile.
  if (readMark(join(folder, MARK))?.file !== mark.file) return undefined;
  return size === undefined
    ? `state ${path}: the file is missing`
    : `state ${path}: octets ${size} to ${mark.octets} are missing`;
}

function valuesOf(table: string, { values }: ZoneIndex, paths: readonly string[]): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  for (const [name, place] of values) {
    if (tableOf(name) !== table || place.entry.isRemoval) continue;
    const value = payloadIn(paths[place.file]!, place);
    if (value !== undefined) found.set(name.slice(table.length + 1), value);
  }
  return found;
}

/** undefined: it is damaged, or a server that runs has just moved it to another file. */
function payloadIn(path: string, { entry, at }: Place): Uint8Array | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, 'r');
    const octets = readPart(fd, at + entry.headerLength, entry.payloadLength);
    return octets.length === entry.payloadLength && checksum(octets) === entry.payloadCrc ? octets : undefined;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw systemError(path, error);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Adds the entries of a file of the ledger to the index. Returns the damaged parts, a line each. */
function lookAtFile(path: string, file: number, index: ZoneIndex): string[] {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    // A running server has copied the useful entries to a newer file.
    if (codeOf(error) === 'ENOENT') return [];
    throw systemError(path, error);
  }
  try {
    // Octets behind the last whole entry may be an entry that a server is writing now.
    const { gaps } = scanFile(fd, fstatSync(fd).size, (entry, at) => index.take({ entry, file, at }));
    return gaps.map(({ from, to }) => `state ${path}: octets ${from} to ${to} are damaged`);
  } finally {
    closeSync(fd);
  }
}
