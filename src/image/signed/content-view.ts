/** The content of a signed image, as changes of it see it: the records that signing makes are left out. */
import { type ApexKeys, KEY_TYPES } from '../../dnssec/signing/apex-keys.js';
import { isSignersType } from '../../dnssec/signing/signers-types.js';
import { ImageView, isApex, type ViewRecord, type ZoneView } from '../changes/zone-view.js';

/** Seconds: the TTL of records that are not published. Its value has no effect. */
const HELD_TTL = 3600;

export class ContentView implements ZoneView {
  readonly #view: ImageView;
  /** By type: RDATA of the keys of the zone; undefined: they are no part of the content. */
  readonly #foreign: ReadonlyMap<number, readonly Uint8Array[]> | undefined;

  /**
   * `image`: signed or not. `foreign`: records of other signers (RFC 8901); with them, the content has the DNSKEY, CDS and CDNSKEY records
   * at the apex: the published ones and these.
   */
  constructor(image: Uint8Array, foreign?: ApexKeys) {
    this.#view = new ImageView(image);
    this.#foreign = foreign && new Map(KEY_TYPES.map(([list, type]) => [type, foreign[list]]));
  }

  get apex(): Uint8Array {
    return this.#view.apex;
  }

  exists(owner: Uint8Array): boolean {
    return this.#view.exists(owner) && this.types(owner).length > 0;
  }

  types(owner: Uint8Array): readonly number[] {
    const isAtApex = isApex(this, owner);
    const types = this.#view.types(owner).filter((type) => !isSignersType(type, isAtApex));
    if (!isAtApex || this.#foreign === undefined) return types;
    const keys = [...this.#foreign.keys()].filter((type) => this.#keys(owner, type).length > 0);
    return [...types, ...keys].sort((a, b) => a - b);
  }

  rrset(owner: Uint8Array, type: number): readonly ViewRecord[] {
    const isAtApex = isApex(this, owner);
    if (isAtApex && this.#foreign?.has(type)) return this.#keys(owner, type);
    return isSignersType(type, isAtApex) ? [] : this.#view.rrset(owner, type);
  }

  /** The RRset as it is published, and the records of other signers that are held back. */
  #keys(owner: Uint8Array, type: number): readonly ViewRecord[] {
    const published = this.#view.rrset(owner, type);
    const ttl = published[0]?.ttl ?? HELD_TTL;
    const has = (rdata: Uint8Array): boolean => published.some((one) => Buffer.compare(one.rdata, rdata) === 0);
    const held = (this.#foreign?.get(type) ?? []).filter((rdata) => !has(rdata));
    return [...published, ...held.map((rdata) => ({ ttl, rdata }))];
  }

  spelling(owner: Uint8Array): Uint8Array | undefined {
    return this.exists(owner) ? this.#view.spelling(owner) : undefined;
  }

  *namesBelow(owner: Uint8Array): Iterable<Uint8Array> {
    for (const name of this.#view.namesBelow(owner)) if (this.exists(name)) yield name;
  }
}
