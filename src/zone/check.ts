/**
 * Checks whether records make a valid zone, one pass for each kind of fact. Time is linear in the size of the zone. Not
 * here: verifying signatures and the NSEC chain (dnssec/), and checks of addresses that need other zones.
 */
import { Type } from '../protocol/iana.js';
import { nameToText } from '../protocol/name.js';
import { checkNames } from './check-names.js';
import { type CheckedChain, checkChain } from './check-nsec3-chain.js';
import { checkSignatures, checkSignedInVain, type DnssecCheck } from './check-signatures.js';
import { checkSlips, zoneNameOf } from './check-slips.js';
import { checkTargets } from './check-targets.js';
import type { Diagnostics } from './diagnostics.js';
import { isWithoutDot } from './mistakes/final-dot.js';
import { Report } from './record-report.js';
import { findRrset, type Rrsets } from './rrsets.js';

interface CheckOptions {
  /** Seconds since 1970, the time at which signatures have to be valid. */
  readonly now: number;
  /**
   * NSEC3 iterations above this are an error, above 0 a warning. Default 150, 0 to 65,535. Validators still accepted 150
   * when RFC 9276 was written (its §3.2).
   */
  readonly nsec3MaxIterations?: number;
  /** The checks of signatures; default `expiry`. Here it concerns their dates only (dnssec/verify-zone.ts has the rest). */
  readonly dnssecCheck?: DnssecCheck;
  /** Errors become warnings: the records came from a primary, and are to be served with all their mistakes. Default false. */
  readonly isLenient?: boolean;
}

const NSEC3_MAX_ITERATIONS = 150;

/** Facts about a zone that its checks find; the compiler of images uses them. */
export interface CheckedZone {
  /** Node number of the apex: the owner of the SOA record. */
  readonly apex: number;
  /** By node: the flags of Place. */
  readonly places: Uint8Array;
  /** undefined: existence is not denied by NSEC3. */
  readonly chain: CheckedChain | undefined;
  /** Seconds since 1970: when the first RRset loses its last signature; undefined without signatures. */
  readonly signaturesExpire: number | undefined;
  /** Whether there are no errors, dates of signatures apart. */
  readonly isSound: boolean;
}

/**
 * Reports the errors and warnings of a zone. Returns undefined when it has no SOA record; the zone can be served when
 * `diagnostics.errors` is 0.
 */
export function checkZone(rrsets: Rrsets, diagnostics: Diagnostics, options: CheckOptions): CheckedZone | undefined {
  const report = new Report(rrsets.store, diagnostics, options.isLenient);
  const before = diagnostics.list.length;
  const apex = findApex(rrsets, report, diagnostics, options.isLenient ?? false);
  if (apex < 0) return undefined;
  const places = checkNames(rrsets, apex, report);
  const zone = zoneNameOf(rrsets.store.nameOf(apex));
  checkTargets(rrsets, apex, places, zone, report);
  checkSlips(rrsets, apex, places, zone, report);
  for (const row of rrsets.differingTtl)
    report.warning(row, () => {
      const what = report.nameRrset(row);
      return `found TTL ${rrsets.store.ttl[row]} for ${what}, expected that of its RRset; the lowest is served (RFC 2181 §5.2)`;
    });
  if (options.dnssecCheck !== 'off') checkSignedInVain(rrsets, report);
  const chain = checkChain(rrsets, apex, places, options.nsec3MaxIterations ?? NSEC3_MAX_ITERATIONS, report);
  const isSound = diagnostics.errors === 0;
  const { now, dnssecCheck = 'expiry' } = options;
  const signaturesExpire = checkSignatures(rrsets, apex, Math.floor(now), dnssecCheck, report);
  diagnostics.sort(rrsets.store.files, before);
  return { apex, places, chain, signaturesExpire, isSound };
}

/** The node that owns the first SOA record of the files, or -1 when it has none that can be the zone's name. */
function findApex(rrsets: Rrsets, report: Report, diagnostics: Diagnostics, isLenient: boolean): number {
  const { store } = rrsets;
  let first = store.recordCount;
  for (let row = 0; row < first; row++) if (store.type[row] === Type.SOA) first = row;
  if (first === store.recordCount) {
    diagnostics.error(store.files[0] ?? '', 1, 1, 'found no SOA record, expected one, whose owner names the zone');
    return -1;
  }
  const apex = store.node[first]!;
  const set = findRrset(rrsets, apex, Type.SOA);
  for (let i = rrsets.start[set]! + 1; i < rrsets.start[set + 1]!; i++) {
    const row = rrsets.records[i]!;
    report.error(
      row,
      () => `found an SOA record that differs from the one in ${report.place(first, row)}, expected one`,
    );
  }
  if (!isLenient && isWithoutDot(rrsets, apex, first, report)) return -1;
  if (findRrset(rrsets, apex, Type.NS) < 0)
    report.error(first, () => `found no NS record at ${nameToText(store.nameOf(apex))}, expected one at the apex`);
  return apex;
}
