/**
 * Signals in the zones of a zone's nameservers, which are signed and vouch for its first keys (RFC 9615): `_dsboot.CHILD._signal.NS` has
 * the child's CDS and CDNSKEY records. NOT here: what a parent does with them (§4).
 */
import type { Changes, ZoneView } from '../../image/changes/zone-view.js';
import { Type } from '../../protocol/iana.js';
import { labelCount, MAX_NAME, nameFromText, nameKey, suffixAt } from '../../protocol/name.js';
import { type RunRecord, runOf } from '../../zone/changes/record-run.js';

/** A record of a signal. Plain data, to be stored as JSON. */
export interface SignalRecord {
  /** As nameKey() writes it. */
  readonly owner: string;
  readonly type: number;
  /** Seconds. */
  readonly ttl: number;
  /** In hexadecimal. */
  readonly rdata: string;
}

const DSBOOT = Uint8Array.of(7, ...Buffer.from('_dsboot'));
const SIGNAL = Uint8Array.of(7, ...Buffer.from('_signal'));
const TYPES: readonly number[] = [Type.CDS, Type.CDNSKEY];

/**
 * The signals for the keys of a zone, one for each nameserver. Nameservers within the zone have none: they are no more to be trusted than
 * the zone (RFC 9615 §3). Nor have those with which the name of the signal would be too long.
 */
export function signalRecords(child: ZoneView): SignalRecord[] {
  const { apex } = child;
  const labels = labelCount(apex);
  const owners = child
    .rrset(apex, Type.NS)
    .filter(({ rdata }) => suffixAt(rdata, 0, apex, labels) < 0)
    .map(({ rdata }) => Buffer.concat([DSBOOT, apex.subarray(0, -1), SIGNAL, rdata]))
    .filter(({ length }) => length <= MAX_NAME)
    .map(nameKey);
  return owners.flatMap((owner) =>
    TYPES.flatMap((type) =>
      child
        .rrset(apex, type)
        .map(({ ttl, rdata }) => ({ owner, type, ttl, rdata: Buffer.from(rdata).toString('hex') })),
    ),
  );
}

/** What leads a zone to the signals that it is to have. */
interface SignalChanges {
  /** undefined: nothing is to be changed. */
  readonly changes: Changes | undefined;
  /** The signals that are in the zone then, and not from its source. */
  readonly made: readonly SignalRecord[];
}

/**
 * `made`: signals in the zone that were added before; `wanted`: those that it is to have. Where the zone has other records of a type, they
 * win. A name at which the zone cannot have records has no signal: below a delegation or DNAME, or at a CNAME.
 */
export function signalChanges(
  zone: ZoneView,
  made: readonly SignalRecord[],
  wanted: readonly SignalRecord[],
): SignalChanges {
  const [removed, added, stay]: [RunRecord[], RunRecord[], SignalRecord[]] = [[], [], []];
  for (const [set, records] of bySet([...made, ...wanted])) {
    const { owner, type } = records[0]!;
    const name = nameFromText(owner);
    const present = zone.rrset(name, type).map(({ ttl, rdata }) => ({ owner: name, type, ttl, rdata }));
    const own = made.filter((record) => setOf(record) === set);
    const isOwn = present.every((record) => own.some((one) => isSame(one, record)));
    if (!isOwn) continue;
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

/** The records by owner and type. */
function bySet(records: readonly SignalRecord[]): Map<string, SignalRecord[]> {
  const sets = new Map<string, SignalRecord[]>();
  for (const record of records) {
    const set = sets.get(setOf(record));
    if (set === undefined) sets.set(setOf(record), [record]);
    else set.push(record);
  }
  return sets;
}

function setOf({ owner, type }: SignalRecord): string {
  return `${owner} ${type}`;
}

function isSame({ ttl, rdata }: SignalRecord, record: RunRecord): boolean {
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
