/**
 * The three-way comparison for a zone that has a file and is also changed otherwise: the file as it was loaded, the file as it is now, and
 * the zone. The file wins on records that it changed; all others stay as they are in the zone.
 */
import { Type } from '../../protocol/iana.js';
import { compareNames } from '../../protocol/name.js';
import { RunCursor, type RunPair, RunWriter } from './record-run.js';

/** The result of a three-way comparison, without SOA records. */
interface Merged {
  /** The changes that lead from the zone to the merged one. */
  readonly changes: RunPair;
  /** The changes that lead from the file as it is now to the merged zone. */
  readonly overlay: RunPair;
}

/**
 * @param overlay The changes that lead from the file as it was loaded to the zone.
 * @param toFile The changes that lead from the zone to the file as it is now.
 */
export function mergeThreeWay(overlay: RunPair, toFile: RunPair): Merged {
  const fileHad = new RunCursor(overlay.removed);
  const zoneAdded = new RunCursor(overlay.added);
  const inZone = new RunCursor(toFile.removed);
  const inFile = new RunCursor(toFile.added);
  const [changes, rest] = [new PairWriter(), new PairWriter()];
  while (!inZone.isAtEnd || !inFile.isAtEnd) {
    const order = inZone.isAtEnd ? 1 : inFile.isAtEnd ? -1 : compare(inZone, inFile);
    const zone = order <= 0 ? inZone : undefined;
    const file = order >= 0 ? inFile : undefined;
    const record = zone ?? inFile;
    const before = at(fileHad, record);
    const isNew = before === undefined && at(zoneAdded, record) !== undefined;
    // The record of the file as it was loaded. Where the zone was not changed, it is the record of the zone.
    const loaded = before ?? (isNew ? undefined : zone);
    const isFileChanged = !same(loaded, file);
    if (isFileChanged) changes.put(zone, file);
    else rest.put(file, zone);
    if (order <= 0) inZone.next();
    if (order >= 0) inFile.next();
  }
  return { changes: changes.finish(), overlay: rest.finish() };
}

/** The record of a run that is the same as `record`. Calls have to come in the order of the runs. */
function at(run: RunCursor, record: RunCursor): RunCursor | undefined {
  while (!run.isAtEnd && compare(run, record) < 0) run.next();
  return !run.isAtEnd && compare(run, record) === 0 ? run : undefined;
}

/** As RunCursor.compare(), but a name has one CNAME and one DNAME record: another target is another content of the same record. */
function compare(a: RunCursor, b: RunCursor): number {
  const isOnly = a.type === b.type && (a.type === Type.CNAME || a.type === Type.DNAME);
  return isOnly ? compareNames(a.octets, a.at, b.octets, b.at) : a.compare(b);
}

function same(a: RunCursor | undefined, b: RunCursor | undefined): boolean {
  return a === undefined || b === undefined ? a === b : a.isSpeltAs(b);
}

class PairWriter {
  readonly #removed = new RunWriter();
  readonly #added = new RunWriter();

  put(removed: RunCursor | undefined, added: RunCursor | undefined): void {
    if (removed) copy(removed, this.#removed);
    if (added) copy(added, this.#added);
  }

  finish(): RunPair {
    return { removed: this.#removed.finish(), added: this.#added.finish() };
  }
}

/** Adds the current record of a run; the run does not move on. */
function copy({ octets, at: owner, type, ttl, rdataAt, rdataLength }: RunCursor, to: RunWriter): void {
  to.add(octets, owner, type, ttl, octets, rdataAt, rdataLength);
}
