/** The NSEC and NSEC3 records of a denial (RFC 4035 §3.1.3, RFC 5155 §7.2), found by searching all records. */
import { createHash } from 'node:crypto';
import { toBase32 } from '../support/rdata-fields.js';
import { compareNames, keyOf, lower, type Name, toWire } from './names.js';
import { NSEC, type Rr, rrset, signatures, type Zone } from './zone.js';

/** RFC 5155 §5, as the text of an owner's first label in lower case. */
export function nsec3Label(name: Name, salt: Uint8Array, iterations: number): string {
  let digest = createHash('sha1')
    .update(toWire(name.map(lower)))
    .update(salt)
    .digest();
  for (let i = 0; i < iterations; i++) digest = createHash('sha1').update(digest).update(salt).digest();
  return lower(toBase32(digest));
}

/** The NSEC that matches the name or covers it: the last one at or before it in canonical order. */
function nsecOf(zone: Zone, name: Name): Rr[] {
  const owners = [...zone.records.values()].flat().filter((rr) => rr.type === NSEC);
  const before = owners.filter((rr) => compareNames(rr.owner, name) <= 0);
  const last = before.sort((a, b) => compareNames(a.owner, b.owner)).at(-1);
  return last ? [...rrset(zone, last.owner, NSEC), ...signatures(zone, last.owner, NSEC)] : [];
}

function hash(zone: Zone, name: Name): string {
  const parameters = zone.nsec3Parameters;
  return parameters ? nsec3Label(name, parameters.salt, parameters.iterations) : '';
}

/** The NSEC3 whose owner is the hash of the name; none for a name that opt-out leaves out. */
function nsec3Match(zone: Zone, name: Name): Rr[] {
  return [...(zone.nsec3.get(hash(zone, name)) ?? [])];
}

/** The NSEC3 that covers the hash of the name, or matches it. */
function nsec3Cover(zone: Zone, name: Name): Rr[] {
  const wanted = hash(zone, name);
  // Base32hex keeps the order of the octets.
  const owners = [...zone.nsec3.keys()].sort();
  const owner = owners.filter((label) => label <= wanted).at(-1) ?? owners.at(-1);
  return [...(zone.nsec3.get(owner ?? '') ?? [])];
}

const usesNsec3 = (zone: Zone): boolean => zone.nsec3Parameters !== undefined;

/** The closest ancestor of `name` (or itself) that exists and has an NSEC3, with the name below it towards `name`. */
function closestProvable(zone: Zone, name: Name): { encloser: Name; nextCloser: Name } {
  let cut = 0;
  const provable = (n: Name): boolean => zone.existing.has(keyOf(n)) && nsec3Match(zone, n).length > 0;
  while (cut < name.length - zone.apex.length && !provable(name.slice(cut))) cut++;
  return { encloser: name.slice(cut), nextCloser: name.slice(Math.max(0, cut - 1)) };
}

/** `name` exists, but not with the type: NODATA, or a cut without DS, or an empty non-terminal. */
export function proveNodata(zone: Zone, name: Name): Rr[] {
  if (!usesNsec3(zone)) return nsecOf(zone, name);
  const match = nsec3Match(zone, name);
  if (match.length > 0) return match;
  const { encloser, nextCloser } = closestProvable(zone, name);
  return [...nsec3Match(zone, encloser), ...nsec3Cover(zone, nextCloser)];
}

/** Proves that `nextCloser` does not exist, for a wildcard answer. */
export function proveNoCloser(zone: Zone, nextCloser: Name): Rr[] {
  if (!usesNsec3(zone)) return nsecOf(zone, nextCloser);
  const encloser = nextCloser.slice(1);
  // An encloser that opt-out leaves out of the chain proves nothing: the closest one in it does (RFC 5155 §7.2.1).
  return nsec3Match(zone, encloser).length > 0 ? nsec3Cover(zone, nextCloser) : proveNodata(zone, encloser);
}

/** The wildcard of `encloser` matches, but has not the type; the next closer name is proved apart. */
export function proveWildcardNodata(zone: Zone, encloser: Name): Rr[] {
  const own = proveNodata(zone, ['*', ...encloser]);
  return usesNsec3(zone) ? [...proveNodata(zone, encloser), ...own] : own;
}

/** Neither `name` exists nor a wildcard that could make it. */
export function proveNxdomain(zone: Zone, name: Name, encloser: Name): Rr[] {
  if (!usesNsec3(zone)) return [...nsecOf(zone, name), ...nsecOf(zone, ['*', ...encloser])];
  const provable = closestProvable(zone, name);
  return [
    ...nsec3Match(zone, provable.encloser),
    ...nsec3Cover(zone, provable.nextCloser),
    ...nsec3Cover(zone, ['*', ...provable.encloser]),
  ];
}

/** Whether the zone has records for denial of existence. */
export function canDeny(zone: Zone): boolean {
  return usesNsec3(zone) || rrset(zone, zone.apex, NSEC).length > 0;
}
