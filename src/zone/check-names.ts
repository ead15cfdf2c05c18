/** Checks names and the types at each: out-of-zone data, CNAME and DNAME beside other data. Hot file: integers. */
import { Type } from '../protocol/iana.js';
import { typeToText } from '../protocol/rdata/table.js';
import type { Report } from './record-report.js';
import { findRrset, type Rrsets } from './rrsets.js';
import type { RecordStore } from './store.js';

/** Flags of a node's place in the zone, one octet a node. */
export const Place = {
  /** At the apex or below. */
  IN_ZONE: 1,
  /** Owns an NS RRset, and is not the apex. */
  CUT: 2,
  /** Owns a DNAME RRset. */
  DNAME: 4,
  /** Below a zone cut: data of another zone. */
  BELOW_CUT: 8,
  BELOW_DNAME: 16,
  /** Owns a CNAME RRset. */
  CNAME: 32,
  /** Owns records other than an NSEC3 chain's, or stands above such a node (RFC 4592 §2.2.2). */
  EXISTS: 64,
} as const;

const ASTERISK = 0x2a;

/** Checks each node, and returns the flags of Place by node. */
export function checkNames(rrsets: Rrsets, apex: number, report: Report): Uint8Array {
  const { store, nodeRrsets, type } = rrsets;
  const places = new Uint8Array(store.nodeCount);
  // A parent's number is below its children's: its flags are known by now.
  for (let node = 0; node < store.nodeCount; node++) {
    const above = node === 0 ? 0 : places[store.parent[node]!]!;
    let place = node === apex ? Place.IN_ZONE : above & (Place.IN_ZONE | Place.BELOW_CUT | Place.BELOW_DNAME);
    if ((above & Place.CUT) !== 0) place |= Place.BELOW_CUT;
    if ((above & Place.DNAME) !== 0) place |= Place.BELOW_DNAME;
    const from = nodeRrsets[node]!;
    const to = nodeRrsets[node + 1]!;
    if (from !== to) {
      if ((place & Place.IN_ZONE) === 0) {
        failOutOfZone(rrsets, node, apex, report);
        continue;
      }
      if ((place & Place.BELOW_DNAME) !== 0) checkBelowDname(rrsets, node, apex, places, report);
      for (let set = from; set < to; set++) {
        const kind = type[set]!;
        if (kind === Type.NS) {
          if (node !== apex) place |= Place.CUT;
        } else if (kind === Type.CNAME) {
          place |= Place.CNAME;
          checkCname(rrsets, node, set, report);
        } else if (kind === Type.DNAME) {
          place |= Place.DNAME;
          checkSingle(rrsets, set, report);
        } else if (kind === Type.DS && node === apex) {
          failDsAtApex(rrsets, set, report);
        } else if (kind === Type.SOA && node !== apex) {
          const row = firstRow(rrsets, set);
          report.error(
            row,
            () => `found an SOA record at ${report.owner(row)}, expected it only at the apex ${report.name(apex)}`,
          );
        }
      }
      if ((place & (Place.CUT | Place.DNAME)) !== 0) checkRedirection(rrsets, node, place, report);
    }
    places[node] = place;
  }
  markExisting(rrsets, apex, places);
  return places;
}

function markExisting(rrsets: Rrsets, apex: number, places: Uint8Array): void {
  const { store, nodeRrsets } = rrsets;
  for (let node = store.nodeCount - 1; node >= apex; node--) {
    if ((places[node]! & Place.IN_ZONE) === 0) continue;
    if (nodeRrsets[node] !== nodeRrsets[node + 1] && !isChainNode(rrsets, node)) places[node]! |= Place.EXISTS;
    if ((places[node]! & Place.EXISTS) !== 0 && node !== apex) places[store.parent[node]!]! |= Place.EXISTS;
  }
}

function firstRow(rrsets: Rrsets, set: number): number {
  return rrsets.records[rrsets.start[set]!]!;
}

/** The record of a node that comes first in the files. */
function firstRowOf(rrsets: Rrsets, node: number): number {
  let first = firstRow(rrsets, rrsets.nodeRrsets[node]!);
  for (let set = rrsets.nodeRrsets[node]! + 1; set < rrsets.nodeRrsets[node + 1]!; set++)
    first = Math.min(first, firstRow(rrsets, set));
  return first;
}

function failOutOfZone(rrsets: Rrsets, node: number, apex: number, report: Report): void {
  const row = firstRowOf(rrsets, node);
  report.error(
    row,
    () => `found ${report.owner(row)}, which is outside the zone, expected names at or below ${report.name(apex)}`,
  );
}

/** RFC 4035 §2.4: DS records are data of the zone above. */
function failDsAtApex(rrsets: Rrsets, set: number, report: Report): void {
  const row = firstRow(rrsets, set);
  const message = (): string =>
    `found a DS record at the apex ${report.owner(row)}, expected it in the zone above (RFC 4035 §2.4)`;
  report.error(row, message);
}

/** RFC 6672 §2.4: no data below a DNAME, except the NSEC3 chain when the DNAME is at the apex. */
function checkBelowDname(rrsets: Rrsets, node: number, apex: number, places: Uint8Array, report: Report): void {
  const { store } = rrsets;
  let dname = store.parent[node]!;
  while ((places[dname]! & Place.DNAME) === 0) dname = store.parent[dname]!;
  if (dname === apex && isChainNode(rrsets, node)) return;
  const row = firstRowOf(rrsets, node);
  report.error(
    row,
    () =>
      `found ${report.nameRrset(row)} below the DNAME of ${report.name(dname)}, expected no data there (RFC 6672 §2.4)`,
  );
}

/** Whether a node has nothing but NSEC3 and its signatures. */
export function isChainNode(rrsets: Rrsets, node: number): boolean {
  let isChain = false;
  for (let set = rrsets.nodeRrsets[node]!; set < rrsets.nodeRrsets[node + 1]!; set++) {
    if (rrsets.type[set] === Type.NSEC3) isChain = true;
    else if (rrsets.type[set] !== Type.RRSIG) return false;
  }
  return isChain;
}

/** Whether a type may stand beside CNAME (RFC 2181 §10.1, RFC 4035 §2.5, RFC 3007 §3.1.1). */
export function goesWithCname(type: number): boolean {
  return type === Type.CNAME || type === Type.RRSIG || type === Type.NSEC || type === Type.KEY;
}

function checkCname(rrsets: Rrsets, node: number, set: number, report: Report): void {
  checkSingle(rrsets, set, report);
  for (let other = rrsets.nodeRrsets[node]!; other < rrsets.nodeRrsets[node + 1]!; other++) {
    if (goesWithCname(rrsets.type[other]!)) continue;
    const [cname, row] = [firstRow(rrsets, set), firstRow(rrsets, other)];
    report.error(Math.max(cname, row), () => {
      const what = typeToText(rrsets.type[other]!);
      return `found CNAME and ${what} at ${report.owner(row)}, expected no other data beside CNAME (RFC 2181 §10.1)`;
    });
    return;
  }
}

/** CNAME and DNAME are RRsets of one record (RFC 2181 §10.1, RFC 6672 §2.4). */
function checkSingle(rrsets: Rrsets, set: number, report: Report): void {
  if (rrsets.start[set + 1]! - rrsets.start[set]! < 2) return;
  const row = rrsets.records[rrsets.start[set]! + 1]!;
  report.error(row, () => `found a second ${report.nameRrset(row)} record, expected one`);
}

/** Warns of delegations and DNAMEs without the effect that they seem to have. */
function checkRedirection(rrsets: Rrsets, node: number, place: number, report: Report): void {
  const isCut = (place & Place.CUT) !== 0;
  const row = firstRow(rrsets, findRrset(rrsets, node, isCut ? Type.NS : Type.DNAME));
  if (isWildcard(rrsets.store, node))
    report.warning(
      row,
      () => `found ${report.nameRrset(row)}; a wildcard is taken literally here, it makes no answers (RFC 4592 §4)`,
    );
  if (isCut && (place & Place.DNAME) !== 0)
    report.warning(
      row,
      () =>
        `found NS and DNAME at ${report.owner(row)}, expected DNAME in the child zone; it is never served (RFC 6672 §2.3)`,
    );
}

function isWildcard(store: RecordStore, node: number): boolean {
  const at = store.label[node]!;
  return store.labels[at] === 1 && store.labels[at + 1] === ASTERISK;
}
