/**
 * Records that the server adds to a zone beside its source, and the changes that give a zone those that it is to have. If the source has
 * records of a type at a name, the server adds none there.
 */
import { Type } from '../../protocol/iana.js';
import { labelCount, nameFromText, nameKey, suffixAt } from '../../protocol/name.js';
import { RunCursor, type RunPair, type RunRecord, runOf } from '../../zone/changes/record-run.js';
import type { Changes, ZoneView } from './zone-view.js';

/** A record that was or is to be added. Plain data, to be stored as JSON. */
export interface AddedRecord {
  /** As nameKey() writes it. */
  readonly owner: string;
  readonly type: number;
  /** Seconds. */
  readonly ttl: number;
  /** In hexadecimal. */
  readonly rdata: string;
}

/** The changes that give a zone the records that it is to have. */
interface AdditionChanges {
  /** undefined: nothing is to be changed. */
  readonly changes: Changes | undefined;
  /** The records in the zone, after the changes, that are not from its source. */
  readonly made: readonly AddedRecord[];
}

/**
 * `made`: records in the zone that were added before; `wanted`: those that it is to have. If the zone has other records of a type, they
 * win. A name gets no records where the zone cannot have any: below a delegation or DNAME, or at a CNAME. `overlay`: the changes that lead
 * from the zone's file to the zone. It shows which of the records that were added before the file has by now; without it, an RRset that has
 * others too is left alone.
 */
export function additionChanges(
  zone: ZoneView,
  made: readonly AddedRecord[],
  wanted: readonly AddedRecord[],
  overlay?: RunPair,
): AdditionChanges {
  const [removed, added, stay]: [RunRecord[], RunRecord[], AddedRecord[]] = [[], [], []];
  const beside = overlay && new Set(keysOf(overlay.added));
  for (const [set, records] of bySet([...made, ...wanted])) {
    const { owner, type } = records[0]!;
    const name = nameFromText(owner);
    const present = zone.rrset(name, type).map(({ ttl, rdata }) => ({ owner: name, type, ttl, rdata }));
    const own = made.filter((record) => setOf(record) === set && (beside === undefined || beside.has(keyOf(record))));
    const ours = present.filter((record) => own.some((one) => isSame(one, record)));
    if (ours.length < present.length) {
      if (overlay !== undefined) removed.push(...ours);
      continue;
    }
    const next = isPossible(zone, name) ? wanted.filter((record) => setOf(record) === set) : [];
    stay.push(...next);
    const isThere =
      next.length === present.length && next.every((one) => present.some((record) => isSame(one, record)));
    if (isThere) continue;
    removed.push(...present);
    added.push(...next.map(({ ttl, rdata }) => ({ owner: name, type, ttl, rdata: Buffer.from(rdata, 'hex') })));
  }
  const isChanged = removed.length > 0 || added.length > 0;
  return { changes: isChanged ? { removed: runOf(removed), added: runOf(added) } : undefined, made: stay };
}

/** The records of a run, each as keyOf() writes it. */
function* keysOf(run: Uint8Array): Iterable<string> {
  for (const cursor = new RunCursor(run); !cursor.isAtEnd; cursor.next()) {
    const { octets, at, type, ttl, rdataAt, rdataLength } = cursor;
    const rdata = Buffer.from(octets.subarray(rdataAt, rdataAt + rdataLength)).toString('hex');
    yield keyOf({ owner: nameKey(octets.subarray(at)), type, ttl, rdata });
  }
}

function keyOf({ owner, type, ttl, rdata }: AddedRecord): string {
  return `${owner} ${type} ${ttl} ${rdata}`;
}

/** The records by owner and type. */
function bySet(records: readonly AddedRecord[]): Map<string, AddedRecord[]> {
  const sets = new Map<string, AddedRecord[]>();
  for (const record of records) {
    const set = sets.get(setOf(record));
    if (set === undefined) sets.set(setOf(record), [record]);
    else set.push(record);
  }
  return sets;
}

function setOf({ owner, type }: AddedRecord): string {
  return `${owner} ${type}`;
}

function isSame({ ttl, rdata }: AddedRecord, record: RunRecord): boolean {
  return ttl === record.ttl && rdata === Buffer.from(record.rdata).toString('hex');
}

/** Whether records of the zone can be at a name. */
function isPossible(zone: ZoneView, name: Uint8Array): boolean {
  const { apex } = zone;
  const end = suffixAt(name, 0, apex, labelCount(apex));
  if (end < 0 || zone.rrset(name, Type.CNAME).length > 0) return false;
  for (let at = 0; at < end; at += name[at]! + 1) {
    const encloser = name.subarray(at);
    if (zone.rrset(encloser, Type.NS).length > 0) return false;
    if (at > 0 && zone.rrset(encloser, Type.DNAME).length > 0) return false;
  }
  return zone.rrset(apex, Type.DNAME).length === 0;
}
