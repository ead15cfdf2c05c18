/**
 * Checks the targets of records that lie in the zone: missing glue, missing addresses, aliases where none may be, CNAMEs
 * that lead nowhere. Hot file: integers.
 */
import { Type } from '../protocol/iana.js';
import { MAX_LABELS, nameToText, suffixAt } from '../protocol/name.js';
import { Additional } from '../protocol/rdata/rows.js';
import { nameLayout, typeToText } from '../protocol/rdata/table.js';
import { Place } from './check-names.js';
import { isTwice, type ZoneName } from './check-slips.js';
import type { Report } from './record-report.js';
import { findRrset, isEmpty, type Rrsets } from './rrsets.js';
import { NO_NODE, type RecordStore, ROOT_NODE } from './store.js';

const labelAt = new Uint16Array(MAX_LABELS);
/** The label of a wildcard. */
const WILDCARD = Uint8Array.of(1, 0x2a);
/** Names at a zone cut or below it: their data belong to another zone. */
const ELSEWHERE = Place.BELOW_CUT | Place.CUT;

/** The facts about the zone that checkTargets() uses. */
interface Targets {
  readonly rrsets: Rrsets;
  readonly apex: number;
  readonly places: Uint8Array;
  readonly zone: ZoneName;
  readonly report: Report;
}

export function checkTargets(rrsets: Rrsets, apex: number, places: Uint8Array, zone: ZoneName, report: Report): void {
  const { store, type } = rrsets;
  const targets = { rrsets, apex, places, zone, report };
  for (let node = apex; node < store.nodeCount; node++) {
    if ((places[node]! & (Place.IN_ZONE | Place.BELOW_CUT)) !== Place.IN_ZONE) continue;
    for (let set = rrsets.nodeRrsets[node]!; set < rrsets.nodeRrsets[node + 1]!; set++) {
      const kind = type[set]!;
      const additional = nameLayout(kind)?.additional ?? Additional.NOTHING;
      if (kind !== Type.CNAME && additional === Additional.NOTHING) continue;
      for (let i = rrsets.start[set]!; i < rrsets.start[set + 1]!; i++)
        checkTarget(targets, rrsets.records[i]!, additional);
    }
  }
}

function checkTarget({ rrsets, apex, places, zone, report }: Targets, row: number, additional: Additional): void {
  const { store } = rrsets;
  const type = store.type[row]!;
  const at = store.rdataAt[row]! + nameLayout(type)!.at;
  // The root says that there is no target (RFC 7505, RFC 2782), or stands for the owner (RFC 9460 §2.5).
  if (store.rdata[at] === 0) return;
  const zoneAt = suffixAt(store.rdata, at, zone.name, zone.labels);
  if (zoneAt < 0) return;
  const target = findEncloser(store, at, zoneAt, apex);
  const place = places[target.node]!;
  // A forgotten final dot is one mistake, which check-slips.ts reports.
  if (!target.isExact && isTwice(store, at, zone)) return;
  const isElsewhere = (place & ELSEWHERE) !== 0;
  if (type === Type.CNAME) {
    if (!isElsewhere && !hasRecords(rrsets, target, places)) warnOfNothing(row, at, store, report);
    return;
  }
  if (!isElsewhere && isAlias(rrsets, target, places)) {
    // Clients of services follow CNAMEs (RFC 9460 §3).
    if (additional === Additional.ADDRESSES) warnOfAlias(row, at, store, report);
    return;
  }
  if (hasAddress(rrsets, target)) return;
  // Addresses below another cut (sibling glue) belong to that zone, and are optional here.
  if (isElsewhere && (type !== Type.NS || !isBelow(store, target.node, store.node[row]!))) return;
  if (additional === Additional.SERVICE && target.isExact && findRrset(rrsets, target.node, type) >= 0) return;
  const what = isElsewhere ? 'glue' : 'address';
  report.warning(row, () => {
    const found = `found ${typeToText(type)} ${nameToText(store.rdata, at)} without ${what}`;
    return `${found}, expected A or AAAA records for it in this zone`;
  });
}

function warnOfNothing(row: number, at: number, store: RecordStore, report: Report): void {
  report.warning(row, () => {
    const target = nameToText(store.rdata, at);
    return `found CNAME to ${target}, a name without records; expected records for it in this zone, or another target`;
  });
}

function warnOfAlias(row: number, at: number, store: RecordStore, report: Report): void {
  report.warning(row, () => {
    const found = `found ${typeToText(store.type[row]!)} to ${nameToText(store.rdata, at)}, which is an alias`;
    return `${found}; expected a name that has addresses (RFC 2181 §10.3)`;
  });
}

interface Encloser {
  node: number;
  isExact: boolean;
}

const found: Encloser = { node: ROOT_NODE, isExact: false };

/**
 * The node of the longest known ancestor of the name at rdata[at], or of itself; the zone's name, of the node `apex`, begins
 * at rdata[zoneAt]. The result is reused by the next call.
 */
function findEncloser(store: RecordStore, at: number, zoneAt: number, apex: number): Encloser {
  const { rdata } = store;
  let labels = 0;
  for (let label = at; label < zoneAt; label += rdata[label]! + 1) labelAt[labels++] = label - at;
  found.node = apex;
  while (labels > 0) {
    const child = store.find(found.node, rdata, at + labelAt[labels - 1]!);
    if (child === NO_NODE) break;
    found.node = child;
    labels--;
  }
  found.isExact = labels === 0;
  return found;
}

/** The node whose records a name has: its own, or the wildcard below its closest encloser; NO_NODE: none. */
function ownerOf({ store }: Rrsets, { node, isExact }: Encloser): number {
  return isExact ? node : store.find(node, WILDCARD, 0);
}

/** Whether a name has addresses. */
function hasAddress(rrsets: Rrsets, target: Encloser): boolean {
  const owner = ownerOf(rrsets, target);
  return owner !== NO_NODE && (findRrset(rrsets, owner, Type.A) >= 0 || findRrset(rrsets, owner, Type.AAAA) >= 0);
}

/** Whether a name is below a DNAME: its closest encloser owns it, or is below it. */
function isRedirected({ node, isExact }: Encloser, places: Uint8Array): boolean {
  return !isExact && (places[node]! & (Place.DNAME | Place.BELOW_DNAME)) !== 0;
}

/** Whether a name is an alias, by a CNAME or a DNAME. */
function isAlias(rrsets: Rrsets, target: Encloser, places: Uint8Array): boolean {
  const owner = ownerOf(rrsets, target);
  return isRedirected(target, places) || (owner !== NO_NODE && findRrset(rrsets, owner, Type.CNAME) >= 0);
}

/** Whether a name has records of any type, also those that a wildcard or a DNAME makes. */
function hasRecords(rrsets: Rrsets, target: Encloser, places: Uint8Array): boolean {
  const owner = ownerOf(rrsets, target);
  return isRedirected(target, places) || (owner !== NO_NODE && !isEmpty(rrsets, owner));
}

/** Whether a node is `ancestor`, or below it. */
function isBelow(store: RecordStore, node: number, ancestor: number): boolean {
  let at = node;
  while (at > ancestor) at = store.parent[at]!;
  return at === ancestor;
}
