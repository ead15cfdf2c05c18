/** Zones and questions by chance, for comparing engines: the same seed gives the same ones. */
import { fromWire, isWithin, keyOf, type Name, nameOf } from './names.js';
import { type Rr, readRecords } from './zone.js';

/** Numbers by chance; `below(n)` is a whole number in 0 … n - 1. */
export interface Chance {
  below(n: number): number;
  of<T>(choices: readonly [T, ...T[]]): T;
  /** True in `percent` of 100 cases. */
  percent(percent: number): boolean;
}

/** A linear congruential generator of 32 bits whose high bits are used (Numerical Recipes' constants). */
export function chanceOf(seed: number): Chance {
  let state = seed >>> 0;
  const below = (n: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  return {
    below,
    of: (choices) => choices[below(choices.length)] ?? choices[0],
    percent: (percent) => below(100) < percent,
  };
}

/** Few labels, so that names meet; one with a dot in it, one with a NUL, one of 63 octets. */
const LABELS = ['a', 'b', 'c', 'D', 'e', 'www', 'x\\.y', '\\000', 'L'.repeat(63)] as const;
/** Characters of a name; `\000` and `x\.y` have more characters than octets. */
const LONGEST = 200;
const TTLS = [60, 300, 3600] as const;

/** A name in `origin`: up to `depth` labels, some of them `*`. */
function someName(chance: Chance, origin: string, depth: number, wildcards = true): string {
  let name = origin;
  for (let i = 1 + chance.below(depth); i > 0; i--) {
    const label = wildcards && i === 1 && chance.percent(20) ? '*' : chance.of(LABELS);
    if (name.length + label.length > LONGEST) break;
    name = name === '.' ? `${label}.` : `${label}.${name}`;
  }
  return name;
}

function target(chance: Chance, origin: string): string {
  if (chance.percent(10)) return someName(chance, 'elsewhere.example.', 2, false);
  return chance.percent(10) ? origin : someName(chance, origin, 3, false);
}

/** A DNAME's target: above the zone, too, from where the name that it makes can lead back. */
function dnameTarget(chance: Chance, origin: string): string {
  if (chance.percent(65)) return target(chance, origin);
  const labels = origin.split('.').slice(0, -1);
  return `${labels.slice(1 + chance.below(labels.length || 1)).join('.')}.`;
}

function dataFor(chance: Chance, origin: string): string {
  const kind = chance.below(14);
  if (kind < 3) return `A 192.0.2.${chance.below(4)}`;
  if (kind < 5) return `AAAA 2001:db8::${chance.below(4)}`;
  if (kind < 7) return `TXT "${chance.below(3)}"`;
  if (kind === 7) return `MX ${chance.below(3)} ${target(chance, origin)}`;
  if (kind === 8) return `SRV 0 0 53 ${target(chance, origin)}`;
  if (kind === 9) return `TYPE65280 \\# 1 0${chance.below(3)}`;
  if (kind === 10) return `PTR ${target(chance, origin)}`;
  if (kind === 11) return `HINFO "a" "b"`;
  const service = chance.of(['SVCB', 'HTTPS', 'HTTPS'] as const);
  return `${service} ${chance.below(3)} ${chance.percent(20) ? '.' : target(chance, origin)}`;
}

/** Records of a delegation: servers, some below the cut with glue, DS at times, occluded data at times. */
function delegation(chance: Chance, origin: string, cut: string): string[] {
  const lines: string[] = [];
  for (let i = 1 + chance.below(3); i > 0; i--) {
    const below = chance.percent(50);
    const server = below ? (chance.percent(20) ? cut : someName(chance, cut, 1, false)) : target(chance, origin);
    lines.push(`${cut} 300 IN NS ${server}`);
    if (below) lines.push(`${server} 300 IN A 198.51.100.${chance.below(4)}`);
    if (below && chance.percent(30)) lines.push(`${server} 300 IN AAAA 2001:db8:1::${chance.below(4)}`);
  }
  if (chance.percent(50)) lines.push(`${cut} 300 IN DS ${chance.below(9)} 13 2 ${'ab'.repeat(32)}`);
  if (chance.percent(20)) lines.push(`${someName(chance, cut, 2)} 300 IN TXT "occluded"`);
  return lines;
}

/** The records of a zone that a loader takes without error. */
export function generateZone(chance: Chance, apex: string): Rr[] {
  const lines: string[] = [];
  for (let i = 2 + chance.below(24); i > 0; i--) {
    const owner = someName(chance, apex, 4);
    const ttl = chance.of(TTLS);
    const kind = chance.below(20);
    if (kind < 3 && !owner.startsWith('*')) lines.push(...delegation(chance, apex, owner));
    else if (kind < 8) lines.push(`${owner} ${ttl} IN CNAME ${target(chance, apex)}`);
    else if (kind < 10 && !owner.startsWith('*')) lines.push(`${owner} ${ttl} IN DNAME ${dnameTarget(chance, apex)}`);
    else lines.push(`${owner} ${ttl} IN ${dataFor(chance, apex)}`);
  }
  if (chance.percent(5)) lines.push(`${apex} 300 IN DNAME ${dnameTarget(chance, apex)}`);
  const minimum = chance.of([5, 300, 7200] as const);
  const soa = `${apex} 3600 IN SOA ${someName(chance, apex, 1, false)} h.${apex === '.' ? '' : apex} 1 2 3 4 ${minimum}`;
  const [first, ...others] = readRecords([soa, `${apex} 3600 IN NS ${target(chance, apex)}`, ...lines].join('\n'));
  return first ? consistent(first.owner, [first, ...others]) : [];
}

const NS = 2;
const CNAME = 5;
const DNAME = 39;
const DS = 43;

/** Leaves out records that a loader refuses: data beside a CNAME, second CNAMEs, names below a DNAME, NS and DNAME together. */
function consistent(apex: Name, all: readonly Rr[]): Rr[] {
  const kept: Rr[] = [];
  const at = (rr: Rr): Rr[] => kept.filter((other) => keyOf(other.owner) === keyOf(rr.owner));
  for (const rr of all) {
    const beside = at(rr);
    const key = (other: Rr): string => `${other.type} ${Buffer.from(other.rdata).toString('hex')}`;
    if (beside.some((other) => key(other) === key(rr))) continue;
    if (beside.some((other) => other.type === CNAME) || (rr.type === CNAME && beside.length > 0)) continue;
    const below = kept.some((other) => other.type === DNAME && isBelow(rr.owner, other.owner));
    const above = rr.type === DNAME && kept.some((other) => isBelow(other.owner, rr.owner));
    if (below || above) continue;
    const isApex = rr.owner.length === apex.length;
    if (rr.type === DNAME && beside.some((other) => other.type === DNAME || (other.type === NS && !isApex))) continue;
    if (rr.type === NS && !isApex && beside.some((other) => other.type === DNAME)) continue;
    const ttl = beside.find((other) => other.type === rr.type)?.ttl ?? rr.ttl;
    kept.push({ ...rr, ttl });
  }
  const cuts = new Set(kept.filter((rr) => rr.type === NS).map((rr) => keyOf(rr.owner)));
  return kept.filter((rr) => rr.type !== DS || cuts.has(keyOf(rr.owner)));
}

function isBelow(name: Name, ancestor: Name): boolean {
  return name.length > ancestor.length && isWithin(name, ancestor);
}

/** A name below a DNAME that leads to an owner of the zone, if there is such a DNAME. */
function throughDname(chance: Chance, records: readonly Rr[]): Name | undefined {
  const dnames = records.filter((rr) => rr.type === DNAME);
  const to = records[chance.below(records.length)]?.owner;
  const dname = dnames[chance.below(dnames.length)];
  if (to === undefined || dname === undefined) return undefined;
  const target = fromWire(dname.rdata);
  return isWithin(to, target) ? [...to.slice(0, to.length - target.length), ...dname.owner] : undefined;
}

const QUERY_TYPES = [
  1, 1, 1, 28, 2, 5, 6, 12, 15, 16, 33, 64, 65, 65, 39, 43, 43, 46, 47, 48, 50, 51, 255, 255, 65280, 0, 254,
] as const;

/** A question near the zone's data, in letters of either case. */
export function generateQuestion(
  chance: Chance,
  zones: readonly (readonly Rr[])[],
): { name: Name; type: number; dnssecOk: boolean } {
  const records = zones[chance.below(zones.length)] ?? [];
  const owner = records[chance.below(records.length)]?.owner ?? [];
  const kind = chance.below(10);
  const prefix = nameOf(someName(chance, '.', 2));
  let name: Name = owner;
  if (kind < 3) name = [...prefix, ...owner];
  else if (kind < 5) name = [...prefix, ...owner.slice(1)];
  else if (kind === 5) name = owner.slice(chance.below(owner.length + 1));
  else if (kind === 6) name = throughDname(chance, records) ?? owner;
  else if (kind === 7) name = [...Array.from({ length: 3 }, () => 'l'.repeat(60)), ...owner].slice(-6);
  while (name.reduce((sum, label) => sum + label.length + 1, 1) > 255) name = name.slice(1);
  const mixed = name.map((label) => (chance.percent(30) ? label.toUpperCase() : label));
  return { name: mixed, type: chance.of(QUERY_TYPES), dnssecOk: chance.percent(60) };
}
