/** The content of a signed image, as changes of it see it: the records that signing makes are left out. */
import { isSignersType } from '../../dnssec/signing/signers-types.js';
import { ImageView, isApex, type ViewRecord, type ZoneView } from '../changes/zone-view.js';

export class ContentView implements ZoneView {
  readonly #view: ImageView;

  /** `image`: signed or not. */
  constructor(image: Uint8Array) {
    this.#view = new ImageView(image);
  }

  get apex(): Uint8Array {
    return this.#view.apex;
  }

  exists(owner: Uint8Array): boolean {
    return this.#view.exists(owner) && this.types(owner).length > 0;
  }

  types(owner: Uint8Array): readonly number[] {
    const isAtApex = isApex(this, owner);
    return this.#view.types(owner).filter((type) => !isSignersType(type, isAtApex));
  }

  rrset(owner: Uint8Array, type: number): readonly ViewRecord[] {
    return isSignersType(type, isApex(this, owner)) ? [] : this.#view.rrset(owner, type);
  }

  spelling(owner: Uint8Array): Uint8Array | undefined {
    return this.exists(owner) ? this.#view.spelling(owner) : undefined;
  }

  *namesBelow(owner: Uint8Array): Iterable<Uint8Array> {
    for (const name of this.#view.namesBelow(owner)) if (this.exists(name)) yield name;
  }
}
