/** A zone's data about its own servers: the names in its NS records, and RRsets such as TLSA. */
import { Type } from '../protocol/iana.js';
import { nameKey } from '../protocol/name.js';
import { findRrset, type Rrsets } from './rrsets.js';

/** The names in the apex' NS records, absolute and in lower case, each once. `apex` is in wire format. */
export function nameserversOf(rrsets: Rrsets, apex: Uint8Array): string[] {
  const { store } = rrsets;
  const node = store.lookup(apex);
  const set = node < 0 ? -1 : findRrset(rrsets, node, Type.NS);
  if (set < 0) return [];
  return [...new Set(rdatasOf(rrsets, set).map((rdata) => nameKey(rdata)))];
}

/** RDATA of the A and AAAA records of a name. `owner` is in wire format. */
export function addressesOf(rrsets: Rrsets, owner: Uint8Array): Record<'ipv4' | 'ipv6', Uint8Array[]> {
  const node = rrsets.store.lookup(owner);
  const ofType = (type: number): Uint8Array[] => {
    const set = node < 0 ? -1 : findRrset(rrsets, node, type);
    return set < 0 ? [] : rdatasOf(rrsets, set);
  };
  return { ipv4: ofType(Type.A), ipv6: ofType(Type.AAAA) };
}

/** An RRset by its owner. */
interface OwnedRrset {
  /** Absolute, in lower case. */
  readonly owner: string;
  /** RDATA of each record in wire format. */
  readonly rdatas: readonly Uint8Array[];
}

/** All RRsets of one type. */
export function rrsetsOfType(rrsets: Rrsets, type: number): OwnedRrset[] {
  const { store, nodeRrsets } = rrsets;
  const found: OwnedRrset[] = [];
  for (let node = 0; node < store.nodeCount; node++) {
    for (let set = nodeRrsets[node]!; set < nodeRrsets[node + 1]!; set++) {
      if (rrsets.type[set] !== type) continue;
      const owner = nameKey(store.nameOf(node));
      found.push({ owner, rdatas: rdatasOf(rrsets, set) });
    }
  }
  return found;
}

function rdatasOf({ store, records, start }: Rrsets, set: number): Uint8Array[] {
  return Array.from(records.subarray(start[set]!, start[set + 1]!), (row) => {
    const at = store.rdataAt[row]!;
    return store.rdata.slice(at, at + store.rdataLength[row]!);
  });
}
