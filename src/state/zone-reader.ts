/** Reads stored zones, around damaged parts. */
import { nameFromText } from '../protocol/name.js';
import { readU32 } from '../protocol/octets.js';
import { type Difference, differenceOf } from '../zone/changes/difference.js';
import type { ImageCache } from './image-cache.js';
import { firstDifference, type Head, type KeptZone } from './kept-zone.js';
import type { Ledger } from './ledger.js';
import type { Place } from './ledger-files.js';
import { readValue } from './stored-value.js';
import type { StoredContent } from './stored-zone.js';

export class ZoneReader {
  readonly #folder: string;
  readonly #ledger: Ledger;
  readonly #images: ImageCache;

  constructor(folder: string, ledger: Ledger, images: ImageCache) {
    this.#folder = folder;
    this.#ledger = ledger;
    this.#images = images;
  }

  /** Reads the zone that `head` describes; undefined when too much of it is damaged. Damaged parts are added to `damage`, in words. */
  async readVersion(kept: KeptZone, head: Head, damage: string[]): Promise<StoredContent | undefined> {
    const history = await this.#history(kept, head, damage);
    const first = head.last - history.length + 1;
    const isUsable = ({ number }: { number: number }): boolean => number + 1 >= first && number <= head.last;
    const answer = (
      base: StoredContent['base'],
      { number, serial }: { number: number; serial: number },
    ): StoredContent => {
      return { kind: 'content', base, serial, differences: history.slice(number + 1 - first), history, damage };
    };
    const generations = [head.newest, head.older].filter((generation) => generation !== undefined);
    const cached = await this.#images.read(
      kept.zone,
      (version) => isUsable(version) && generations.some(({ id }) => id === version.generation),
    );
    if (cached !== undefined) return answer({ image: cached.image }, cached);
    for (const generation of generations) {
      if (!isUsable(generation)) continue;
      const run = await this.content(kept, generation.id, damage);
      if (run !== undefined) return answer({ run }, generation);
    }
    return undefined;
  }

  /** The differences that lead to the stored version without a gap, oldest first. */
  async #history(kept: KeptZone, head: Head, damage: string[]): Promise<Difference[]> {
    const history: Difference[] = [];
    const apex = nameFromText(kept.zone);
    for (let number = head.last; number >= firstDifference(head); number--) {
      const octets = await this.#value(kept.differences.get(number), `difference ${number}`, damage);
      if (octets === undefined) break;
      history.push(decodeDifference(apex, octets));
    }
    return history.reverse();
  }

  /** A content of a zone as a run; undefined when it is damaged. */
  content(kept: KeptZone, id: number, damage: string[]): Promise<Uint8Array | undefined> {
    return this.#value(kept.contents.get(id), `content ${id}`, damage);
  }

  async #value(place: Place | undefined, what: string, damage: string[]): Promise<Uint8Array | undefined> {
    const read =
      place === undefined ? { damage: `${what} is missing` } : await readValue(this.#folder, this.#ledger, place);
    if ('octets' in read) return read.octets;
    damage.push(read.damage);
    return undefined;
  }
}

function decodeDifference(apex: Uint8Array, octets: Uint8Array): Difference {
  const middle = 4 + readU32(octets, 0);
  return differenceOf(apex, octets.subarray(4, middle), octets.subarray(middle));
}
