/** A zone before and after a difference of its content: the older version is a signed one, the newer is not signed yet. */
import { AdotdError, ErrorCode } from '../../errors.js';
import { Type } from '../../protocol/iana.js';
import { nameToText } from '../../protocol/name.js';
import { typeToText } from '../../protocol/rdata/table.js';
import { canonicalRdata } from '../../protocol/rdata/wire.js';
import type { Difference } from '../../zone/changes/difference.js';
import { RunCursor } from '../../zone/changes/record-run.js';
import { loweredName, namesAbove, sortKey } from './names.js';
import type { SignedView, ViewRrset } from './signed-view.js';
import { isSignersType } from './signers-types.js';

/** The state of a name in one of the two versions. */
export interface NameState {
  /** Types of its RRsets, in rising order, without those of chain and signatures. */
  readonly types: readonly number[];
  /** Below a zone cut or a DNAME: data of another zone, or none. */
  readonly isOccluded: boolean;
  /** A zone cut. */
  readonly isCut: boolean;
}

/** An RRset that differs between the versions. */
export interface ChangedRrset {
  readonly before: ViewRrset | undefined;
  readonly after: ViewRrset | undefined;
}

/** A name that the difference touches. */
interface TouchedName {
  readonly name: Uint8Array;
  readonly rrsets: ReadonlyMap<number, ChangedRrset>;
}

/** Whether the zone is the authority for RRsets of this type at a name (RFC 4035 §2.2). */
export function isSigned({ isOccluded, isCut }: NameState, type: number): boolean {
  return !isOccluded && (!isCut || type === Type.DS || type === Type.NSEC);
}

/** The types that bitmaps name at a name that is not occluded, without NSEC and RRSIG. */
export function bitmapTypes({ types, isCut }: NameState): number[] {
  return types.filter((type) => !isCut || type === Type.NS || type === Type.DS);
}

export class ZoneChange {
  readonly view: SignedView;
  /** By sort key of the name. */
  readonly touched = new Map<string, TouchedName>();
  readonly #before = new Map<string, NameState>();
  readonly #after = new Map<string, NameState>();

  /** `published`: the RRsets at the apex that signing makes, in the newer version. Throws ADOTD_ZONE_INVALID. */
  constructor(view: SignedView, difference: Difference, published: ReadonlyMap<number, ViewRrset | undefined>) {
    this.view = view;
    const removed = gather(difference.removed, view.apex);
    const added = gather(difference.added, view.apex);
    for (const key of new Set([...removed.keys(), ...added.keys()])) {
      const name = (removed.get(key) ?? added.get(key)!).name;
      const types = new Set([...(removed.get(key)?.sets.keys() ?? []), ...(added.get(key)?.sets.keys() ?? [])]);
      const rrsets = new Map<number, ChangedRrset>();
      for (const type of types) {
        const before = view.rrset(name, type);
        const after = changed(type, before, removed.get(key)?.sets.get(type), added.get(key)?.sets.get(type));
        rrsets.set(type, { before, after });
      }
      if (name.length === view.apex.length) this.#addPublished(rrsets, published);
      this.touched.set(key, { name, rrsets });
    }
  }

  /** The state of a name in the older version. */
  before(name: Uint8Array): NameState {
    return this.#state(name, this.#before, (owner) => this.#typesBefore(owner));
  }

  /** The state of a name in the newer version. */
  after(name: Uint8Array): NameState {
    return this.#state(name, this.#after, (owner) => this.#typesAfter(owner));
  }

  /** The RRset in both versions. */
  rrset(name: Uint8Array, type: number): ChangedRrset {
    const changedOne = this.touched.get(sortKey(name))?.rrsets.get(type);
    if (changedOne !== undefined) return changedOne;
    const same = this.view.rrset(name, type);
    return { before: same, after: same };
  }

  #addPublished(rrsets: Map<number, ChangedRrset>, published: ReadonlyMap<number, ViewRrset | undefined>): void {
    for (const [type, after] of published) rrsets.set(type, { before: this.view.rrset(this.view.apex, type), after });
  }

  #typesBefore(name: Uint8Array): readonly number[] {
    return this.view.types(name).filter((type) => type !== Type.NSEC && type !== Type.NSEC3);
  }

  #typesAfter(name: Uint8Array): readonly number[] {
    const types = new Set(this.#typesBefore(name));
    for (const [type, { after }] of this.touched.get(sortKey(name))?.rrsets ?? []) {
      if (after === undefined) types.delete(type);
      else types.add(type);
    }
    return [...types].sort((a, b) => a - b);
  }

  #state(name: Uint8Array, known: Map<string, NameState>, typesOf: (name: Uint8Array) => readonly number[]): NameState {
    const key = sortKey(name);
    const state = known.get(key);
    if (state !== undefined) return state;
    const types = typesOf(name);
    const isApex = name.length === this.view.apex.length;
    const parent = namesAbove(name, this.view.apex)[0];
    const above = parent === undefined ? undefined : this.#state(parent, known, typesOf);
    const isOccluded = above !== undefined && (above.isOccluded || above.isCut || above.types.includes(Type.DNAME));
    const made = { types, isOccluded, isCut: !isApex && !isOccluded && types.includes(Type.NS) };
    known.set(key, made);
    return made;
  }
}

interface Gathered {
  readonly name: Uint8Array;
  readonly sets: Map<number, { ttl: number; rdata: Uint8Array[] }>;
}

/** The records of a run by name and type. */
function gather(run: Uint8Array, apex: Uint8Array): Map<string, Gathered> {
  const names = new Map<string, Gathered>();
  for (const cursor = new RunCursor(run); !cursor.isAtEnd; cursor.next()) {
    const { octets, at, type, ttl, rdataAt, end } = cursor;
    const name = loweredName(octets, at);
    if (isSignersType(type, name.length === apex.length)) {
      const found = `found ${nameToText(name)} ${typeToText(type)} in a change of a zone that is signed here`;
      throw new AdotdError(ErrorCode.ZONE_INVALID, `${found}, expected none of the records that signing makes`);
    }
    const key = sortKey(name);
    let gathered = names.get(key);
    if (gathered === undefined) names.set(key, (gathered = { name, sets: new Map() }));
    const set = gathered.sets.get(type);
    const rdata = octets.subarray(rdataAt, end);
    if (set === undefined) gathered.sets.set(type, { ttl, rdata: [rdata] });
    else {
      set.ttl = Math.min(set.ttl, ttl);
      set.rdata.push(rdata);
    }
  }
  return names;
}

/** An RRset without the removed records, and with the added ones; undefined when nothing is left. */
function changed(
  type: number,
  before: ViewRrset | undefined,
  removed: { readonly rdata: readonly Uint8Array[] } | undefined,
  added: { readonly ttl: number; readonly rdata: readonly Uint8Array[] } | undefined,
): ViewRrset | undefined {
  const text = (rdata: Uint8Array): string => Buffer.from(canonicalRdata(type, rdata)).toString('latin1');
  const gone = new Set(removed?.rdata.map(text));
  const kept = (before?.rdata ?? []).filter((rdata) => !gone.has(text(rdata)));
  const rdata = [...kept, ...(added?.rdata ?? [])];
  if (rdata.length === 0) return undefined;
  rdata.sort((a, b) => Buffer.compare(canonicalRdata(type, a), canonicalRdata(type, b)));
  const ttls = [...(kept.length > 0 ? [before!.ttl] : []), ...(added === undefined ? [] : [added.ttl])];
  return { ttl: Math.min(...ttls), rdata };
}
