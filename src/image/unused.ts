/**
 * The RRsets of a zone that no answer has, because their owners have no node in the image (layout.ts): they are stored so that
 * an image has all records of its zone.
 */
import { Type } from '../protocol/iana.js';
import { MAX_NAME } from '../protocol/name.js';
import { findRrset, type Rrsets, signaturesOf, typesSignedInVain } from '../zone/rrsets.js';
import { type Compilation, isLive } from './compilation.js';
import * as L from './layout.js';

/** An upper bound of the octets that compileUnused() writes besides the records. */
export function unusedBound({ type, count }: Rrsets): number {
  let owners = 0;
  for (let set = 0; set < count; set++) if (type[set] === Type.NSEC3) owners++;
  return owners * 2 * (MAX_NAME + 1 + (L.UNUSED_ENTRY + L.RRSET_DATA) * 4);
}

/** Writes the RRsets that neither nodes nor the chain have. */
export function compileUnused(zone: Compilation): void {
  const { rrsets, writer, chain } = zone;
  const { store, type, start, records } = rrsets;
  if (!type.subarray(0, rrsets.count).includes(Type.NSEC3)) return;
  const isInChain = new Uint8Array(store.nodeCount);
  for (let i = 0; i < (chain?.entries.count ?? 0); i++) isInChain[store.node[chain!.entries.row[i]!]!] = 1;
  const entries: number[] = [];
  for (let set = 0; set < rrsets.count; set++) {
    if (type[set] !== Type.NSEC3) continue;
    const node = store.node[records[start[set]!]!]!;
    const inVain = isLive(zone, node) ? [] : typesSignedInVain(rrsets, node);
    if (isInChain[node] === 1 && inVain.length === 0) continue;
    const name = store.nameOf(node);
    const owner = writer.copy(name, 0, name.length);
    const signatures = findRrset(rrsets, node, Type.RRSIG);
    for (const covered of inVain) entries.push(owner, writer.signatures(signaturesOf(rrsets, signatures, covered)));
    if (isInChain[node] === 0)
      entries.push(owner, writer.rrset(set, node, signaturesOf(rrsets, signatures, Type.NSEC3)));
  }
  if (entries.length === 0) return;
  const table = writer.reserve(entries.length * 4);
  writer.words.set(entries, table);
  writer.words[L.HEADER_UNUSED] = table;
  writer.words[L.HEADER_UNUSED_COUNT] = entries.length / L.UNUSED_ENTRY;
}
