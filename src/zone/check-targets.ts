/** Checks the targets of NS, MX and SRV records: missing glue, missing addresses, aliases. Hot file: integers. */
import { Type } from '../protocol/iana.js';
import { MAX_LABELS, nameToText } from '../protocol/name.js';
import { nameLayout, typeToText } from '../protocol/rdata/table.js';
import { Place } from './check-names.js';
import type { Report } from './record-report.js';
import { findRrset, type Rrsets } from './rrsets.js';
import { NO_NODE, type RecordStore, ROOT_NODE } from './store.js';

const labelAt = new Uint16Array(MAX_LABELS);
/** The label of a wildcard. */
const WILDCARD = Uint8Array.of(1, 0x2a);

export function checkTargets(rrsets: Rrsets, apex: number, places: Uint8Array, report: Report): void {
  const { store, type } = rrsets;
  for (let node = apex; node < store.nodeCount; node++) {
    for (let set = rrsets.nodeRrsets[node]!; set < rrsets.nodeRrsets[node + 1]!; set++) {
      const kind = type[set]!;
      if (kind !== Type.NS && kind !== Type.MX && kind !== Type.SRV) continue;
      if ((places[node]! & (Place.IN_ZONE | Place.BELOW_CUT)) !== Place.IN_ZONE) continue;
      for (let i = rrsets.start[set]!; i < rrsets.start[set + 1]!; i++)
        checkTarget(rrsets, rrsets.records[i]!, places, report);
    }
  }
}

function checkTarget(rrsets: Rrsets, row: number, places: Uint8Array, report: Report): void {
  const { store } = rrsets;
  const type = store.type[row]!;
  const at = store.rdataAt[row]! + nameLayout(type)!.at;
  const encloser = findEncloser(store, at);
  const place = places[encloser.node]!;
  if ((place & Place.IN_ZONE) === 0) return;
  if (encloser.isExact && findRrset(rrsets, encloser.node, Type.CNAME) >= 0) {
    const name = (): string => nameToText(store.rdata, at);
    report.warning(
      row,
      () =>
        `found ${typeToText(type)} to ${name()}, which is an alias; expected a name that has addresses (RFC 2181 §10.3)`,
    );
    return;
  }
  if (type !== Type.NS || hasAddress(rrsets, encloser)) return;
  // Addresses below another cut (sibling glue) belong to that zone, and are optional here.
  const owner = store.node[row]!;
  const isOccluded = (place & (Place.BELOW_CUT | Place.CUT)) !== 0;
  if (isOccluded && !isBelow(store, encloser.node, owner)) return;
  const what = isOccluded ? 'glue' : 'address';
  report.warning(
    row,
    () => `found NS ${nameToText(store.rdata, at)} without ${what}, expected A or AAAA records for it in this zone`,
  );
}

interface Encloser {
  node: number;
  isExact: boolean;
}

const found: Encloser = { node: ROOT_NODE, isExact: false };

/** The node of the longest known ancestor of the name at rdata[at], or of itself. The result is reused by the next call. */
function findEncloser(store: RecordStore, at: number): Encloser {
  const { rdata } = store;
  let labels = 0;
  for (let label = at; rdata[label] !== 0; label += rdata[label]! + 1) labelAt[labels++] = label - at;
  found.node = ROOT_NODE;
  while (labels > 0) {
    const child = store.find(found.node, rdata, at + labelAt[labels - 1]!);
    if (child === NO_NODE) break;
    found.node = child;
    labels--;
  }
  found.isExact = labels === 0;
  return found;
}

/** Whether a name has addresses, its own or those of the wildcard below its closest encloser. */
function hasAddress(rrsets: Rrsets, { node, isExact }: Encloser): boolean {
  const owner = isExact ? node : rrsets.store.find(node, WILDCARD, 0);
  return owner !== NO_NODE && (findRrset(rrsets, owner, Type.A) >= 0 || findRrset(rrsets, owner, Type.AAAA) >= 0);
}

/** Whether a node is `ancestor`, or below it. */
function isBelow(store: RecordStore, node: number, ancestor: number): boolean {
  let at = node;
  while (at > ancestor) at = store.parent[at]!;
  return at === ancestor;
}
