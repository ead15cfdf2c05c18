/** The files of the ledger (ledger.ts): finding them and their entries at a start, reading entries, beginning and removing files. */
import { readdirSync, writeFileSync } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { checksum, EntryType, encodeEntry, type FoundEntry } from './entry.js';
import { FILE_MODE, Inside, stateError, syncFolder, writeFileDurably } from './folder.js';
import { HighWater } from './high-water.js';
import { type Gap, readPart, scanFile } from './scan.js';

/** Raised when older versions cannot read the new files. */
const FORMAT = 1;
/** Octets of a damaged part that are copied for the operator. A guess. */
const MAX_ASIDE = 16 << 20;
const NOTHING = new Uint8Array(0);

/** Where an entry is. An entry that is copied to a new file keeps its Place, which then says where the copy is. */
export interface Place {
  readonly entry: FoundEntry;
  /** Number of the file; 0: it is not written yet. */
  file: number;
  at: number;
}

/** Octets of a file that are lost, or that cannot be read. */
interface Damage {
  readonly path: string;
  readonly reason: string;
  /** Whether entries may be lost with them. */
  readonly isLoss: boolean;
}

interface LedgerFile {
  readonly number: number;
  readonly path: string;
  readonly handle: FileHandle;
  octets: number;
}

export class LedgerFiles {
  /** Damage that was found when they were opened. */
  readonly damage: Damage[] = [];
  /** The newest file: new entries go to its end. */
  target!: LedgerFile;
  /** Sequence number of the newest entry. */
  sequence = 0;
  /** Entries with a larger sequence number were made after all lost ones. 0: nothing is lost; Infinity: the newest entries may be lost. */
  lostUpTo = 0;
  readonly mark: HighWater;
  readonly #folder: string;
  readonly #files = new Map<number, LedgerFile>();

  constructor(folder: string) {
    this.#folder = folder;
    this.mark = new HighWater(join(folder, 'mark'));
  }

  get octets(): number {
    let octets = 0;
    for (const file of this.#files.values()) octets += file.octets;
    return octets;
  }

  all(): LedgerFile[] {
    return [...this.#files.values()];
  }

  path(number: number): string {
    return join(this.#folder, `ledger-${number}`);
  }

  /** Opens all files, or begins one, and calls `visit` with each entry. */
  async open(visit: (place: Place) => void): Promise<void> {
    const numbers = readdirSync(this.#folder)
      .flatMap((name) => /^ledger-([1-9][0-9]{0,8})$/.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
    const kinds = new Set<number>();
    for (const number of numbers)
      await this.#openFile(number, number === numbers.at(-1), (place) => {
        kinds.add(place.entry.type);
        this.sequence = Math.max(this.sequence, place.entry.sequence);
        visit(place);
      });
    const { found } = this.mark;
    const first = numbers[0] ?? 1;
    const last = numbers.at(-1) ?? 0;
    if (first > 1 && !kinds.has(EntryType.MOVED)) this.#lost(this.path(first - 1), 'the file is missing');
    if (typeof found === 'object' && found.file > last) this.#lost(this.path(found.file), 'the file is missing');
    if (typeof found !== 'object' && kinds.size > 1)
      this.damage.push({
        path: join(this.#folder, 'mark'),
        reason: `the file is ${found ?? 'missing'}`,
        isLoss: false,
      });
    const target = this.#files.get(last);
    if (target !== undefined) this.target = target;
    else await this.begin(Math.max(last, typeof found === 'object' ? found.file : 0) + 1);
  }

  async #openFile(number: number, isLast: boolean, visit: (place: Place) => void): Promise<void> {
    const path = this.path(number);
    const handle = await open(path, 'r+');
    const { size } = await handle.stat();
    const file = { number, path, handle, octets: size };
    const older = this.#files.size === 0 && number > 1 ? undefined : this.sequence;
    this.#files.set(number, file);
    let type: number | undefined;
    const { end, gaps } = scanFile(handle.fd, size, (entry, at) => {
      if (entry.type === EntryType.FILE) checkFormat(path, entry.fields[0]!);
      type = entry.type;
      visit({ entry, file: number, at });
    });
    const promised = this.#promised(number);
    for (const gap of gaps) {
      if (gap.from < promised) this.#setAside(file, gap.from, gap.to, lastBefore(gap, older));
      else await fill(file, gap);
    }
    const isShort = !isLast ? type !== EntryType.CLOSED : promised === Infinity ? end < size : end < promised;
    if (isShort) this.#setAside(file, end, Math.max(size, promised === Infinity ? 0 : promised), Infinity);
    if (!isLast || end === size) return;
    // These octets were never acknowledged: they were being written when the process or the machine ended.
    await handle.truncate(end);
    file.octets = end;
  }

  /** Octets of a file that are on disk for certain; Infinity: all that it has. */
  #promised(number: number): number {
    const { found } = this.mark;
    if (typeof found !== 'object' || found.file > number) return Infinity;
    return found.file === number ? found.octets : 0;
  }

  #lost(path: string, reason: string, upTo = Infinity): void {
    this.lostUpTo = Math.max(this.lostUpTo, upTo);
    this.damage.push({ path, reason, isLoss: true });
  }

  /** Notes that a part of a file cannot be read, and copies its octets. */
  #setAside({ number, path, handle, octets }: LedgerFile, from: number, to: number, upTo: number): void {
    const found = readPart(handle.fd, from, Math.max(0, Math.min(to, octets, from + MAX_ASIDE) - from));
    const aside =
      found.length === 0 ? '' : `; what is there was copied to ${this.#writeAside(`ledger-${number}-${from}`, found)}`;
    const what = to > octets ? 'missing or cannot be read' : 'damaged';
    this.#lost(path, `octets ${from} to ${to} are ${what}${aside}`, upTo);
  }

  #writeAside(name: string, octets: Uint8Array): string {
    const path = join(this.#folder, Inside.DAMAGED, name);
    writeFileSync(path, octets, { mode: FILE_MODE });
    return path;
  }

  /** The payload of an entry as it is in the file, damaged or not. */
  payloadAsFound({ entry, file, at }: Place): Uint8Array {
    const found = this.#files.get(file);
    return found === undefined ? NOTHING : readPart(found.handle.fd, at + entry.headerLength, entry.payloadLength);
  }

  /** Makes another file the newest one. */
  async begin(number: number): Promise<void> {
    const path = this.path(number);
    const entry = { type: EntryType.FILE, isRemoval: false, name: '', fields: [FORMAT], sequence: ++this.sequence };
    const { octets } = encodeEntry(entry, NOTHING);
    await writeFileDurably(path, [octets]);
    this.target = { number, path, handle: await open(path, 'r+'), octets: octets.length };
    this.#files.set(number, this.target);
    this.mark.set({ file: number, octets: octets.length });
  }

  /** Writes the last entry of a file. */
  async finish(file: LedgerFile): Promise<void> {
    const entry = { type: EntryType.CLOSED, isRemoval: false, name: '', fields: [], sequence: ++this.sequence };
    const { octets } = encodeEntry(entry, NOTHING);
    await writeAll(file.handle, octets, file.octets);
    file.octets += octets.length;
    await file.handle.datasync();
  }

  /** The payload of an entry that is written; undefined when it is damaged. */
  payload(place: Place): Uint8Array | undefined {
    const octets = this.payloadAsFound(place);
    const { payloadLength, payloadCrc } = place.entry;
    if (octets.length !== payloadLength || checksum(octets) !== payloadCrc) return undefined;
    // No Buffer: slice() of one is a view.
    return new Uint8Array(octets.buffer, octets.byteOffset, octets.length);
  }

  /** Copies a payload that is damaged to where the operator may look at it; returns the path. */
  setAside(place: Place): string {
    const { type, sequence } = place.entry;
    return this.#writeAside(`entry-${sequence}-type-${type}`, this.payloadAsFound(place));
  }

  /** Removes files that have no useful entries any more. */
  async remove(files: readonly LedgerFile[]): Promise<void> {
    for (const { number, path, handle } of files) {
      this.#files.delete(number);
      await handle.close();
      await unlink(path);
    }
    syncFolder(this.#folder);
  }

  async close(): Promise<void> {
    for (const { handle } of this.#files.values()) await handle.close();
    this.#files.clear();
    this.mark.close();
  }
}

function checkFormat(path: string, format: number): void {
  if (format <= FORMAT) return;
  const found = `a newer version of adotd wrote it (format ${format}, this one reads up to ${FORMAT})`;
  throw stateError(path, `${found}; run that version, or import what it exports into an empty folder`);
}

/**
 * The largest sequence number before a gap of a file. `older`: the largest one of the files before; undefined: they are gone. An entry
 * behind the gap with a larger number was appended after those in the gap: a copy of an older entry has a smaller number than the first
 * entry of its file. The result is Infinity if both that first entry and the file before are missing, or if the next entry is older or
 * missing: then parts of the file may have moved.
 */
function lastBefore({ from, before, behind }: Gap, older: number | undefined): number {
  if (from === 0 && older === undefined) return Infinity;
  const last = Math.max(before, older ?? 0);
  return behind > last ? last : Infinity;
}

/** Writes an entry without meaning over a part that was being written when the machine lost its power: it was never acknowledged. */
async function fill({ handle }: LedgerFile, { from, to }: Gap): Promise<void> {
  const entry = { type: EntryType.FILLER, isRemoval: false, name: '', fields: [], sequence: 0 };
  const { length } = encodeEntry(entry, NOTHING).octets;
  await writeAll(handle, encodeEntry(entry, new Uint8Array(to - from - length)).octets, from);
}

/** Writes octets at a place of a file. */
export async function writeAll(handle: FileHandle, octets: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < octets.length; )
    done += (await handle.write(octets, done, octets.length - done, at + done)).bytesWritten;
}
