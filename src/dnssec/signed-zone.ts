/** A zone that is being verified, and the roles of its records for the chain and for signatures. */
import { Type } from '../protocol/iana.js';
import type { CheckedZone } from '../zone/check.js';
import { isChainNode, Place } from '../zone/check-names.js';
import type { Report } from '../zone/record-report.js';
import type { Rrsets } from '../zone/rrsets.js';
import { ROOT_NODE } from '../zone/store.js';
import type { KeyIndex, ZoneKey } from './keys.js';

const ASTERISK = 0x2a;

export interface SignedZone {
  readonly rrsets: Rrsets;
  readonly checked: CheckedZone;
  /** The apex, in lower case. */
  readonly apexName: Uint8Array;
  readonly keys: readonly ZoneKey[];
  readonly keyIndex: KeyIndex;
  /** Seconds since 1970. */
  readonly now: number;
  readonly report: Report;
}

/** By node: the flags of Place. */
interface Placed {
  readonly checked: Pick<CheckedZone, 'places'>;
}

/** Whether a node's records belong to the zone's own data: it is in the zone, and not below a zone cut or a DNAME. */
export function isOwnNode({ rrsets, checked: { places } }: Pick<SignedZone, 'rrsets'> & Placed, node: number): boolean {
  const place = places[node]!;
  if ((place & Place.IN_ZONE) === 0 || (place & Place.BELOW_CUT) !== 0) return false;
  // The NSEC3 chain of a zone with a DNAME at its apex (RFC 6672 §2.4).
  return (place & Place.BELOW_DNAME) === 0 || isChainNode(rrsets, node);
}

/** Whether the zone is the authority for RRsets of this type at one of its own nodes (RFC 4035 §2.2): at a cut, DS and NSEC. */
export function isAuthoritative({ checked: { places } }: Placed, node: number, type: number): boolean {
  return (places[node]! & Place.CUT) === 0 || type === Type.DS || type === Type.NSEC;
}

/** The row of a node's record that comes first in the files. The node is not empty. */
export function firstRow({ nodeRrsets, start, records }: Rrsets, node: number): number {
  let first = records[start[nodeRrsets[node]!]!]!;
  for (let i = start[nodeRrsets[node]!]!; i < start[nodeRrsets[node + 1]!]!; i++) first = Math.min(first, records[i]!);
  return first;
}

/** The labels of an owner as RRSIG counts them: without `*` as the first one (RFC 4034 §3.1.3). */
export function labelsOf({ store }: Rrsets, node: number): number {
  const at = store.label[node]!;
  let labels = node === ROOT_NODE ? 0 : store.labels[at] === 1 && store.labels[at + 1] === ASTERISK ? 0 : 1;
  for (let n = store.parent[node]!; n !== ROOT_NODE; n = store.parent[n]!) labels++;
  return labels;
}
