/** The records of a zone that is being transferred, in the store from which its image is compiled. Hot file: no object per record. */
import { MAX_NAME, nameToText } from '../../protocol/name.js';
import { RecordStore } from '../../zone/store.js';

export class ReceivedRecords {
  readonly store: RecordStore;
  /** The last owner, which in most zones has several records, and its node. */
  readonly #owner = new Uint8Array(MAX_NAME);
  #length = 0;
  #node = 0;

  /** `expected`: the approximate number of records; undefined: it is not known. */
  constructor(apex: Uint8Array, serial: number, expected: number | undefined) {
    this.store = new RecordStore(expected === undefined ? undefined : expected + (expected >> 4) + 64);
    this.store.files.push(`${nameToText(apex)} serial ${serial}`);
  }

  /** Adds a record. `rdata` writes its RDATA at out[at…] and returns the length; when it throws, nothing is added. */
  add(
    owner: Uint8Array,
    length: number,
    type: number,
    ttl: number,
    rdata: (out: Uint8Array, at: number) => number,
  ): void {
    const { store } = this;
    store.reserveRdata();
    const octets = rdata(store.rdata, store.rdataUsed);
    store.add(this.#nodeOf(owner, length), type, ttl, octets, 0, 0, 0);
  }

  /**
   * Names of a zone come with their siblings: most often the name above is the one above the last owner, and then it need not be looked up.
   */
  #nodeOf(owner: Uint8Array, length: number): number {
    const last = this.#owner;
    let i = 0;
    if (length === this.#length) while (i < length && owner[i] === last[i]) i++;
    if (i === length) return this.#node;
    let isSibling = this.#length > 1 && length - owner[0]! === this.#length - last[0]!;
    for (let at = owner[0]! + 1, to = last[0]! + 1; isSibling && at < length; at++, to++)
      isSibling = owner[at] === last[to];
    for (i = 0; i < length; i++) last[i] = owner[i]!;
    this.#length = length;
    this.#node = isSibling ? this.store.child(this.store.parent[this.#node]!, owner, 0) : this.store.intern(owner);
    return this.#node;
  }
}
