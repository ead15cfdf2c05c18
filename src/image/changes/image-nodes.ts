/** Walks over the nodes of an image, in the order in which they lie there or in canonical order. Hot file: integers. */
import { compareLabels, MAX_LABELS } from '../../protocol/name.js';
import * as L from '../layout.js';

/** Where the node at `node` and its RRsets end. */
function endOfNode(words: Int32Array, bytes: Uint8Array, node: number): number {
  const directory = node + L.NODE_LABEL + ((bytes[(node + L.NODE_LABEL) << 2]! + 4) >> 2);
  const count = words[node + L.NODE_INFO]! >>> L.NODE_COUNT_SHIFT;
  if (count === 0) return directory;
  const set = words[directory + count * L.DIRECTORY_ENTRY - 1]!;
  const extra = words[set + L.RRSET_EXTRA]!;
  if (extra !== 0) {
    const targets = extra + 1 + words[extra]!;
    return targets + 1 + 2 * words[targets]!;
  }
  const octets = words[set + L.RRSET_LENGTH]! + words[set + L.RRSET_SIGNATURES_LENGTH]!;
  return set + L.RRSET_DATA + ((octets + 3) >> 2);
}

/** The path from the apex to a node: references of nodes, by depth. */
class Path {
  readonly nodes = new Int32Array(MAX_LABELS + 3);
  /** Of the node at the end. */
  depth = 0;

  /** Moves to a node, and returns its sibling before it; 0: there is none, -1: its parent is not on the path. */
  enter(node: number, parent: number): number {
    const { nodes } = this;
    let depth = this.depth;
    while (depth >= 0 && nodes[depth] !== parent) depth--;
    if (depth < 0) return -1;
    const sibling = nodes[depth + 1]!;
    nodes[depth + 1] = node;
    nodes[depth + 2] = 0;
    this.depth = depth + 1;
    return sibling;
  }
}

export class ImageNodes {
  /** Reference of the current node; 0 behind the last one. */
  node = 0;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #path = new Path();
  /** The nodes in canonical order; undefined: in the order in which they lie in the image. */
  readonly #order: Int32Array | undefined;
  /** Number of the current node. */
  #number = 0;

  /** Begins at the apex. */
  constructor(words: Int32Array, bytes: Uint8Array, isCanonical: boolean) {
    this.#words = words;
    this.#bytes = bytes;
    this.#order = isCanonical ? canonicalOrder(words, bytes) : undefined;
    this.node = words[L.HEADER_APEX]!;
    this.#path.nodes[0] = this.node;
  }

  /** References of the nodes from the apex (0) to the current one (`depth`). */
  get path(): Int32Array {
    return this.#path.nodes;
  }

  get depth(): number {
    return this.#path.depth;
  }

  next(): void {
    const words = this.#words;
    const number = ++this.#number;
    if (number >= words[L.HEADER_NODE_COUNT]!) this.node = 0;
    else if (this.#order !== undefined) this.node = this.#order[number]!;
    else this.node = endOfNode(words, this.#bytes, this.node);
    if (this.node !== 0 && this.#path.enter(this.node, words[this.node + L.NODE_PARENT]!) < 0) this.#climb();
  }

  /** Writes the path anew, from the current node up. */
  #climb(): void {
    const words = this.#words;
    const apex = words[L.HEADER_APEX]!;
    let depth = 0;
    for (let node = this.node; node !== apex; node = words[node + L.NODE_PARENT]!) depth++;
    this.#path.depth = depth;
    for (let node = this.node; depth > 0; node = words[node + L.NODE_PARENT]!) this.#path.nodes[depth--] = node;
  }
}

/** The nodes in canonical order (RFC 4034 §6.1), which is preorder; undefined: they lie in that order. */
function canonicalOrder(words: Int32Array, bytes: Uint8Array): Int32Array | undefined {
  const count = words[L.HEADER_NODE_COUNT]!;
  const compare = (a: number, b: number): number =>
    compareLabels(bytes, (a + L.NODE_LABEL) << 2, bytes, (b + L.NODE_LABEL) << 2);
  const path = new Path();
  let node = words[L.HEADER_APEX]!;
  path.nodes[0] = node;
  for (let i = 1; i < count; i++) {
    node = endOfNode(words, bytes, node);
    const sibling = path.enter(node, words[node + L.NODE_PARENT]!);
    if (sibling < 0 || (sibling > 0 && compare(sibling, node) >= 0)) return sorted(words, bytes, compare);
  }
  return undefined;
}

function sorted(words: Int32Array, bytes: Uint8Array, compare: (a: number, b: number) => number): Int32Array {
  const count = words[L.HEADER_NODE_COUNT]!;
  const nodes = new Int32Array(count);
  nodes[0] = words[L.HEADER_APEX]!;
  for (let i = 1; i < count; i++) nodes[i] = endOfNode(words, bytes, nodes[i - 1]!);
  // References rise, so that a node's number is found by bisection.
  const numberOf = (node: number): number => {
    let [low, high] = [0, count];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (nodes[middle]! <= node) low = middle;
      else high = middle;
    }
    return low;
  };
  const parents = new Int32Array(count);
  const first = new Uint32Array(count + 1);
  for (let i = 1; i < count; i++) first[(parents[i] = numberOf(words[nodes[i]! + L.NODE_PARENT]!)) + 1]!++;
  for (let i = 0; i < count; i++) first[i + 1]! += first[i]!;
  const cursor = first.slice();
  const children = new Uint32Array(count);
  for (let i = 1; i < count; i++) children[cursor[parents[i]!]!++] = i;
  for (let i = 0; i < count; i++)
    if (first[i + 1]! - first[i]! > 1)
      children.subarray(first[i]!, first[i + 1]!).sort((a, b) => compare(nodes[a]!, nodes[b]!));
  const order = new Int32Array(count);
  let used = 0;
  // The depth is that of the zone, at most 127.
  const visit = (i: number): void => {
    order[used++] = nodes[i]!;
    for (let child = first[i]!; child < first[i + 1]!; child++) visit(children[child]!);
  };
  visit(0);
  return order;
}
