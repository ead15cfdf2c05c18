/**
 * From a zone file to an image: read, group, check, compile. A pure function of its arguments; the loader thread runs it, or
 * the caller's thread when zones are small.
 */
import { type ChooseVerifier, verifierInPlace } from '../dnssec/verifier.js';
import { verifyZone } from '../dnssec/verify-zone.js';
import { Type } from '../protocol/iana.js';
import { type CheckedZone, checkZone } from '../zone/check.js';
import type { DnssecCheck } from '../zone/check-signatures.js';
import { Diagnostics } from '../zone/diagnostics.js';
import { readZone } from '../zone/reader.js';
import { findRrset, groupRrsets, type Rrsets } from '../zone/rrsets.js';
import type { ReadLimits, ZoneSource } from '../zone/source.js';
import type { RecordStore } from '../zone/store.js';
import { compileZone } from './compile.js';
import * as L from './layout.js';

/** How a zone is loaded. */
export interface LoadOptions extends Partial<ReadLimits> {
  /** Seconds since 1970, the time at which signatures have to be valid. */
  readonly now: number;
  /** NSEC3 iterations above this are an error (RFC 9276); 150 when absent. */
  readonly nsec3MaxIterations?: number;
  /** Limit on the errors, and on the warnings, that are reported. */
  readonly maxDiagnostics?: number;
  /** The checks of the zone if it is signed; `apex` is its name in wire format. Default: `expiry`. */
  readonly dnssecCheck?: (apex: Uint8Array) => DnssecCheck;
  /** Whether an image is wanted, and not only the mistakes. Default: true. */
  readonly compile?: boolean;
  /**
   * Errors of the checks of zones become warnings, and the zone gets an image all the same: for zones that came from a
   * primary, which a strict check must not let expire. Default false.
   */
  readonly isLenient?: boolean;
  /** Chooses the verifier of signatures; by default the calling thread. */
  readonly chooseVerifier?: ChooseVerifier;
  /** Called with a zone without errors before it is compiled: it may change RDATA, but not its length. */
  readonly amend?: (rrsets: Rrsets, zone: CheckedZone) => void;
}

/** The result of loading a zone. */
export interface Loaded {
  /** Name of the zone in wire format; undefined when it has no usable SOA record. */
  readonly apex: Uint8Array | undefined;
  /** Serial of the SOA record; 0 without an image. */
  readonly serial: number;
  readonly records: number;
  /** The image, over a SharedArrayBuffer of its own; undefined when there were errors, or none was wanted. */
  readonly image: Uint8Array | undefined;
  /** Seconds since 1970: when the first RRset loses its last signature; undefined without signatures, or after errors. */
  readonly signaturesExpire: number | undefined;
  readonly diagnostics: Diagnostics;
  /** The records as read, for printing. */
  readonly rrsets: Rrsets;
}

/** Loads one zone. Errors of the zone are diagnostics, never exceptions. */
export function load(source: ZoneSource, options: LoadOptions): Loaded {
  const diagnostics = new Diagnostics(options.maxDiagnostics);
  return loadRecords(readZone(source, diagnostics, options), diagnostics, options);
}

/** Makes a zone of the records in a store. `diagnostics` has the errors that were found when they were read. */
export function loadRecords(store: RecordStore, diagnostics: Diagnostics, options: LoadOptions): Loaded {
  const rrsets = groupRrsets(store);
  const zone = diagnostics.errors > 0 ? undefined : check(rrsets, diagnostics, options);
  const apex = zone?.apex ?? soaOwner(rrsets);
  const apexName = apex === undefined ? undefined : store.nameOf(apex);
  const isWanted = options.compile !== false && diagnostics.errors === 0;
  if (zone !== undefined && isWanted) options.amend?.(rrsets, zone);
  const image = zone === undefined || !isWanted ? undefined : compileZone(rrsets, zone);
  const { recordCount: records } = store;
  const { signaturesExpire } = zone ?? {};
  return { apex: apexName, serial: serialOf(image), records, image, signaturesExpire, diagnostics, rrsets };
}

/** Checks the zone, and verifies it if that is asked for. */
function check(rrsets: Rrsets, diagnostics: Diagnostics, options: LoadOptions): CheckedZone | undefined {
  const { now, chooseVerifier = verifierInPlace } = options;
  const soa = soaOwner(rrsets);
  const dnssecCheck = (soa !== undefined && options.dnssecCheck?.(rrsets.store.nameOf(soa))) || 'expiry';
  const zone = checkZone(rrsets, diagnostics, { ...options, dnssecCheck });
  if (!zone?.isSound || (dnssecCheck !== 'full' && dnssecCheck !== 'strict')) return zone;
  verifyZone(rrsets, zone, diagnostics, {
    now,
    isLenient: dnssecCheck === 'full' || options.isLenient === true,
    chooseVerifier,
  });
  return zone;
}

/**
 * The zone that a file with errors was meant to be. Its records are not checked: missing ones may be in the lines that
 * could not be read.
 */
function soaOwner(rrsets: Rrsets): number | undefined {
  for (let n = 0; n < rrsets.store.nodeCount; n++) if (findRrset(rrsets, n, Type.SOA) >= 0) return n;
  return undefined;
}

function serialOf(image: Uint8Array | undefined): number {
  if (image === undefined) return 0;
  return new Int32Array(image.buffer, image.byteOffset, L.HEADER_WORDS)[L.HEADER_SERIAL]! >>> 0;
}
