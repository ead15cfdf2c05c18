/**
 * Checks the NSEC3 chain that a zone is served with (RFC 5155 §7.1): NSEC3PARAM has to name it, it has to be closed, and to have a record
 * for every name. Hot file: columns of integers and octets, one entry an NSEC3 record.
 */
import { counted } from '../errors.js';
import { Type } from '../protocol/iana.js';
import { LOWER, MAX_NAME } from '../protocol/name.js';
import { NSEC3_HASH_OCTETS, nsec3Hash } from '../protocol/nsec3.js';
import { isChainNode, Place } from './check-names.js';
import {
  collectChain,
  findInChain,
  findParameters,
  type HashChain,
  type HashParameters,
  hashToText,
} from './nsec3-chain.js';
import type { Report } from './record-report.js';
import { findRrset, type Rrsets } from './rrsets.js';

/** The chain that a zone is served with, and the place of each name in it. */
export interface CheckedChain {
  readonly parameters: HashParameters;
  readonly entries: HashChain;
  /** By node: the result of findInChain() for the name's hash; 0: the name is not in the chain's zone or does not exist. */
  readonly proofs: Int32Array;
}

/**
 * Returns the chain, or undefined when the zone has none that can be used. `places` are those of checkNames();
 * `maxIterations` as CheckOptions has it.
 */
export function checkChain(
  rrsets: Rrsets,
  apex: number,
  places: Uint8Array,
  maxIterations: number,
  report: Report,
): CheckedChain | undefined {
  const { store } = rrsets;
  const isNsec = findRrset(rrsets, apex, Type.NSEC) >= 0;
  const first = store.type.subarray(0, store.recordCount).indexOf(Type.NSEC3);
  const parameters = findParameters(rrsets, apex);
  if (parameters === undefined) {
    if (first >= 0 && !isNsec && (places[store.node[first]!]! & Place.IN_ZONE) !== 0)
      report.error(
        first,
        () =>
          `found NSEC3 records, expected ${report.name(apex)} to have an NSEC3PARAM record with algorithm 1 and flags 0`,
      );
    return undefined;
  }
  const { row, iterations } = parameters;
  if (iterations > maxIterations) {
    report.error(
      row,
      () => `found ${counted(iterations, 'NSEC3 iteration')}, expected at most ${maxIterations}, better 0 (RFC 9276)`,
    );
    return undefined;
  }
  if (iterations > 0)
    report.warning(row, () => `found ${counted(iterations, 'NSEC3 iteration')}, expected 0 (RFC 9276 §3.1)`);
  const chain = collectChain(rrsets, apex, parameters, report);
  if (chain.count === 0) {
    if (!isNsec && findRrset(rrsets, apex, Type.RRSIG) >= 0)
      report.error(row, () => 'found NSEC3PARAM in a signed zone, expected NSEC3 records with the same parameters');
    return undefined;
  }
  checkClosed(chain, report);
  return { parameters, entries: chain, proofs: checkComplete(rrsets, apex, places, parameters, chain, report) };
}

/** Each record names the next one, and the last record the first. */
function checkClosed(chain: HashChain, report: Report): void {
  const { count, hashes, next, row } = chain;
  for (let i = 0; i < count; i++) {
    const at = i * NSEC3_HASH_OCTETS;
    const following = ((i + 1) % count) * NSEC3_HASH_OCTETS;
    let k = 0;
    while (k < NSEC3_HASH_OCTETS && next[at + k] === hashes[following + k]) k++;
    if (k === NSEC3_HASH_OCTETS) continue;
    const [found, expected] = [hashToText(next, at), hashToText(hashes, following)];
    report.error(
      row[i]!,
      () => `found ${found} as the next hash of the NSEC3 chain, expected ${expected}: the chain has a gap`,
    );
  }
}

/** Whether a name needs an NSEC3 record of its own. */
export const Need = {
  /** No: it does not exist, or is below a zone cut or a DNAME. */
  NONE: 0,
  /** Unless opt-out covers it: an unsigned delegation, or an empty non-terminal above nothing else (RFC 5155 §7.1). */
  UNLESS_OPT_OUT: 1,
  ALWAYS: 2,
} as const;

/** By node: its Need. `places` are those of checkNames(). */
export function findNeeds(rrsets: Rrsets, apex: number, places: Uint8Array): Uint8Array {
  const { store } = rrsets;
  const needs = new Uint8Array(store.nodeCount);
  for (let node = store.nodeCount - 1; node >= apex; node--) {
    const place = places[node]!;
    if ((place & Place.EXISTS) === 0 || (place & (Place.BELOW_CUT | Place.BELOW_DNAME)) !== 0) continue;
    if (rrsets.nodeRrsets[node] !== rrsets.nodeRrsets[node + 1] && !isChainNode(rrsets, node)) {
      const isUnsigned = (place & Place.CUT) !== 0 && findRrset(rrsets, node, Type.DS) < 0;
      needs[node] = Math.max(needs[node]!, isUnsigned ? Need.UNLESS_OPT_OUT : Need.ALWAYS);
    }
    if (node !== apex) needs[store.parent[node]!] = Math.max(needs[store.parent[node]!]!, needs[node]!);
  }
  return needs;
}

/**
 * Every name needs a record that matches its hash; an opt-out record that covers it suffices where Need says so. Returns
 * the place of each name in the chain.
 */
function checkComplete(
  rrsets: Rrsets,
  apex: number,
  places: Uint8Array,
  { row, iterations, saltAt, saltLength }: HashParameters,
  chain: HashChain,
  report: Report,
): Int32Array {
  const { store, nodeRrsets } = rrsets;
  const proofs = new Int32Array(store.nodeCount);
  const needs = findNeeds(rrsets, apex, places);
  const name = new Uint8Array(MAX_NAME);
  const hash = new Uint8Array(NSEC3_HASH_OCTETS);
  for (let node = apex; node < store.nodeCount; node++) {
    if (needs[node] === Need.NONE) continue;
    const length = store.writeName(node, name, 0);
    for (let i = 0; i < length; i++) name[i] = LOWER[name[i]!]!;
    nsec3Hash(name, 0, length, store.rdata, saltAt, saltLength, iterations, hash, 0);
    const proof = findInChain(chain, hash);
    proofs[node] = proof;
    if (proof > 0 || (needs[node] === Need.UNLESS_OPT_OUT && chain.optOut[-proof - 1] === 1)) continue;
    const isEmpty = nodeRrsets[node] === nodeRrsets[node + 1];
    const place = isEmpty ? row : rrsets.records[rrsets.start[nodeRrsets[node]!]!]!;
    report.error(place, () => {
      const what = `${report.name(node)}${isEmpty ? ', an empty non-terminal' : ''} (${hashToText(hash, 0)})`;
      return `found no NSEC3 record of ${what}, expected every name to have one in the chain`;
    });
  }
  return proofs;
}
