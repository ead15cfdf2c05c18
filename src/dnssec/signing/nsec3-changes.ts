/**
 * How the chain of NSEC3 records changes with the names of a zone (RFC 5155 §7.1): empty non-terminals come and go with the names
 * below them, and with opt-out, unsigned delegations have no record.
 */
import { encodeBase32hex } from '../../protocol/base32hex.js';
import { Type } from '../../protocol/iana.js';
import { labelCount } from '../../protocol/name.js';
import { NSEC3_HASH_OCTETS } from '../../protocol/nsec3.js';
import { hashOf, nsec3Rdata } from './chain-records.js';
import { changedLinks, type OldChain } from './changed-links.js';
import { namesAbove, sortKey } from './names.js';
import type { RrsetChanges } from './rrset-changes.js';
import { bitmapTypes, type ZoneChange } from './zone-change.js';

/** Characters of a hash in base32hex. */
const HASH_CHARACTERS = 32;
/** Where the next hash is in NSEC3 RDATA without salt. */
const NEXT = 6;

/** A name, and its place in the chain. */
interface Hashed {
  readonly name: Uint8Array;
  readonly hash: Uint8Array;
}

/** Changes the records of `names` and of their neighbours; `ttl` in seconds. */
export function changeNsec3(
  change: ZoneChange,
  rrsets: RrsetChanges,
  names: readonly Uint8Array[],
  ttl: number,
  isOptOut: boolean,
): void {
  const { view } = change;
  const { added, removed, changed, nameOf } = entriesOf(change, names, isOptOut);
  const key = (hash: Uint8Array): string => Buffer.from(hash).toString('latin1');
  const chain: OldChain<Uint8Array> = {
    key,
    before: (hash) => view.nsec3Before(hash).hash,
    after: (hash) => view.nsec3At(hash)!.rrset.rdata[0]!.slice(NEXT, NEXT + NSEC3_HASH_OCTETS),
  };
  const signers = rrsets.keys.zoneSigners;
  for (const { entry: hash, next } of changedLinks(chain, added, removed, changed)) {
    const old = view.nsec3At(hash);
    const name = nameOf.get(key(hash));
    // A neighbour keeps its types.
    const rdata =
      name === undefined ? withNext(old!.rrset.rdata[0]!, next) : nsec3Rdata(next, typesAt(change, name), isOptOut);
    const sets = { before: old?.rrset, after: { ttl, rdata: [rdata] } };
    rrsets.change(hashedOwner(hash, view.apex), Type.NSEC3, sets, old?.signatures ?? [], signers, true);
  }
  for (const hash of removed) {
    const old = view.nsec3At(hash)!;
    const sets = { before: old.rrset, after: undefined };
    rrsets.change(hashedOwner(hash, view.apex), Type.NSEC3, sets, old.signatures, [], true);
  }
}

/** The owner's name of the record with this hash. */
export function hashedOwner(hash: Uint8Array, apex: Uint8Array): Uint8Array {
  const owner = new Uint8Array(1 + HASH_CHARACTERS + apex.length);
  owner[0] = HASH_CHARACTERS;
  encodeBase32hex(hash, 0, NSEC3_HASH_OCTETS, owner, 1);
  owner.set(apex, 1 + HASH_CHARACTERS);
  return owner;
}

function withNext(rdata: Uint8Array, next: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(rdata);
  changed.set(next, NEXT);
  return changed;
}

/** The types of a name's bitmap. RRSIG is among them if the name has a signed RRset: an unsigned delegation has none. */
function typesAt(change: ZoneChange, name: Uint8Array): number[] {
  const state = change.after(name);
  const types = bitmapTypes(state);
  if (types.length > 0 && (!state.isCut || types.includes(Type.DS))) types.push(Type.RRSIG);
  return types;
}

interface Entries {
  readonly added: Uint8Array[];
  readonly removed: Uint8Array[];
  readonly changed: Uint8Array[];
  /** By hash, as text: the name. */
  readonly nameOf: ReadonlyMap<string, Uint8Array>;
}

/** The hashes that come and go, and those of names whose types may change. */
function entriesOf(change: ZoneChange, names: readonly Uint8Array[], isOptOut: boolean): Entries {
  const { view } = change;
  const concerned = new Set(names.map(sortKey));
  const entries: Entries & { nameOf: Map<string, Uint8Array> } = {
    added: [],
    removed: [],
    changed: [],
    nameOf: new Map(),
  };
  const hashed = withAncestors(names, view.apex).map((name): Hashed => ({ name, hash: hashOf(name) }));
  const was = hashed.map(({ hash }) => view.nsec3At(hash) !== undefined);
  const is = needs(change, hashed, was, isOptOut);
  hashed.forEach(({ name, hash }, i) => {
    if (is[i] === true) {
      if (was[i] !== true) entries.added.push(hash);
      else if (concerned.has(sortKey(name))) entries.changed.push(hash);
      entries.nameOf.set(Buffer.from(hash).toString('latin1'), name);
    } else if (was[i] === true) entries.removed.push(hash);
  });
  return entries;
}

/** Whether each name has a record in the newer version. `was`: whether it had one in the older. Names come deepest first. */
function needs(change: ZoneChange, hashed: readonly Hashed[], was: readonly boolean[], isOptOut: boolean): boolean[] {
  const { view } = change;
  const own = hashed.map(({ name }) => {
    const { types, isOccluded, isCut } = change.after(name);
    return !isOccluded && types.length > 0 && !(isOptOut && isCut && !types.includes(Type.DS));
  });
  // By key of a name: among the names in hand, the number below it that had a record, and the number that have one.
  const below = new Map<string, { had: number; have: number }>();
  let untold: Map<string, number> | undefined;
  const childrenBefore = (key: string): number => {
    if (untold === undefined) {
      const asked = hashed.filter((_, i) => was[i] === true && own[i] !== true).map(({ name }) => name);
      const counts = view.childrenInChain(asked);
      untold = new Map(asked.map((name, i) => [sortKey(name), counts[i]!]));
    }
    return untold.get(key) ?? 0;
  };
  return hashed.map(({ name }, i) => {
    const key = sortKey(name);
    const { had, have } = below.get(key) ?? { had: 0, have: 0 };
    const { isOccluded } = change.after(name);
    const isNeeded = own[i]! || (!isOccluded && (have > 0 || (was[i]! && childrenBefore(key) - had > 0)));
    const parent = namesAbove(name, view.apex)[0];
    if (parent !== undefined) {
      const sums = below.get(sortKey(parent)) ?? { had: 0, have: 0 };
      below.set(sortKey(parent), { had: sums.had + (was[i] ? 1 : 0), have: sums.have + (isNeeded ? 1 : 0) });
    }
    return isNeeded;
  });
}

/** The names and all above them, deepest first. */
function withAncestors(names: readonly Uint8Array[], apex: Uint8Array): Uint8Array[] {
  const all = new Map<string, Uint8Array>();
  for (const name of names) for (const one of [name, ...namesAbove(name, apex)]) all.set(sortKey(one), one);
  return [...all.values()].sort((a, b) => labelCount(b) - labelCount(a));
}
