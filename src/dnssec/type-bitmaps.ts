/** Compares the type bitmaps of NSEC and NSEC3 records with the types that are there (RFC 4035 §2.3, RFC 5155 §7.1). */
import { Type } from '../protocol/iana.js';
import { MAX_TYPE_BITMAP, typesOfBitmap, writeTypeBitmap } from '../protocol/rdata/bitmap.js';
import { isAuthoritative, type SignedZone } from './signed-zone.js';

export class TypeBitmaps {
  readonly #zone: SignedZone;
  readonly #types = new Uint16Array(65_536);
  readonly #expected = new Uint8Array(MAX_TYPE_BITMAP);

  constructor(zone: SignedZone) {
    this.#zone = zone;
  }

  /**
   * Reports the bitmap that begins at the store's rdata[at] and ends with the RDATA of `row`, if it is not that of the
   * node's types.
   */
  verify(row: number, at: number, node: number, kind: 'NSEC' | 'NSEC3'): void {
    const { rrsets, report } = this.#zone;
    const { rdata, rdataAt, rdataLength } = rrsets.store;
    const end = rdataAt[row]! + rdataLength[row]!;
    const length = writeTypeBitmap(this.#types, this.#gather(node, kind), this.#expected);
    if (length === end - at) {
      let i = 0;
      while (i < length && rdata[at + i] === this.#expected[i]) i++;
      if (i === length) return;
    }
    const expected = typesOfBitmap(this.#expected, 0, length);
    report.error(row, () => {
      const found = typesOfBitmap(rdata, at, end);
      const what = `the ${kind} record of ${report.name(node)}`;
      return `found ${list(found)} as types in ${what}, expected ${list(expected)}: sign the zone again`;
    });
  }

  /** Gathers the types that the node's bitmap is to list, and returns their number. */
  #gather(node: number, kind: 'NSEC' | 'NSEC3'): number {
    const { rrsets } = this.#zone;
    let count = 0;
    let isSigned = false;
    for (let set = rrsets.nodeRrsets[node]!; set < rrsets.nodeRrsets[node + 1]!; set++) {
      const type = rrsets.type[set]!;
      // NSEC3 records at a name are of another name's hash.
      if (type === Type.RRSIG || type === Type.NSEC3) continue;
      const isOwn = isAuthoritative(this.#zone, node, type);
      if (isOwn) isSigned = true;
      if (isOwn || type === Type.NS) this.#types[count++] = type;
    }
    // Of an insecure delegation, NSEC3 lists NS only; NSEC lists itself and its signature everywhere.
    if (isSigned || kind === 'NSEC') this.#types[count++] = Type.RRSIG;
    return count;
  }
}

function list(types: readonly string[]): string {
  return types.length === 0 ? 'no types' : types.join(' ');
}
