/** A zone's content with changes that are not made yet, above another view of it. Only the RRsets that changes touch are in memory. */
import { Type } from '../../protocol/iana.js';
import { compareNames, labelCount, nameLength, suffixAt } from '../../protocol/name.js';
import { writeU32 } from '../../protocol/octets.js';
import { type Difference, differenceOf } from '../../zone/changes/difference.js';
import { compareRdata, RunCursor, RunWriter } from '../../zone/changes/record-run.js';
import { ownerKey, rdataKey } from './record-keys.js';
import { type Changes, isApex, type ViewRecord, type ZoneView } from './zone-view.js';

/** Octets from the serial to the end of SOA RDATA (RFC 1035 §3.3.13). */
const SOA_SERIAL = 20;

/** An RRset that changes touch. */
interface TouchedSet {
  readonly base: readonly ViewRecord[];
  /** By canonical RDATA. */
  readonly records: Map<string, ViewRecord>;
  /** Of all records: an RRset has one TTL (RFC 2181 §5.2). Signatures have that of the RRset which they cover. */
  ttl: number | undefined;
}

interface TouchedName {
  readonly owner: Uint8Array;
  readonly sets: Map<number, TouchedSet>;
}

export class PendingView implements ZoneView {
  readonly apex: Uint8Array;
  readonly #base: ZoneView;
  readonly #apexLabels: number;
  readonly #names = new Map<string, TouchedName>();

  constructor(base: ZoneView) {
    this.#base = base;
    this.apex = base.apex;
    this.#apexLabels = labelCount(base.apex);
  }

  exists(owner: Uint8Array): boolean {
    const touched = this.#names.get(ownerKey(owner));
    return touched === undefined ? this.#base.exists(owner) : this.types(owner).length > 0;
  }

  types(owner: Uint8Array): readonly number[] {
    const touched = this.#names.get(ownerKey(owner));
    const base = this.#base.types(owner);
    if (touched === undefined) return base;
    const types = new Set(base);
    for (const [type, { records }] of touched.sets)
      if (records.size > 0) types.add(type);
      else types.delete(type);
    return [...types].sort((a, b) => a - b);
  }

  rrset(owner: Uint8Array, type: number): readonly ViewRecord[] {
    const set = this.#names.get(ownerKey(owner))?.sets.get(type);
    return set === undefined ? this.#base.rrset(owner, type) : recordsOf(set);
  }

  spelling(owner: Uint8Array): Uint8Array | undefined {
    const touched = this.#names.get(ownerKey(owner));
    if (touched === undefined) return this.#base.spelling(owner);
    return this.exists(owner) ? touched.owner : undefined;
  }

  *namesBelow(owner: Uint8Array): Iterable<Uint8Array> {
    for (const name of this.#base.namesBelow(owner)) if (this.exists(name)) yield name;
    const labels = labelCount(owner);
    for (const { owner: name } of this.#names.values())
      if (suffixAt(name, 0, owner, labels) > 0 && !this.#base.exists(name) && this.exists(name)) yield name;
  }

  /** Adds a record; it replaces the same record. The whole RRset gets its TTL, in seconds. */
  add(owner: Uint8Array, type: number, { ttl, rdata }: ViewRecord): void {
    const set = this.#touch(owner, type);
    set.records.set(rdataKey(type, rdata), { ttl, rdata });
    if (type !== Type.RRSIG) set.ttl = ttl;
  }

  /** Removes the record with this RDATA, if it is there. */
  remove(owner: Uint8Array, type: number, rdata: Uint8Array): void {
    this.#touch(owner, type).records.delete(rdataKey(type, rdata));
  }

  removeRrset(owner: Uint8Array, type: number): void {
    this.#touch(owner, type).records.clear();
  }

  /** Applies changes that were made above this view. */
  apply({ removed, added, soa }: Changes): void {
    for (const run = new RunCursor(removed); !run.isAtEnd; run.next())
      this.remove(run.octets.subarray(run.at), run.type, rdataOf(run));
    for (const run = new RunCursor(added); !run.isAtEnd; run.next())
      this.add(run.octets.subarray(run.at), run.type, { ttl: run.ttl, rdata: rdataOf(run) });
    if (soa !== undefined) this.#setSoa(soa);
  }

  /** The changes that lead from the view below to this one; undefined: nothing is changed. */
  changes(): Changes | undefined {
    const { removed, added } = this.#runs((owner, type) => type !== Type.SOA || !isApex(this, owner));
    const set = this.#names.get(ownerKey(this.apex))?.sets.get(Type.SOA);
    const soa = set === undefined ? undefined : recordsOf(set)[0];
    if (set === undefined || soa === undefined || isUnchanged(soa, set.base[0]))
      return removed.length === 0 && added.length === 0 ? undefined : { removed, added };
    return { removed, added, soa };
  }

  /** The difference that leads from the view below to this one, to which it gives a serial. Throws ADOTD_CHANGE_SERIAL. */
  difference(serial: number): Difference {
    const { ttl, rdata } = this.rrset(this.apex, Type.SOA)[0]!;
    const next = Uint8Array.from(rdata);
    writeU32(next, next.length - SOA_SERIAL, serial);
    this.#setSoa({ ttl, rdata: next });
    const { removed, added } = this.#runs(() => true);
    return differenceOf(this.apex, removed, added);
  }

  #setSoa(soa: ViewRecord): void {
    this.removeRrset(this.apex, Type.SOA);
    this.add(this.apex, Type.SOA, soa);
  }

  /** The RRset in memory. If it is not there yet, it is copied from the view below. */
  #touch(owner: Uint8Array, type: number): TouchedSet {
    const key = ownerKey(owner);
    let name = this.#names.get(key);
    if (name === undefined) {
      if (suffixAt(owner, 0, this.apex, this.#apexLabels) < 0) throw new RangeError('a name outside of the zone');
      name = { owner: this.#base.spelling(owner) ?? owner.slice(0, nameLength(owner)), sets: new Map() };
      this.#names.set(key, name);
    }
    let set = name.sets.get(type);
    if (set === undefined) {
      const base = this.#base.rrset(owner, type);
      set = { base, records: new Map(), ttl: undefined };
      for (const record of base) set.records.set(rdataKey(type, record.rdata), record);
      name.sets.set(type, set);
    }
    return set;
  }

  /** The records that are gone and those that are new, of the RRsets that are wanted, in canonical order. */
  #runs(isWanted: (owner: Uint8Array, type: number) => boolean): { removed: Uint8Array; added: Uint8Array } {
    const [removed, added] = [new RunWriter(), new RunWriter()];
    const names = [...this.#names.values()].sort((a, b) => compareNames(a.owner, 0, b.owner, 0));
    for (const { owner, sets } of names)
      for (const [type, set] of [...sets].sort(([a], [b]) => a - b)) {
        if (!isWanted(owner, type)) continue;
        const before = new Map(set.base.map((record) => [rdataKey(type, record.rdata), record]));
        const after = recordsOf(set);
        const kept = new Set(after.filter((record) => isUnchanged(record, before.get(rdataKey(type, record.rdata)))));
        const keys = new Set([...kept].map(({ rdata }) => rdataKey(type, rdata)));
        const gone = set.base.filter(({ rdata }) => !keys.has(rdataKey(type, rdata)));
        write(removed, owner, type, gone);
        write(
          added,
          owner,
          type,
          after.filter((record) => !kept.has(record)),
        );
      }
    return { removed: removed.finish(), added: added.finish() };
  }
}

function recordsOf({ records, ttl }: TouchedSet): readonly ViewRecord[] {
  const all = [...records.values()];
  return ttl === undefined ? all : all.map(({ rdata }) => ({ ttl, rdata }));
}

/** Whether a record is octet by octet the one before. */
function isUnchanged(record: ViewRecord, before: ViewRecord | undefined): boolean {
  return before?.ttl === record.ttl && Buffer.compare(before.rdata, record.rdata) === 0;
}

function write(run: RunWriter, owner: Uint8Array, type: number, records: readonly ViewRecord[]): void {
  const compare = (a: Uint8Array, b: Uint8Array): number => compareRdata(type, a, 0, a.length, b, 0, b.length);
  const sorted = [...records].sort((a, b) => compare(a.rdata, b.rdata));
  for (const { ttl, rdata } of sorted) run.add(owner, 0, type, ttl, rdata, 0, rdata.length);
}

function rdataOf(run: RunCursor): Uint8Array {
  return run.octets.subarray(run.rdataAt, run.rdataAt + run.rdataLength);
}
