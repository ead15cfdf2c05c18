/**
 * Merges a zone file with a zone that is changed beside it (zone/changes/three-way.ts). The result is the change to the zone's next
 * version.
 */
import { contentOf } from '../../../dnssec/signing/content-runs.js';
import { recordsBetween } from '../../../image/changes/diff.js';
import { PendingView } from '../../../image/changes/pending-view.js';
import { ImageView, type ViewRecord, type ZoneView } from '../../../image/changes/zone-view.js';
import { imageFacts } from '../../../image/image-facts.js';
import { ContentView } from '../../../image/signed/content-view.js';
import { Type } from '../../../protocol/iana.js';
import { sameName } from '../../../protocol/name.js';
import { isLaterSerial } from '../../../protocol/serial.js';
import type { Difference } from '../../../zone/changes/difference.js';
import { RunCursor, type RunPair, RunWriter } from '../../../zone/changes/record-run.js';
import { soaIn, withSoa } from '../../../zone/changes/soa-records.js';
import { mergeThreeWay } from '../../../zone/changes/three-way.js';
import type { SerialPolicy } from '../../zone-policy.js';
import { nextSerial } from './serial-policy.js';
import { renewDigests } from './zone-digests.js';

/** Plain data. */
export interface FileMerge {
  /** Image of the zone. */
  readonly zone: Uint8Array;
  /** Image of the file as it is now. */
  readonly file: Uint8Array;
  /** The change from the file as it was loaded to the zone, SOA records too; undefined: they have the same records. */
  readonly overlay: RunPair | undefined;
  /** Serial of the file as it was loaded. */
  readonly sourceSerial: number;
  readonly serialPolicy: SerialPolicy;
  readonly zonemd: 'auto' | 'remove';
  /** Whether the zone is signed here, or may be: the records that signing makes are in the zone only, and no part of its content. */
  readonly isSigner: boolean;
  /** Seconds since 1970. */
  readonly now: number;
}

/** Plain data. */
export interface Merged {
  /** The change of content from the zone to the merged one; undefined: the zone stays as it is. */
  readonly difference: Difference | undefined;
  /** The change from the file as it is now to the merged zone. */
  readonly overlay: RunPair;
}

export function mergeFile(merge: FileMerge): Merged {
  const { zone, file, zonemd, now, isSigner } = merge;
  const { apex, serial: published } = imageFacts(zone);
  const fileSerial = imageFacts(file).serial;
  const loaded = merge.overlay ?? { removed: new Uint8Array(0), added: new Uint8Array(0) };
  const merged = mergeThreeWay(ordinary(apex, loaded), ordinary(apex, between(zone, file, isSigner)));
  const [zoneSoa, fileSoa] = [soaOf(zone), soaOf(file)];
  const soa = isSameButSerial(soaIn(loaded.removed) ?? zoneSoa, fileSoa) ? zoneSoa : fileSoa;
  const base: ZoneView = isSigner ? new ContentView(zone) : new ImageView(zone);
  const view = new PendingView(base);
  view.apply(merged.changes);
  const isNewSerial = fileSerial !== merge.sourceSerial;
  const isRaised = isNewSerial && isLaterSerial(published, fileSerial);
  const overlayWith = (last: ViewRecord): RunPair => {
    const { removed, added } = merged.overlay;
    if (last.ttl === fileSoa.ttl && Buffer.compare(last.rdata, fileSoa.rdata) === 0) return merged.overlay;
    return { removed: withSoa(removed, apex, fileSoa), added: withSoa(added, apex, last) };
  };
  if (view.changes() === undefined && isSameButSerial(soa, zoneSoa) && !isRaised)
    return { difference: undefined, overlay: overlayWith(zoneSoa) };
  const serial = nextSerial(merge.serialPolicy, published, now, isNewSerial ? fileSerial : undefined);
  view.removeRrset(apex, Type.SOA);
  view.add(apex, Type.SOA, soa);
  view.removeRrset(apex, Type.ZONEMD);
  for (const record of new ImageView(file).rrset(apex, Type.ZONEMD)) view.add(apex, Type.ZONEMD, record);
  renewDigests(view, zonemd, serial);
  const difference = view.difference(serial);
  return { difference, overlay: overlayWith(view.rrset(apex, Type.SOA)[0] ?? soa) };
}

/** The change from the zone to the file; of a zone that is signed here, content only. */
function between(zone: Uint8Array, file: Uint8Array, isSigner: boolean): RunPair {
  const pair = recordsBetween(zone, file);
  return isSigner ? contentOf(imageFacts(zone).apex, pair) : pair;
}

/** The records that are compared: SOA, and the digest of the zone, are decided apart. */
function ordinary(apex: Uint8Array, { removed, added }: RunPair): RunPair {
  const filtered = (run: Uint8Array): Uint8Array => {
    const writer = new RunWriter();
    const cursor = new RunCursor(run);
    while (!cursor.isAtEnd) {
      const isApart = cursor.type === Type.SOA || cursor.type === Type.ZONEMD;
      if (isApart && sameName(cursor.octets, cursor.at, apex, 0)) cursor.next();
      else writer.take(cursor);
    }
    return writer.finish();
  };
  return { removed: filtered(removed), added: filtered(added) };
}

function soaOf(image: Uint8Array): ViewRecord {
  const [soa] = new ImageView(image).rrset(imageFacts(image).apex, Type.SOA);
  if (soa === undefined) throw new Error('an image without SOA record');
  return soa;
}

/** Octets of SOA RDATA from the serial to the end, and behind the serial (RFC 1035 §3.3.13). */
const SOA_SERIAL = 20;
const SOA_REST = 16;

function isSameButSerial(a: ViewRecord, b: ViewRecord): boolean {
  const { length } = a.rdata;
  if (a.ttl !== b.ttl || length !== b.rdata.length) return false;
  const same = (from: number, to: number): boolean =>
    Buffer.compare(a.rdata.subarray(from, to), b.rdata.subarray(from, to)) === 0;
  return same(0, length - SOA_SERIAL) && same(length - SOA_REST, length);
}
