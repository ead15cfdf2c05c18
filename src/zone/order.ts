/** The canonical order of a zone's names (RFC 4034 §6.1), and of the records of an RRset (§6.3). */
import { compareLabels } from '../protocol/name.js';
import { canonicalOf, isEmpty, type Rrsets } from './rrsets.js';
import { ROOT_NODE } from './store.js';

/** The nodes that own records, in canonical order. */
export function canonicalOrder(rrsets: Rrsets): Uint32Array {
  const { store } = rrsets;
  const { nodeCount, parent, labels, label } = store;
  const first = new Uint32Array(nodeCount + 1);
  for (let node = 1; node < nodeCount; node++) first[parent[node]! + 1]!++;
  for (let node = 0; node < nodeCount; node++) first[node + 1]! += first[node]!;
  const cursor = first.slice();
  const children = new Uint32Array(nodeCount);
  for (let node = 1; node < nodeCount; node++) children[cursor[parent[node]!]!++] = node;
  const compare = (a: number, b: number): number => compareLabels(labels, label[a]!, labels, label[b]!);
  for (let node = 0; node < nodeCount; node++) children.subarray(first[node]!, first[node + 1]!).sort(compare);

  const order = new Uint32Array(nodeCount);
  let used = 0;
  // Preorder is canonical order; the depth is that of the zone, at most 127.
  const visit = (node: number): void => {
    if (!isEmpty(rrsets, node)) order[used++] = node;
    for (let i = first[node]!; i < first[node + 1]!; i++) visit(children[i]!);
  };
  visit(ROOT_NODE);
  return order.subarray(0, used);
}

/** The records of an RRset, as rows of the store, in the order of their canonical RDATA (RFC 4034 §6.3). */
export function canonicalRecords({ store, start, records }: Rrsets, set: number): readonly number[] {
  const rows = Array.from(records.subarray(start[set]!, start[set + 1]!));
  if (rows.length === 1) return rows;
  return rows
    .map((row) => ({ row, key: canonicalOf(store, row) }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
    .map(({ row }) => row);
}
