/** Random questions aimed at the names of a zone, and their wire format. */
import { typeName } from '../support/rdata.js';
import { canOccur, type Model, type OutcomeName } from './model.js';
import { type Name, nameKey, nameToText, nameToWire, wireLength } from './names.js';
import type { Random } from './random.js';
import { UDP_LIMIT } from './truncation.js';
import { PLAIN, PRIVATE, PRIVATE_ABSENT, T } from './types.js';

export interface Query {
  readonly name: Name;
  readonly type: number;
  readonly edns: boolean;
  readonly dnssecOk: boolean;
  /** Octets offered in OPT; 512 without. */
  readonly size: number;
  readonly tcp: boolean;
  readonly recursionDesired: boolean;
  readonly checkingDisabled: boolean;
}

export function queryToText(query: Query): string {
  const flags = [
    query.edns ? `EDNS ${query.size}${query.dnssecOk ? ' DO' : ''}` : 'no EDNS',
    query.tcp ? 'TCP' : 'UDP',
    ...(query.recursionDesired ? ['RD'] : []),
    ...(query.checkingDisabled ? ['CD'] : []),
  ];
  return `${nameToText(query.name)} ${typeName(query.type)} (${flags.join(', ')})`;
}

/** The message with ID 0; the sender writes the ID. */
export function encodeQuery(query: Query): Buffer {
  const name = nameToWire(query.name);
  const message = Buffer.alloc(12 + name.length + 4 + (query.edns ? 11 : 0));
  message[2] = query.recursionDesired ? 1 : 0;
  message[3] = query.checkingDisabled ? 0x10 : 0;
  message.writeUInt16BE(1, 4);
  message.writeUInt16BE(query.edns ? 1 : 0, 10);
  message.set(name, 12);
  let at = 12 + name.length;
  message.writeUInt16BE(query.type, at);
  message.writeUInt16BE(1, at + 2);
  at += 4;
  if (query.edns) {
    message.writeUInt16BE(41, at + 1);
    message.writeUInt16BE(query.size, at + 3);
    message[at + 7] = query.dnssecOk ? 0x80 : 0;
  }
  return message;
}

/** Types asked for; DNSSEC's own and ANY as often as data. */
const TYPES: readonly (readonly [number, number])[] = [
  ...PLAIN.map(([weight, type]) => [weight, type] as const),
  [4, T.ANY],
  [4, T.DS],
  [3, T.NS],
  [3, T.CNAME],
  [2, T.DNAME],
  [2, T.SOA],
  [2, T.NSEC],
  [1, T.NSEC3],
  [1, T.NSEC3PARAM],
  [2, T.RRSIG],
  [1, T.DNSKEY],
  [1, T.CDS],
  [1, T.MAILB],
  [1, PRIVATE],
  [2, PRIVATE_ABSENT],
];

/** Octets of a header, of a question behind its name, and of a record with a compressed owner before its RDATA. */
const HEADER = 12;
const QUESTION_FIXED = 4;
const RECORD_FIXED = 12;
/** Octets of RDATA by type; for other types, the length of the text is near enough. */
const ADDRESS_OCTETS: Readonly<Record<number, number>> = { [T.A]: 4, [T.AAAA]: 16 };

const LABELS = ['a', 'b', 'www', 'nope', '*', 'zzz', '0', 'ns1', 'x'.repeat(63), '\xff', 'h.i', '\0'];

function changeCase(random: Random, name: Name): Name {
  const flip = (c: string): string => (random.chance(0.5) ? c.toUpperCase() : c.toLowerCase());
  return name.map((label) => label.replace(/[A-Za-z]/g, flip));
}

export class Questioner {
  readonly #random: Random;
  readonly #model: Model;
  readonly #names: readonly Name[];

  constructor(random: Random, model: Model) {
    this.#random = random;
    this.#model = model;
    this.#names = [...model.zone.nodes.values()].map((node) => node.name);
  }

  /** A question of the wanted outcome when some tries find one, otherwise the last one tried. */
  ask(wanted: OutcomeName | undefined): Query {
    let query = this.#try(wanted);
    if (wanted === undefined || !canOccur(wanted, this.#model.signing)) return query;
    const fits = (): boolean =>
      wanted === 'truncated' ? this.#isTooLarge(query) : this.#model.classify(query.name, query.type).includes(wanted);
    for (let tries = 0; tries < 60 && !fits(); tries++) query = this.#try(wanted);
    return query;
  }

  /** Whether the RRset that is asked for, or that of a wildcard in its place, is larger than the client takes. */
  #isTooLarge({ name, type, size }: Query): boolean {
    const { nodes } = this.#model.zone;
    const node = nodes.get(nameKey(name)) ?? nodes.get(nameKey(['*', ...name.slice(1)]));
    const records = node?.rrsets.get(type)?.rdata ?? [];
    const octets = records.map((text) => RECORD_FIXED + (ADDRESS_OCTETS[type] ?? text.length));
    const length = octets.reduce((sum, one) => sum + one, HEADER + wireLength(name) + QUESTION_FIXED);
    return length > Math.max(512, Math.min(size, UDP_LIMIT));
  }

  #try(wanted: OutcomeName | undefined): Query {
    const random = this.#random;
    const large = wanted === 'truncated' || random.chance(0.03);
    const name = large ? this.#largeName() : this.#name(wanted);
    const edns = random.chance(0.85);
    const size = edns ? random.pick(wanted === 'truncated' ? [512, 512, 1232] : [0, 512, 1232, 1232, 4096]) : 512;
    return {
      name: random.chance(0.3) ? changeCase(random, name) : name,
      type: this.#type(name, wanted, large),
      edns,
      dnssecOk: edns && random.chance(0.8),
      size,
      tcp: !large && random.chance(0.05),
      recursionDesired: random.chance(0.2),
      checkingDisabled: random.chance(0.05),
    };
  }

  #type(name: Name, wanted: OutcomeName | undefined, large: boolean): number {
    const random = this.#random;
    if (wanted === 'ANY' && random.chance(0.8)) return T.ANY;
    if (wanted === 'DS at a cut') return T.DS;
    const node = this.#model.zone.nodes.get(nameKey(name));
    if (node !== undefined && random.chance(large ? 0.9 : 0.35)) return random.pick([...node.rrsets.keys()]);
    return large && random.chance(0.8) ? random.pick([T.A, T.AAAA, T.TXT, T.MX, T.SRV]) : random.weighted(TYPES);
  }

  #largeName(): Name {
    const { large, nodes } = this.#model.zone;
    const random = this.#random;
    if (large.length === 0 || random.chance(0.25)) return this.#name(undefined);
    const name = random.pick(large);
    if (name[0] === '*' && random.chance(0.7)) return [random.pick(LABELS), ...name.slice(1)];
    // Reached through a chain, the same RRset has less room.
    const aliases = [...nodes.values()].filter((node) => node.rrsets.has(T.CNAME));
    return random.chance(0.15) && aliases.length > 0 ? random.pick(aliases).name : name;
  }

  #name(wanted: OutcomeName | undefined): Name {
    const random = this.#random;
    const { origin } = this.#model.zone;
    const empty = this.#model.emptyNonTerminals;
    if (wanted === 'DNAME to an ancestor' || random.chance(0.02)) {
      const through = this.#throughAncestor();
      if (through !== undefined) return through;
    }
    if (wanted === 'empty non-terminal' && empty.length > 0 && random.chance(0.7)) return random.pick(empty);
    let name = random.pick(this.#names);
    const way = random.weighted([
      [5, 'same'],
      [5, 'below'],
      [3, 'sibling'],
      [2, 'above'],
      [2, 'expansion'],
      [1, 'empty'],
      [1, 'apex'],
      [1, 'deep'],
    ] as const);
    if (way === 'above' && name.length > origin.length) name = name.slice(1);
    else if (way === 'sibling' && name.length > origin.length) name = [this.#label(), ...name.slice(1)];
    else if (way === 'below') name = [this.#label(), ...name];
    else if (way === 'deep') name = [this.#label(), this.#label(), this.#label(), ...name];
    else if (way === 'apex') name = origin;
    else if (way === 'empty' && empty.length > 0) name = random.pick(empty);
    else if (way === 'expansion' && name[0] === '*') name = [this.#label(), ...name.slice(1)];
    if (random.chance(0.005)) name = name.slice(name.length - origin.length + 1);
    return wireLength(name) <= 255 ? name : origin;
  }

  /** A name below a DNAME to an ancestor that leads to another name in the zone, or near one. */
  #throughAncestor(): Name | undefined {
    const random = this.#random;
    const { climbing, zone } = this.#model;
    if (climbing.length === 0) return undefined;
    const { owner, target } = random.pick(climbing);
    let to = random.pick(this.#names);
    if (random.chance(0.2)) to = [this.#label(), ...to];
    // At times twice through the same DNAME.
    if (random.chance(0.15)) to = [...to.slice(0, to.length - target.length), ...owner];
    const name = [...to.slice(0, to.length - target.length), ...owner];
    return wireLength(name) <= 255 ? name : [...zone.origin.slice(0, zone.origin.length - target.length), ...owner];
  }

  #label(): string {
    const random = this.#random;
    return random.chance(0.5) ? random.pick(LABELS) : (random.pick(this.#names)[0] ?? 'a');
  }
}
