/**
 * Random zones that have everything an answer can depend on: delegations with and without DS, glue in-domain, sibling and
 * missing, wildcards and empty non-terminals at every depth, CNAME and DNAME chains and loops, data below cuts, odd
 * labels, RRsets too large for a datagram. A zone is a function of its seed.
 */
import { LABELS, ODD_LABELS, OUTSIDE, TTLS } from './labels.js';
import { isAtOrBelow, isBelow, type Name, nameKey, nameToText, wireLength } from './names.js';
import type { Random } from './random.js';
import { hex, makerOf, PLAIN, T } from './types.js';
import type { Node, ZoneData } from './zone-data.js';

export class Generator {
  readonly #random: Random;
  readonly #origin: Name;
  readonly #nodes = new Map<string, Node>();
  readonly #large: Name[] = [];
  /** Names of zone cuts, and of DNAME owners: nothing is made below a DNAME. */
  readonly #cuts: Name[] = [];
  readonly #dnames: Name[] = [];

  constructor(random: Random, origin: Name) {
    this.#random = random;
    this.#origin = origin;
  }

  /** Makes the zone; `cuts` are names at which it must delegate (children that are served too). */
  make(cuts: readonly Name[]): ZoneData {
    const random = this.#random;
    const isAlias = cuts.length === 0 && random.chance(0.03);
    this.#apex(isAlias);
    for (const cut of cuts) this.#delegate(cut);
    if (isAlias) {
      this.#set(this.#origin, T.DNAME, [nameToText(this.#dnameTarget())]);
      this.#dnames.push(this.#origin);
      return this.#result();
    }
    const count = random.between(12, 45);
    for (let i = 0; i < count; i++) this.#grow();
    for (let i = random.between(1, 2); i > 0; i--) this.#makeLarge();
    this.#chains();
    if (random.chance(0.6)) this.#climb();
    return this.#result();
  }

  #result(): ZoneData {
    // Addresses of wildcards below a cut: NSD and Knot make glue of them, which nothing asks for.
    for (const { name, rrsets } of this.#nodes.values()) {
      if (!name.includes('*') || !this.#cuts.some((cut) => isBelow(name, cut))) continue;
      for (const type of [T.A, T.AAAA]) if (rrsets.delete(type)) rrsets.set(T.TXT, { ttl: 60, rdata: ['"occluded"'] });
    }
    return { origin: this.#origin, nodes: this.#nodes, large: this.#large };
  }

  #set(name: Name, type: number, rdata: readonly string[], ttl?: number): void {
    const key = nameKey(name);
    let node = this.#nodes.get(key);
    if (node === undefined) this.#nodes.set(key, (node = { name, rrsets: new Map() }));
    // A CNAME stands alone (RFC 2181 §10.1).
    const clash = node.rrsets.has(T.CNAME) || (type === T.CNAME && node.rrsets.size > 0);
    if (!clash && !node.rrsets.has(type)) {
      node.rrsets.set(type, { ttl: ttl ?? this.#random.pick(TTLS), rdata: [...new Set(rdata)] });
    }
  }

  #apex(isAlias: boolean): void {
    const random = this.#random;
    const timers = `${random.between(1, 99)} 3600 900 604800 ${random.pick([0, 30, 300, 7200])}`;
    const mname = nameToText([random.pick(LABELS), ...this.#origin]);
    this.#set(
      this.#origin,
      T.SOA,
      [`${mname} ${nameToText(['host.master', ...this.#origin])} ${timers}`],
      random.pick([60, 900, 3600]),
    );
    // Nothing may stand below an apex DNAME (RFC 6672 §2.4).
    const servers =
      !isAlias && random.chance(0.8)
        ? [
            ['ns1', ...this.#origin],
            ['ns2', ...this.#origin],
          ]
        : [random.pick(OUTSIDE)];
    this.#set(this.#origin, T.NS, servers.map(nameToText));
    for (const server of servers) {
      if (isBelow(server, this.#origin)) this.#addresses(server);
    }
    if (random.chance(0.5)) this.#plain(this.#origin);
  }

  #label(): string {
    return this.#random.chance(0.18) ? this.#random.pick(ODD_LABELS) : this.#random.pick(LABELS);
  }

  #child(parent: Name, label: string): Name | undefined {
    const name = [label, ...parent];
    return wireLength(name) <= 255 ? name : undefined;
  }

  /** Any name of the zone, of a zone nearby, or outside: a target. */
  #anyName(): Name {
    const random = this.#random;
    const node = random.pick([...this.#nodes.values()]);
    const existing = node.name;
    switch (
      random.weighted([
        [6, 'same'],
        [3, 'below'],
        [1, 'outside'],
        [1, 'sibling'],
        [1, 'apex'],
      ] as const)
    ) {
      case 'same':
        return existing;
      case 'below':
        return this.#child(existing, this.#label()) ?? existing;
      case 'sibling':
        return existing.length > this.#origin.length ? [this.#label(), ...existing.slice(1)] : existing;
      case 'outside':
        return random.pick(OUTSIDE);
      case 'apex':
        return this.#origin;
    }
  }

  #covered(name: Name, by: readonly Name[]): boolean {
    return by.some((owner) => isBelow(name, owner));
  }

  #isFree(name: Name): boolean {
    return !this.#nodes.has(nameKey(name)) && !this.#covered(name, this.#dnames);
  }

  #parent(): Name {
    const random = this.#random;
    const nodes = [...this.#nodes.values()];
    for (let tries = 0; tries < 20; tries++) {
      const { name, rrsets } = random.chance(0.35) ? { name: this.#origin, rrsets: new Map() } : random.pick(nodes);
      if (rrsets.has(T.DNAME) || this.#covered(name, this.#dnames)) continue;
      const inChild = this.#cuts.some((cut) => isAtOrBelow(name, cut));
      if (!inChild || random.chance(0.15)) return name;
    }
    return this.#origin;
  }

  /** Adds one name with its RRsets. */
  #grow(): void {
    const random = this.#random;
    let parent = this.#parent();
    // Names between this one and its parent own nothing: empty non-terminals.
    for (
      let i = random.weighted([
        [6, 0],
        [3, 1],
        [1, 3],
      ] as const);
      i > 0;
      i--
    ) {
      const label = random.chance(0.1) ? '*' : this.#label();
      parent = this.#child(parent, label) ?? parent;
    }
    const wild = random.chance(0.16);
    const name = this.#child(parent, wild ? '*' : this.#label());
    if (name === undefined || !this.#isFree(name)) return;
    const kind = random.weighted([
      [10, 'plain'],
      [4, 'cname'],
      [3, 'dname'],
      [6, 'cut'],
    ] as const);
    if (kind === 'plain') this.#host(name);
    else if (kind === 'cname') this.#set(name, T.CNAME, [nameToText(this.#anyName())]);
    else if (kind === 'cut' && !wild) this.#delegate(name);
    else if (wild && !random.chance(0.05)) this.#host(name);
    else this.#dname(name);
  }

  #host(name: Name): void {
    const random = this.#random;
    for (
      let i = random.weighted([
        [5, 1],
        [3, 2],
        [1, 5],
      ] as const);
      i > 0;
      i--
    )
      this.#plain(name);
  }

  #plain(name: Name): void {
    const random = this.#random;
    const type = random.weighted(PLAIN.map(([weight, t]) => [weight, t] as const));
    this.#records(
      name,
      type,
      random.weighted([
        [6, 1],
        [3, 2],
        [1, 5],
      ] as const),
    );
  }

  #records(name: Name, type: number, count: number): void {
    const make = makerOf(type);
    const rdata: string[] = [];
    for (let i = 0; i < count; i++) rdata.push(make(this.#random, () => this.#anyName(), i));
    this.#set(name, type, rdata);
  }

  #addresses(name: Name): void {
    if (this.#nodes.get(nameKey(name))?.rrsets.has(T.CNAME)) return;
    const which = this.#random.below(3);
    if (which !== 0) this.#records(name, T.A, 1 + this.#random.below(2));
    if (which !== 1) this.#records(name, T.AAAA, 1);
  }

  /** A target in the zone, at its apex, or above it: the name that such a DNAME makes can be in the zone again. */
  #dnameTarget(): Name {
    const random = this.#random;
    const where = random.weighted([
      [5, 'any'],
      [3, 'above'],
      [1, 'apex'],
      [1, 'root'],
    ] as const);
    if (where === 'above') return this.#origin.slice(random.between(1, this.#origin.length));
    if (where === 'root') return [];
    return where === 'apex' ? this.#origin : this.#anyName();
  }

  /** A DNAME to an ancestor of the zone, and at times an alias that goes through it. */
  #climb(): void {
    const random = this.#random;
    const name = this.#child(this.#origin, `up${random.below(10)}`);
    if (name === undefined || !this.#isFree(name)) return;
    const target = this.#origin.slice(random.between(1, this.#origin.length));
    this.#set(name, T.DNAME, [nameToText(target)]);
    this.#dnames.push(name);
    const below = this.#anyName();
    const through = [...below.slice(0, below.length - target.length), ...name];
    if (!isAtOrBelow(below, this.#origin) || wireLength(through) > 255 || random.chance(0.4)) return;
    const alias = this.#child(this.#origin, `climber${random.below(10)}`);
    if (alias !== undefined && this.#isFree(alias)) this.#set(alias, T.CNAME, [nameToText(through)]);
  }

  #dname(name: Name): void {
    for (const node of this.#nodes.values()) if (isBelow(node.name, name)) return;
    const long = this.#random.chance(0.2);
    const target = long
      ? ['T'.repeat(63), 'T'.repeat(63), 'T'.repeat(this.#random.between(40, 63)), 'example']
      : this.#dnameTarget();
    this.#set(name, T.DNAME, [nameToText(target)]);
    if (this.#random.chance(0.3)) this.#plain(name);
    this.#dnames.push(name);
  }

  #delegate(name: Name): void {
    const random = this.#random;
    if (nameKey(name) === nameKey(this.#origin) || this.#nodes.get(nameKey(name))?.rrsets.has(T.CNAME)) return;
    const many = random.chance(0.15);
    const servers: Name[] = [];
    for (let i = many ? random.between(8, 13) : random.between(1, 3); i > 0; i--) {
      servers.push(this.#server(name, i));
    }
    this.#set(name, T.NS, servers.map(nameToText));
    for (const server of servers) {
      const below = isBelow(server, this.#origin) && !this.#covered(server, this.#dnames);
      if (below && random.chance(many ? 1 : 0.85)) this.#addresses(server);
    }
    if (random.chance(0.45)) {
      const digests = random.chance(0.2) ? 2 : 1;
      this.#set(
        name,
        T.DS,
        Array.from({ length: digests }, () => `${random.below(65_536)} 13 2 ${hex(random, 32)}`),
      );
    }
    this.#cuts.push(name);
    // Records below a cut other than glue are occluded: no answer may hold them.
    for (
      let i = random.weighted([
        [4, 0],
        [3, 1],
        [1, 3],
      ] as const);
      i > 0;
      i--
    ) {
      const below = this.#child(name, random.chance(0.2) ? '*' : this.#label());
      if (below === undefined || !this.#isFree(below)) continue;
      const kind = random.weighted([
        [6, 'plain'],
        [1, 'cname'],
        [1, 'cut'],
      ] as const);
      if (kind === 'cname') this.#set(below, T.CNAME, [nameToText(this.#anyName())]);
      else if (kind === 'cut' && below[0] !== '*') this.#set(below, T.NS, [nameToText(this.#anyName())]);
      else this.#plain(below);
    }
  }

  /** A name server of the zone cut at `cut`. */
  #server(cut: Name, number: number): Name {
    const random = this.#random;
    const label = `ns${number}`;
    switch (
      random.weighted([
        [8, 'in'],
        [2, 'cut'],
        [3, 'sibling'],
        [2, 'parent'],
        [2, 'outside'],
        [1, 'deep'],
      ] as const)
    ) {
      case 'in':
        return this.#child(cut, label) ?? cut;
      case 'deep':
        return this.#child([this.#label(), ...cut], label) ?? cut;
      case 'cut':
        return cut;
      case 'sibling':
        return this.#cuts.length > 0 ? (this.#child(random.pick(this.#cuts), label) ?? cut) : cut;
      case 'parent':
        return [label, ...this.#origin];
      case 'outside':
        return random.pick(OUTSIDE);
    }
  }

  #makeLarge(): void {
    const random = this.#random;
    const parent = random.chance(0.5) ? this.#origin : this.#parent();
    const name = this.#child(parent, random.chance(0.3) ? '*' : `large${random.below(100)}`);
    if (name === undefined || !this.#isFree(name)) return;
    const type = random.pick([T.A, T.AAAA, T.TXT, T.MX, T.SRV]);
    if (type === T.A) {
      this.#set(
        name,
        T.A,
        Array.from({ length: random.between(25, 120) }, (_, i) => `198.51.100.${i}`),
      );
    } else {
      // Knot 3.2.6 never ends on some signed answers with some 35 MX targets in the zone (it comes back restarted).
      const targets = type === T.MX || type === T.SRV;
      this.#records(name, type, targets ? random.between(10, 18) : random.between(12, 45));
    }
    if (random.chance(0.3)) this.#host(name);
    if (random.chance(0.5)) {
      const alias = this.#child(this.#origin, `alias${random.below(100)}`);
      if (alias !== undefined && this.#isFree(alias)) this.#set(alias, T.CNAME, [nameToText(name)]);
    }
    this.#large.push(name);
  }

  /** Chains that end, chains that loop, and at times one that is longer than any server follows. */
  #chains(): void {
    const random = this.#random;
    for (let c = random.between(0, 2); c > 0; c--) {
      const length = random.chance(0.1) ? random.between(12, 24) : random.between(2, 6);
      const stem = `chain${random.below(1000)}-`;
      const last = random.chance(0.3) ? [`${stem}${random.below(length)}`, ...this.#origin] : this.#anyName();
      for (let i = 0; i < length; i++) {
        const target = i + 1 < length ? [`${stem}${i + 1}`, ...this.#origin] : last;
        const name = [`${stem}${i}`, ...this.#origin];
        if (this.#isFree(name)) this.#set(name, T.CNAME, [nameToText(target)]);
      }
    }
  }
}
