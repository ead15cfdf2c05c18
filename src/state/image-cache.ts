/**
 * The cache of images: for each zone the image that was last served, so that a start reads images and not records. An image that is
 * missing, damaged, or of another layout is made anew from the stored records.
 */
import { createHash } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { messageOf } from '../errors.js';
import { isImage } from '../image/catalog.js';
import * as L from '../image/layout.js';
import { piecesOf, readChunkFile, writeChunkFile } from './chunk-file.js';
import { EntryType } from './entry.js';
import { Inside } from './folder.js';
import type { Ledger } from './ledger.js';
import type { Place } from './ledger-files.js';
import type { ZoneIndex } from './zone-index.js';

/** Milliseconds from a change to the time at which its image is written, so that many changes make one image. A guess. */
const DELAY = 2000;
/** Large images that change all the time are written at this pace at most: octets a millisecond. A guess. */
const PACE = 1000;
/**
 * Octets of the largest image in the ledger; a larger one has a file. Measured: 10,000 files take 34 s to be written on a busy machine, as
 * each waits for the disk three times, and twice as long to be read.
 */
const INLINE = 32 * 1024;
/** Larger images get memory of their own that threads can share (image/catalog.ts). */
const SHARED = 256 * 1024;

/** Which version of its zone an image is. */
interface Version {
  /** Number of the generation before it. */
  readonly generation: number;
  /** Number of the last difference in it. */
  readonly number: number;
  readonly serial: number;
}

interface CachedImage extends Version {
  readonly image: Uint8Array;
}

interface Waiting extends CachedImage {
  /** By performance.now(). */
  readonly due: number;
}

export class ImageCache {
  readonly #folder: string;
  readonly #ledger: Ledger;
  readonly #index: ZoneIndex;
  readonly #report: (text: string) => void;
  readonly #waiting = new Map<string, Waiting>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #isBusy = false;

  /** `folder` is the state folder. `report` is told of images that cannot be written or read. */
  constructor(folder: string, ledger: Ledger, index: ZoneIndex, report: (text: string) => void) {
    this.#folder = join(folder, Inside.IMAGES);
    this.#ledger = ledger;
    this.#index = index;
    this.#report = report;
  }

  /** Notes an image that is to be written some time later. */
  keep(zone: string, cached: CachedImage): void {
    const due = performance.now() + Math.max(DELAY, cached.image.byteLength / PACE);
    this.#waiting.set(zone, { ...cached, due: Math.min(due, this.#waiting.get(zone)?.due ?? due) });
    this.#arm();
  }

  /** The image of a zone, if it is one of a version that `isWanted` accepts. */
  async read(zone: string, isWanted: (version: Version) => boolean): Promise<CachedImage | undefined> {
    return this.#readSmall(zone, isWanted) ?? (await this.#readFile(zone, isWanted));
  }

  #readSmall(zone: string, isWanted: (version: Version) => boolean): CachedImage | undefined {
    const place = this.#index.images.get(zone);
    if (place === undefined) return undefined;
    const [layout, generation = 0, number = 0, serial = 0] = place.entry.fields;
    const version = { generation, number, serial };
    if (layout !== L.FORMAT || !isWanted(version)) return undefined;
    const image = this.#ledger.payload(place);
    if (image !== undefined && isWhole(image)) return { ...version, image };
    this.#index.images.delete(zone);
    const aside = `what is there was copied to ${this.#ledger.setAside(place)}`;
    this.#report(`state ${this.#ledger.pathOf(place)}: the image of ${zone} is damaged, and made anew; ${aside}`);
    return undefined;
  }

  async #readFile(zone: string, isWanted: (version: Version) => boolean): Promise<CachedImage | undefined> {
    const path = this.#path(zone);
    let version: Version = { generation: 0, number: 0, serial: 0 };
    let isOdd = true;
    const read = await readChunkFile(
      path,
      ({ name, fields: [layout, generation = 0, number = 0, serial = 0, octets = 0] }) => {
        version = { generation, number, serial };
        isOdd = name !== zone;
        if (isOdd || layout !== L.FORMAT || !isWanted(version)) return 'it is of another version';
        isOdd = true;
        return new Uint8Array(octets > SHARED ? new SharedArrayBuffer(octets) : new ArrayBuffer(octets));
      },
    );
    if ('octets' in read && isWhole(read.octets)) return { ...version, image: read.octets };
    if (isOdd && (!('damage' in read) || !read.damage.endsWith('is missing'))) {
      const reason = 'damage' in read ? read.damage : 'it is no image';
      this.#report(`state ${path}: the image of ${zone} is made anew from its records: ${reason}`);
    }
    return undefined;
  }

  remove(zone: string): void {
    this.#waiting.delete(zone);
    this.#index.images.delete(zone);
    rmSync(this.#path(zone), { force: true });
  }

  /** Removes all images. */
  clear(): void {
    this.#index.images.clear();
    this.removeOthers([]);
  }

  /** Removes the files of all zones but these. */
  removeOthers(zones: Iterable<string>): void {
    const files = readdirSync(this.#folder);
    if (files.length === 0) return;
    const names = new Set(Array.from(zones, nameOf));
    for (const name of files) if (!names.has(name)) rmSync(join(this.#folder, name), { force: true });
  }

  /** Writes all images that wait. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#writing;
    await this.#write(Number.POSITIVE_INFINITY);
  }

  #path(zone: string): string {
    return join(this.#folder, nameOf(zone));
  }

  #arm(): void {
    if (this.#isBusy || this.#waiting.size === 0) return;
    this.#isBusy = true;
    const next = Math.min(...Array.from(this.#waiting.values(), ({ due }) => due));
    this.#timer = setTimeout(
      () => {
        this.#writing = this.#write(performance.now()).then(() => {
          this.#isBusy = false;
          this.#arm();
        });
      },
      Math.max(0, next - performance.now()),
    );
    this.#timer.unref();
  }

  async #write(until: number): Promise<void> {
    for (const [zone, waiting] of [...this.#waiting]) {
      if (waiting.due > until || this.#waiting.get(zone) !== waiting) continue;
      this.#waiting.delete(zone);
      const { image, generation, number, serial } = waiting;
      const fields = [L.FORMAT, generation, number, serial, image.byteLength];
      if (image.byteLength <= INLINE) {
        this.#append(zone, fields, image);
        continue;
      }
      try {
        this.#index.images.delete(zone);
        await writeChunkFile(this.#path(zone), { name: zone, fields }, piecesOf(image));
      } catch (error) {
        this.#notKept(zone, error);
      }
    }
  }

  #append(zone: string, fields: readonly number[], image: Uint8Array): void {
    const entry = { type: EntryType.IMAGE, isRemoval: false, name: zone, fields };
    const place: Place = this.#ledger.append(entry, image, false, (error) => {
      if (error !== undefined) this.#notKept(zone, error);
      else if (this.#index.zones.get(zone)?.durable.isRemoved === false) this.#index.images.set(zone, place);
    });
  }

  #notKept(zone: string, error: unknown): void {
    this.#report(`the image of ${zone} is not kept, so the next start takes longer: ${messageOf(error)}`);
  }
}

/** The name of the file of a zone's image: a zone's own name may be too long for a file. */
function nameOf(zone: string): string {
  return createHash('sha256').update(zone).digest('hex').slice(0, 40);
}

function isWhole(image: Uint8Array): boolean {
  if (!isImage(image)) return false;
  return new Int32Array(image.buffer, image.byteOffset, L.HEADER_WORDS)[L.HEADER_SIZE]! * 4 === image.byteLength;
}
