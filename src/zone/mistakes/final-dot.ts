/**
 * Recognises a zone whose name is wrong because the owner of its SOA record, or $ORIGIN, lacks the final dot: `example.com` is
 * then taken as relative, and nearly all other records seem to be outside the zone.
 */
import { counted } from '../../errors.js';
import { Type } from '../../protocol/iana.js';
import { labelOffsets, nameToText } from '../../protocol/name.js';
import type { Report } from '../record-report.js';
import { findRrset, type Rrsets } from '../rrsets.js';
import { NO_NODE, type RecordStore, ROOT_NODE } from '../store.js';

/** A zone's name with the final dot that it seems to lack. */
interface NameWithDot {
  /** Absolute, in presentation format. */
  readonly name: string;
  /** Names with records at or below it that are outside the zone as it is. */
  readonly outside: number;
  /** The first record of these names: its row in the store. */
  readonly first: number;
}

/** Whether the zone's name seems to lack its final dot; this is reported at the SOA record `soa`, a row of the store. */
export function isWithoutDot(rrsets: Rrsets, apex: number, soa: number, report: Report): boolean {
  const meant = nameWithDot(rrsets, apex);
  if (meant === undefined) return false;
  report.error(soa, () => {
    const { name, outside, first } = meant;
    const names = counted(outside, 'name');
    return (
      `found zone ${report.name(apex)}, but ${names} with data at or below ${name} (the first in ${report.place(first, soa)}); ` +
      `final dot? Write the owner of the SOA record, or the origin, as ${name}`
    );
  });
  return true;
}

/**
 * The name that the zone at the node `apex` was probably meant to have. Undefined when its name seems right: when no records are outside
 * it, or when the zone has NS records and further names of its own.
 */
function nameWithDot(rrsets: Rrsets, apex: number): NameWithDot | undefined {
  const { store } = rrsets;
  const name = store.nameOf(apex);
  const hasNs = findRrset(rrsets, apex, Type.NS) >= 0;
  const offsets = labelOffsets(name);
  // Shorter by a label each time: many zones are small, so that nothing is made per label.
  const prefix = name.slice();
  for (let labels = offsets.length - 1; labels > 0; labels--) {
    prefix[offsets[labels]!] = 0;
    const node = store.lookup(prefix);
    if (node === NO_NODE || node === ROOT_NODE) continue;
    const found = countRecords(rrsets, node, apex);
    if (found.outside > 0 && (!hasNs || !found.hasInside))
      return { name: nameToText(prefix), outside: found.outside, first: found.first };
  }
  return undefined;
}

/** Counts the names with records at or below `node` but outside `apex`, and looks for names below `apex`. */
function countRecords(rrsets: Rrsets, node: number, apex: number) {
  const { store, nodeRrsets } = rrsets;
  let outside = 0;
  let hasInside = false;
  let first = store.recordCount;
  for (let n = Math.min(node, apex); n < store.nodeCount; n++) {
    if (nodeRrsets[n] === nodeRrsets[n + 1] || n === apex) continue;
    if (isBelow(store, n, apex)) hasInside = true;
    else if (isBelow(store, n, node)) {
      outside++;
      for (let set = nodeRrsets[n]!; set < nodeRrsets[n + 1]!; set++)
        first = Math.min(first, rrsets.records[rrsets.start[set]!]!);
    }
  }
  return { outside, hasInside, first };
}

/** Whether a node is `ancestor`, or below it: a parent's number is below its children's. */
function isBelow(store: RecordStore, node: number, ancestor: number): boolean {
  let at = node;
  while (at > ancestor) at = store.parent[at]!;
  return at === ancestor;
}
