/**
 * Finds data of zones that require TLS in answers that need none. An answer consists of one zone's data (answer/policy.ts), so there are
 * three ways only: another zone holds records at or below such a zone, a policy names no served zone, or a zone below has no policy.
 */
import { isPattern, type PolicyChoice, patternOf, policyChoice, policyIndex } from '../config/policy-choice.js';
import type { Config } from '../config/schema.js';
import type { Loaded } from '../image/load.js';
import { Type } from '../protocol/iana.js';
import { labelOffsets, nameFromText, nameKey, nameToText } from '../protocol/name.js';
import { typeToText } from '../protocol/rdata/table.js';
import { type Diagnostic, Diagnostics } from '../zone/diagnostics.js';
import { Report } from '../zone/record-report.js';
import { findRrset, type Rrsets } from '../zone/rrsets.js';
import { NO_NODE, ROOT_NODE } from '../zone/store.js';
import { namesOf, type PlaceOf, unservedPolicies } from './policies.js';

type Policies = Config['zones']['policies'];

/** Zones that require TLS; names are absolute and in lower case. */
interface TlsZones {
  readonly names: ReadonlySet<string>;
  /** The zones below each name. */
  readonly below: ReadonlyMap<string, readonly string[]>;
}

/** The zones for which the policies require TLS: those that policies name, and those among `zones` (keys of names) that have such a policy. */
export function tlsZones(policies: Policies, zones: Iterable<string>): TlsZones {
  const choice = policyChoice(policies);
  const named = [...choice.names.keys()].filter((name) => !isPattern(name));
  const names = new Set([...named, ...zones].filter((name) => requiresTls(policies, choice, name)));
  const below = new Map<string, string[]>();
  for (const name of names) {
    for (const above of namesAbove(name)) below.set(above, [...(below.get(above) ?? []), name]);
  }
  return { names, below };
}

function requiresTls(policies: Policies, choice: PolicyChoice, zone: string): boolean {
  return policies[policyIndex(choice, zone)]?.require === 'tls';
}

/** The names above a name, up to the root. */
function namesAbove(name: string): string[] {
  const wire = nameFromText(name);
  const offsets = [...labelOffsets(wire).slice(1), wire.length - 1];
  return name === '.' ? [] : offsets.map((offset) => nameToText(wire.subarray(offset)));
}

/** A warning, up to `limit`, for each RRset that the zone sends in cleartext although its name is in a zone that requires TLS. */
export function leaksOfZone({ apex, rrsets }: Loaded, { names, below }: TlsZones, limit: number): Diagnostics {
  const found = new Diagnostics(limit);
  const zone = apex && nameKey(apex);
  if (zone === undefined || names.has(zone)) return found;
  for (const name of below.get(zone) ?? []) reportLeaks(rrsets, name, found);
  return found;
}

/** Warns of the RRsets at and below `name` that answers can contain. */
function reportLeaks(rrsets: Rrsets, name: string, found: Diagnostics): void {
  const { store } = rrsets;
  const report = new Report(store, found);
  const wire = nameFromText(name);
  let top = ROOT_NODE;
  /** A delegation is in between: of the records below it, only glue is sent. */
  let cut = false;
  for (const offset of labelOffsets(wire).toReversed()) {
    top = store.find(top, wire, offset);
    if (top === NO_NODE) return;
    // NS at the apex of the zone delegates nothing.
    cut ||= findRrset(rrsets, top, Type.NS) >= 0 && findRrset(rrsets, top, Type.SOA) < 0;
  }
  const isBelow = new Uint8Array(store.nodeCount);
  for (let node = top; node < store.nodeCount; node++) {
    isBelow[node] = node === top || isBelow[store.parent[node]!] === 1 ? 1 : 0;
    if (isBelow[node] === 0) continue;
    for (let set = rrsets.nodeRrsets[node]!; set < rrsets.nodeRrsets[node + 1]!; set++) {
      const type = rrsets.type[set]!;
      const isAddress = type === Type.A || type === Type.AAAA;
      if (cut ? !isAddress : OF_THE_ZONE_ABOVE.has(type)) continue;
      const row = rrsets.records[rrsets.start[set]!]!;
      const what = cut ? 'glue, which is sent in cleartext' : 'which is sent in cleartext where an alias leads to it';
      report.warning(
        row,
        () => `found ${report.owner(row)} ${typeToText(type)}, ${what}, but zone ${name} requires TLS (zones.policies)`,
      );
    }
  }
}

/** Types that the zone above has at a delegation (RFC 4035 §2.3 and §2.5). */
const OF_THE_ZONE_ABOVE: ReadonlySet<number> = new Set([Type.NSEC, Type.RRSIG]);

/** Mistakes in the policies themselves. `served`: names of the zones, absolute and in lower case. */
export function policyMistakes(policies: Policies, served: ReadonlySet<string>, placeOf: PlaceOf): Diagnostic[] {
  const choice = policyChoice(policies);
  const open = openBelow(served, tlsZones(policies, served).names);
  const places = new Map(namesOf(policies).map((one) => [one.name, one]));
  const exposed = [...open].flatMap(([name, others]): Diagnostic[] => {
    const index = policyIndex(choice, name);
    const fallback = { path: ['zones', 'policies', index], text: `zones.policies[${index}]` };
    const { path, text } = places.get(name) ?? places.get(patternOf(choice, name) ?? '') ?? fallback;
    return others.map((other) => {
      const message = `${text}: ${name} requires TLS, but ${other} below it is answered in cleartext; name it too, unless this is intended`;
      return { ...placeOf(path), severity: 'warning', message };
    });
  });
  return [...unservedPolicies(policies, served, placeOf), ...exposed];
}

/** Zones that are answered in cleartext, by the closest zone above each of them, if that one requires TLS. */
function openBelow(served: ReadonlySet<string>, secret: ReadonlySet<string>): Map<string, string[]> {
  const open = new Map<string, string[]>();
  if (secret.size === 0) return open;
  for (const name of served) {
    if (secret.has(name)) continue;
    const above = namesAbove(name).find((one) => served.has(one));
    if (above !== undefined && secret.has(above)) open.set(above, [...(open.get(above) ?? []), name]);
  }
  return open;
}
