import type { CheckedZone } from '../zone/check.js';
import { Place } from '../zone/check-names.js';
import type { Rrsets } from '../zone/rrsets.js';
import * as L from './layout.js';
import type { ImageWriter } from './writer.js';

/** A zone that is being compiled: the state shared by the passes. */
export interface Compilation extends CheckedZone {
  readonly rrsets: Rrsets;
  readonly apexName: Uint8Array;
  readonly writer: ImageWriter;
  /** By the store's node number: reference of the node in the image. */
  readonly ref: Int32Array;
}

/** Whether the node is in the image: its name exists in the zone. */
export function isLive({ places }: CheckedZone, node: number): boolean {
  return (places[node]! & Place.EXISTS) !== 0;
}

/** The NODE_* flags of a node. */
export function nodeFlags({ places }: CheckedZone, node: number): number {
  const place = places[node]!;
  const occluded = (place & (Place.BELOW_CUT | Place.BELOW_DNAME)) !== 0;
  let flags = occluded ? L.NODE_OCCLUDED : 0;
  if ((place & Place.CUT) !== 0 && !occluded) flags |= L.NODE_CUT;
  if ((place & Place.DNAME) !== 0) flags |= L.NODE_DNAME;
  if ((place & Place.CNAME) !== 0) flags |= L.NODE_CNAME;
  return flags;
}
