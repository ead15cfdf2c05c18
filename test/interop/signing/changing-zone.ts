/**
 * A generated zone that changes, signed by adotd, whole at first and then by the difference. A version is the generated zone without some of its
 * names, and with other TTLs, so that names, cuts, wildcards and aliases come and go.
 */
import { signInPlace } from '../../../src/dnssec/signing/signer.js';
import { DEFAULT_SIGNING_POLICY, type KeySet } from '../../../src/dnssec/signing/signing-policy.js';
import { diff } from '../../../src/image/changes/diff.js';
import { type Loaded, type LoadOptions, load } from '../../../src/image/load.js';
import { signChange, signRecords } from '../../../src/image/signed/sign-image.js';
import { imageText } from '../../../src/image/text.js';
import { formatDiagnostic } from '../../../src/zone/diagnostics.js';
import { Generator } from '../../differential/generate.js';
import { Model, type Signing } from '../../differential/model.js';
import { type Name, nameKey, nameToText, nameToWire } from '../../differential/names.js';
import type { Random } from '../../differential/random.js';
import { plainEscapes } from '../../differential/sign.js';
import { T } from '../../differential/types.js';
import { type Node, type ZoneData, zoneToText } from '../../differential/zone-data.js';

/** Names that go at most from one version to the next, and as many come back. */
const MOST_MOVES = 6;
const TTLS = [0, 1, 60, 300, 3600];

export interface ZoneVersion {
  readonly serial: number;
  readonly model: Model;
  /** The zone file, signed, in presentation format. */
  readonly text: string;
}

export class ChangingZone {
  readonly name: string;
  readonly signing: Exclude<Signing, 'unsigned'>;
  readonly #random: Random;
  readonly #origin: Name;
  readonly #keys: KeySet;
  /** Everything that a version may have, by nameKey. */
  readonly #whole: ZoneData;
  /** Keys of names that the version lacks. */
  readonly #gone = new Set<string>();
  #serial = 0;
  #content: Uint8Array | undefined;
  #image: Uint8Array | undefined;

  constructor(random: Random, origin: Name, signing: Exclude<Signing, 'unsigned'>, keys: KeySet) {
    this.name = nameToText(origin);
    this.signing = signing;
    this.#random = random;
    this.#origin = origin;
    this.#keys = keys;
    // With a cut, the apex has no DNAME: Knot 3.2 takes no zone with that and NSEC3, although RFC 5155 §10.2 allows it.
    this.#whole = new Generator(random.fork(1), origin).make([['cut', ...origin]]);
    for (const key of this.#names()) if (random.chance(0.2)) this.#gone.add(key);
  }

  /** Makes the next version. Throws an Error when adotd finds it wrong. */
  next(): ZoneVersion {
    this.#serial++;
    this.#move();
    const nodes = new Map([...this.#whole.nodes].filter(([key]) => !this.#gone.has(key)));
    const data = { ...this.#whole, nodes, large: this.#whole.large.filter((name) => nodes.has(nameKey(name))) };
    const image = this.#sign(sound(this.#load(zoneToText(data))));
    return {
      serial: this.#serial,
      model: new Model(data, this.signing),
      text: plainEscapes([...imageText(image)].join('')),
    };
  }

  /** Keys of names that may go: not the apex, nor the zone's servers, whose addresses peers make of a wildcard. */
  #names(): string[] {
    const staying = [[], ['ns1'], ['ns2']].map((labels) => nameKey([...labels, ...this.#origin]));
    return [...this.#whole.nodes.keys()].filter((key) => !staying.includes(key));
  }

  #move(): void {
    const random = this.#random;
    const nodes = this.#whole.nodes as Map<string, Node>;
    const names = this.#names();
    for (let i = random.below(MOST_MOVES + 1); i > 0 && names.length > 0; i--) {
      const key = random.pick(names);
      if (!this.#gone.delete(key)) this.#gone.add(key);
    }
    for (const [key, { name, rrsets }] of nodes) {
      if (!random.chance(0.05)) continue;
      const [type, { rdata }] = random.pick([...rrsets]);
      nodes.set(key, { name, rrsets: new Map(rrsets).set(type, { ttl: random.pick(TTLS), rdata }) });
    }
    const apex = nodes.get(nameKey(this.#origin))!;
    const soa = apex.rrsets.get(T.SOA)!;
    const rdata = soa.rdata.map((text) => text.replace(/^(\S+ \S+) \d+/, `$1 ${this.#serial}`));
    nodes.set(nameKey(this.#origin), { ...apex, rrsets: new Map(apex.rrsets).set(T.SOA, { ...soa, rdata }) });
  }

  #load(text: string): Loaded {
    const source = { file: this.name, bytes: Buffer.from(text, 'latin1'), origin: nameToWire(this.#origin) };
    return load(source, { now: Date.now() / 1000 });
  }

  #sign(content: Loaded): Uint8Array {
    const now = Math.floor(Date.now() / 1000);
    const nsec3 = this.signing === 'NSEC' ? undefined : { optOut: this.signing === 'opt-out' };
    const policy = { ...DEFAULT_SIGNING_POLICY, nsec3 };
    const context = { keys: this.#keys, policy, now, chooseSigner: signInPlace };
    const options: LoadOptions = { now, dnssecCheck: () => 'strict' };
    const { loaded } =
      this.#image === undefined || this.#content === undefined
        ? signRecords(content.rrsets.store, context, options)
        : signChange(this.#image, diff(this.#content, content.image!), context, options);
    this.#content = content.image;
    this.#image = sound(loaded).image!;
    return this.#image;
  }
}

function sound(loaded: Loaded): Loaded {
  const error = loaded.diagnostics.list.find(({ severity }) => severity === 'error');
  if (error !== undefined) throw new Error(formatDiagnostic(error));
  return loaded;
}
