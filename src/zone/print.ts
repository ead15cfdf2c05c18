/** Writes a zone back in presentation format. */
import { Type } from '../protocol/iana.js';
import { nameToText } from '../protocol/name.js';
import { rdataToText } from '../protocol/rdata/print.js';
import { typeToText } from '../protocol/rdata/table.js';
import { canonicalOrder, canonicalRecords } from './order.js';
import { findRrset, type Rrsets } from './rrsets.js';

/** Characters to gather before writing. */
const CHUNK = 65_536;

/**
 * Writes a zone in canonical presentation form, piece by piece: one record a line, the SOA first, then in canonical order
 * of names, types and RDATA (RFC 4034 §6). All names are absolute, and each record has TTL and class. The records of an
 * RRset have its TTL, the lowest. Reading the result gives the same zone, and a zone always gives the same result.
 */
export function printZone(rrsets: Rrsets, write: (text: string) => void): void {
  let text = '';
  const printRrset = (owner: string, set: number): void => {
    for (const row of canonicalRecords(rrsets, set)) text += `${owner}${recordToText(rrsets, set, row)}\n`;
    if (text.length < CHUNK) return;
    write(text);
    text = '';
  };
  const { store, nodeRrsets } = rrsets;
  const order = canonicalOrder(rrsets);
  const apex = order.find((node) => findRrset(rrsets, node, Type.SOA) >= 0);
  const soa = apex === undefined ? -1 : findRrset(rrsets, apex, Type.SOA);
  if (apex !== undefined) printRrset(nameToText(store.nameOf(apex)), soa);
  for (const node of order) {
    const owner = nameToText(store.nameOf(node));
    for (let set = nodeRrsets[node]!; set < nodeRrsets[node + 1]!; set++) if (set !== soa) printRrset(owner, set);
  }
  if (text !== '') write(text);
}

/** A record without its owner: blank, TTL, class, type and RDATA. */
function recordToText({ store, ttl }: Rrsets, set: number, row: number): string {
  const type = store.type[row]!;
  const seconds = type === Type.RRSIG ? store.ttl[row] : ttl[set];
  const at = store.rdataAt[row]!;
  const rdata = rdataToText(type, store.rdata.subarray(at, at + store.rdataLength[row]!));
  return ` ${seconds} IN ${typeToText(type)} ${rdata}`;
}
