/**
 * Versions of a random zone as text, for property tests: each follows from the one before by a few edits. A zone has what an
 * image treats differently: delegations with glue, wildcards, empty non-terminals, DNAME, each type of the RDATA table, odd
 * labels and letter case; unsigned, or with NSEC or NSEC3 and signatures. Signatures are made up: the same RRset always has the
 * same one. A zone is a function of its seed.
 */
import { createHash } from 'node:crypto';
import { encodeBase32hex } from '../../../src/protocol/base32hex.js';
import { nameFromText, nameKey, nameToText } from '../../../src/protocol/name.js';
import { nsec3Hash } from '../../../src/protocol/nsec3.js';
import { type Case, cases } from '../../protocol/rdata/cases.js';
import { randomFrom } from '../../zone/random-zone.js';

const ORIGIN = 'Example.';
const LABELS = ['a', 'B', 'www', 'WWW', '*', '_tcp', 'x-1', '\\.', 'a\\.b', '\\000', '\\255', 'zz', 'Mail', 'ns9'];
const TTLS = [0, 60, 300, 3600, 86_400];
/** Types that may stand at any name beside others. */
const BESIDE = new Set(['SOA', 'NS', 'CNAME', 'DNAME', 'DS', 'NSEC', 'NSEC3', 'NSEC3PARAM', 'RRSIG', 'TYPE1']);
const ANYWHERE = cases.filter(({ type }) => !BESIDE.has(type));
const TARGETS = ['www', 'WWW.Example.', 'ns9.a', 'example.net.', 'Mail.EXAMPLE.', 'a', '*.a', 'deep.er.a'];
const SIGNINGS = ['unsigned', 'NSEC', 'NSEC3', 'NSEC3 twice'] as const;

interface Rrset {
  ttl: number;
  readonly rdata: string[];
}

/** A version of the zone before signing. */
export interface ZoneVersion {
  serial: number;
  signing: (typeof SIGNINGS)[number];
  salt: string;
  /** Owner in presentation format, absolute → type → RRset. */
  readonly names: Map<string, Map<string, Rrset>>;
}

/** What the zones may have, where not every reader takes all of it. */
export interface ZoneContent {
  /** Whether a record may stand at any name. */
  readonly isUsed?: (record: Case) => boolean;
  /** NS records at wildcards. */
  readonly hasWildcardCuts?: boolean;
}

export class ZoneVersions {
  readonly #random: () => number;
  readonly #records: readonly Case[];
  readonly #hasWildcardCuts: boolean;

  constructor(seed: number, { isUsed = () => true, hasWildcardCuts = true }: ZoneContent = {}) {
    this.#random = randomFrom(seed);
    this.#records = ANYWHERE.filter(isUsed);
    this.#hasWildcardCuts = hasWildcardCuts;
  }

  first(): ZoneVersion {
    const zone: ZoneVersion = {
      serial: 4_294_967_290 + Math.floor(this.#random() * 5),
      signing: this.#pick(SIGNINGS),
      salt: this.#pick(['-', 'AABB']),
      names: new Map(),
    };
    this.#set(zone, ORIGIN, 'NS', ['ns1', 'NS2.example.', 'ns.example.net.']);
    this.#set(zone, 'ns1.Example.', 'A', ['192.0.2.1', '192.0.2.2']);
    this.#set(zone, 'NS2.Example.', 'AAAA', ['2001:db8::2']);
    const size = 5 + Math.floor(this.#random() * 40);
    for (let i = 0; i < size; i++) this.#add(zone);
    return zone;
  }

  /** Another version, with a few edits. */
  next(before: ZoneVersion): ZoneVersion {
    const names = new Map(
      [...before.names].map(([owner, sets]) => [
        owner,
        new Map([...sets].map(([type, { ttl, rdata }]) => [type, { ttl, rdata: [...rdata] }])),
      ]),
    );
    const zone = { ...before, names, serial: (before.serial + 1 + Math.floor(this.#random() * 5)) >>> 0 };
    const edits = Math.floor(this.#random() * 8);
    for (let i = 0; i < edits; i++) this.#edit(zone);
    return zone;
  }

  /** The version as a zone file; names are relative to `example.`. */
  text(zone: ZoneVersion): string {
    const soa = `ns1 Host.example. ${zone.serial} 7200 900 1209600 300`;
    const names = new Map(zone.names);
    names.set(ORIGIN, new Map([...(names.get(ORIGIN) ?? []), ['SOA', { ttl: 3600, rdata: [soa] }]]));
    const lines = linesOf(zone.signing === 'unsigned' ? names : signed(names, zone.signing, zone.salt));
    // Half of the files are in another order than the canonical one.
    return `${(this.#random() < 0.5 ? lines : this.#shuffled(lines)).join('\n')}\n`;
  }

  #shuffled(lines: readonly string[]): string[] {
    return lines
      .map((line) => ({ line, key: this.#random() }))
      .sort((a, b) => a.key - b.key)
      .map(({ line }) => line);
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)]!;
  }

  #name(): string {
    if (this.#random() < 0.05) return ORIGIN;
    const labels = Array.from({ length: 1 + Math.floor(this.#random() * 3) }, () => this.#pick(LABELS));
    return `${labels.join('.')}.${this.#pick([ORIGIN, 'example.'])}`;
  }

  /** Sets an RRset unless the zone would be refused with it. */
  #set(zone: ZoneVersion, name: string, type: string, rdata: readonly string[]): void {
    const key = keyOf(name);
    const known = [...zone.names.keys()].find((other) => keyOf(other) === key) ?? name;
    const sets = zone.names.get(known) ?? new Map<string, Rrset>();
    const isAlone = (other: string): boolean => other === 'CNAME' || other === 'DNAME';
    if ([...sets.keys()].some(isAlone) || (isAlone(type) && (sets.size > 0 || known === ORIGIN))) return;
    const isBelow = (other: string, above: string): boolean => keyOf(other).endsWith(`.${keyOf(above)}`);
    const dnames = [...zone.names].filter(([, own]) => own.has('DNAME')).map(([owner]) => owner);
    if (dnames.some((owner) => isBelow(known, owner))) return;
    if (type === 'DNAME' && [...zone.names.keys()].some((owner) => isBelow(owner, known))) return;
    sets.set(type, { ttl: this.#pick(TTLS), rdata: [...rdata] });
    zone.names.set(known, sets);
  }

  #add(zone: ZoneVersion): void {
    const chance = this.#random();
    const name = this.#name();
    if (chance < 0.1 && name !== ORIGIN && (this.#hasWildcardCuts || !name.startsWith('*.'))) {
      this.#set(zone, name, 'NS', [`ns.${name}`, this.#pick(TARGETS)]);
      if (this.#random() < 0.7) this.#set(zone, `ns.${name}`, 'A', ['192.0.2.3']);
      if (this.#random() < 0.5) this.#set(zone, name, 'DS', [`1 8 2 ${'ab'.repeat(32)}`]);
    } else if (chance < 0.15) {
      this.#set(zone, name, 'CNAME', [this.#pick(TARGETS)]);
    } else if (chance < 0.2) {
      this.#set(zone, name, 'DNAME', [this.#pick(TARGETS)]);
    } else if (chance < 0.4) {
      const count = 1 + Math.floor(this.#random() * 4);
      const targets = Array.from({ length: count }, (_, i) => `${i * 10} ${this.#pick(TARGETS)}`);
      this.#set(zone, name, 'MX', targets);
    } else if (chance < 0.45) {
      const count = 30 + Math.floor(this.#random() * 30);
      this.#set(
        zone,
        name,
        'A',
        Array.from({ length: count }, () => `198.51.100.${Math.floor(this.#random() * 200)}`),
      );
    } else {
      const { type, text } = this.#pick(this.#records);
      this.#set(zone, name, type, [text]);
    }
  }

  #edit(zone: ZoneVersion): void {
    const chance = this.#random();
    const others = [...zone.names.keys()].filter((owner) => owner !== ORIGIN);
    if (others.length === 0) {
      this.#add(zone);
      return;
    }
    const name = this.#pick(others);
    const sets = zone.names.get(name)!;
    const set = this.#pick([...sets.values()]);
    if (chance < 0.35) this.#add(zone);
    else if (chance < 0.5) sets.delete(this.#pick([...sets.keys()]));
    else if (chance < 0.6) set.ttl = this.#pick(TTLS);
    else if (chance < 0.7 && set.rdata.length > 1) set.rdata.splice(Math.floor(this.#random() * set.rdata.length), 1);
    else if (chance < 0.8) this.#respell(zone, name);
    else if (chance < 0.85) zone.names.delete(name);
    else if (chance < 0.9) zone.signing = this.#pick(SIGNINGS);
    else if (chance < 0.95) zone.salt = this.#pick(['-', 'CC', 'AABB']);
    else if (sets.has('MX')) sets.get('MX')!.rdata.push(`7 ${this.#pick(TARGETS)}`);
    if (sets.size === 0) zone.names.delete(name);
  }

  /** Gives a name another letter case. */
  #respell(zone: ZoneVersion, name: string): void {
    const sets = zone.names.get(name)!;
    zone.names.delete(name);
    const label = name.slice(0, name.indexOf('.'));
    const other = label === label.toLowerCase() ? label.toUpperCase() : label.toLowerCase();
    zone.names.set(`${other}${name.slice(label.length)}`, sets);
  }
}

const keys = new Map<string, string>();

/** A name in lower case. */
function keyOf(name: string): string {
  let key = keys.get(name);
  if (key === undefined) keys.set(name, (key = nameKey(nameFromText(name))));
  return key;
}

function linesOf(names: ReadonlyMap<string, ReadonlyMap<string, Rrset>>): string[] {
  return [...names].flatMap(([owner, sets]) =>
    [...sets].flatMap(([type, { ttl, rdata }]) =>
      rdata.map((data) => `${owner} ${ttl} IN ${type.replace(/ .*/, '')} ${data}`),
    ),
  );
}

/** Labels of a name from the root down, in lower case. */
function pathOf(name: string): string {
  const wire = nameFromText(name);
  const labels: string[] = [];
  for (let at = 0; wire[at] !== 0; at += wire[at]! + 1)
    labels.unshift(
      Buffer.from(wire.subarray(at + 1, at + 1 + wire[at]!))
        .toString('latin1')
        .toLowerCase(),
    );
  return labels.join('\u0000');
}

/** The zone with a chain, and a signature at each RRset. */
function signed(
  names: ReadonlyMap<string, ReadonlyMap<string, Rrset>>,
  signing: Exclude<ZoneVersion['signing'], 'unsigned'>,
  salt: string,
): Map<string, Map<string, Rrset>> {
  const all = new Map([...names].map(([owner, sets]) => [owner, new Map(sets)]));
  const cuts = [...names].filter(([owner, sets]) => sets.has('NS') && owner !== ORIGIN).map(([owner]) => pathOf(owner));
  const isOwn = (owner: string): boolean => !cuts.some((cut) => pathOf(owner).startsWith(`${cut}\u0000`));
  const own = [...names.keys()].filter(isOwn);
  if (signing === 'NSEC') addNsec(all, own);
  else addNsec3(all, own, salt);
  if (signing === 'NSEC3 twice') addNsec3(all, own.slice(0, 3), 'FFFF', false);
  for (const [owner, sets] of all) {
    if (!isOwn(owner)) continue;
    // A signature over nothing, and one over each RRset.
    const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
    const types = [...sets.keys()].filter((type) => digest(`${owner} ${type}`)[0]! > 10);
    if (digest(owner)[0]! < 20) types.push('TYPE65499');
    for (const type of types) {
      const { ttl = 60, rdata = [] } = sets.get(type) ?? {};
      const octets = digest(`${owner} ${type} ${ttl} ${rdata.join('|')}`).toString('base64');
      const signature = `${type} 13 2 ${ttl} 20370101000000 20260101000000 7 Example. ${octets}`;
      sets.set(`RRSIG ${type}`, { ttl, rdata: [signature] });
    }
  }
  return all;
}

function addNsec(all: Map<string, Map<string, Rrset>>, own: readonly string[]): void {
  const sorted = [...own].sort((a, b) =>
    Buffer.compare(Buffer.from(pathOf(a), 'latin1'), Buffer.from(pathOf(b), 'latin1')),
  );
  for (const [i, owner] of sorted.entries()) {
    const types = [...all.get(owner)!.keys(), 'RRSIG', 'NSEC'].join(' ');
    all.get(owner)!.set('NSEC', { ttl: 300, rdata: [`${sorted[(i + 1) % sorted.length]} ${types}`] });
  }
}

function addNsec3(all: Map<string, Map<string, Rrset>>, own: readonly string[], salt: string, isServed = true): void {
  const octets = salt === '-' ? new Uint8Array() : Uint8Array.from(Buffer.from(salt, 'hex'));
  const hashes = new Map<string, string>();
  const byKey = new Map([...all].map(([owner, sets]) => [keyOf(owner), sets]));
  for (const owner of own) {
    const wire = nameFromText(keyOf(owner));
    // Empty non-terminals above a name have records, too.
    for (let at = 0; wire.length - at >= nameFromText(ORIGIN).length; at += wire[at]! + 1) {
      const hash = new Uint8Array(20);
      nsec3Hash(wire, at, wire.length - at, octets, 0, octets.length, 1, hash, 0);
      const text = new Uint8Array(32);
      encodeBase32hex(hash, 0, 20, text, 0);
      const name = nameToText(wire, at);
      const sets = byKey.get(name);
      hashes.set(Buffer.from(text).toString('latin1'), [...(sets?.keys() ?? []), 'RRSIG'].join(' '));
    }
  }
  const sorted = [...hashes.keys()].sort();
  for (const [i, hash] of sorted.entries()) {
    const rdata = `1 0 1 ${salt} ${sorted[(i + 1) % sorted.length]} ${hashes.get(hash)}`;
    all.set(`${hash}.${ORIGIN}`, new Map([['NSEC3', { ttl: 300, rdata: [rdata] }]]));
  }
  if (isServed) all.get(ORIGIN)!.set('NSEC3PARAM', { ttl: 0, rdata: [`1 0 1 ${salt}`] });
}
