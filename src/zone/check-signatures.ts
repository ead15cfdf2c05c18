/**
 * Checks the dates of signatures: whether they are valid now, and whether they expire soon (RFC 4034 §3.1.5). Warns of signatures without
 * their RRset.
 */
import { counted } from '../errors.js';
import { Type } from '../protocol/iana.js';
import { readU32 } from '../protocol/octets.js';
import { typeToText } from '../protocol/rdata/table.js';
import type { Report } from './record-report.js';
import { findRrset, type Rrsets, Rrsig, signaturesOf, typeCovered, typesSignedInVain } from './rrsets.js';
import type { RecordStore } from './store.js';

/** Signatures that expire within these seconds are warned of: signers renew them a week before or earlier. */
const SOON = 7 * 86_400;

/** The checks of a signed zone. */
export type DnssecCheck =
  /** Nothing. */
  | 'off'
  /** The dates of signatures; mistakes are warnings. */
  | 'expiry'
  /** That, and whether signatures are valid and the chain of denial is complete; mistakes are warnings. */
  | 'full'
  /** As `full`, but a mistake that makes validators reject an answer is an error. */
  | 'strict';

/** The signatures of one kind: their number, and the worst of them. */
interface Tally {
  count: number;
  row: number;
  /** Seconds from now. */
  distance: number;
  /** Whether an RRset has only signatures that are not valid now. */
  isFatal: boolean;
}

interface Tallies {
  readonly expired: Tally;
  readonly expiring: Tally;
  readonly early: Tally;
  /** Seconds from now until the first RRset loses its last signature. */
  left: number;
}

/**
 * Reports each kind once: in a neglected zone the signatures of all RRsets have expired. With `strict`, an RRset (of a zone with keys) that
 * no signature is valid for is an error. Returns when the first RRset loses its last signature, in seconds since 1970; undefined without
 * signatures.
 */
export function checkSignatures(
  rrsets: Rrsets,
  apex: number,
  now: number,
  check: DnssecCheck,
  report: Report,
): number | undefined {
  const tally = (distance: number): Tally => ({ count: 0, row: -1, distance, isFatal: false });
  const tallies: Tallies = {
    expired: tally(0),
    expiring: tally(SOON),
    early: tally(0),
    left: Number.POSITIVE_INFINITY,
  };
  for (let set = 0; set < rrsets.count; set++) if (rrsets.type[set] === Type.RRSIG) countSet(rrsets, set, now, tallies);
  if (check !== 'off') {
    const isStrict = check === 'strict' && findRrset(rrsets, apex, Type.DNSKEY) >= 0;
    reportTallies(tallies, now, isStrict, report);
  }
  return Number.isFinite(tallies.left) ? now + tallies.left : undefined;
}

/** Counts the signatures at one name, those of each type covered together: one that is valid suffices. */
function countSet(rrsets: Rrsets, set: number, now: number, tallies: Tallies): void {
  const { store, start, records } = rrsets;
  const end = start[set + 1]!;
  for (let from = start[set]!; from < end; ) {
    const type = typeCovered(store, records[from]!);
    let to = from;
    let longest = Number.NEGATIVE_INFINITY;
    let isValid = false;
    for (; to < end && typeCovered(store, records[to]!) === type; to++) {
      const left = secondsLeft(store, records[to]!, now);
      if (left > longest) longest = left;
      if (left >= 0 && secondsToWait(store, records[to]!, now) <= 0) isValid = true;
    }
    // Signatures that are left of a removed RRset do not count: no answer becomes invalid when they expire.
    const isSigned = findRrset(rrsets, store.node[records[from]!]!, type) >= 0;
    if (isSigned && longest < tallies.left) tallies.left = longest;
    const isFatal = isSigned && !isValid;
    for (; from < to; from++) {
      const row = records[from]!;
      const left = secondsLeft(store, row, now);
      const wait = secondsToWait(store, row, now);
      const { expired, expiring, early } = tallies;
      if (left < 0) count(expired, row, left, left < expired.distance, isFatal);
      else if (longest < SOON) count(expiring, row, left, left < expiring.distance, false);
      if (wait > 0) count(early, row, wait, wait > early.distance, isFatal);
    }
  }
}

function reportTallies({ expired, expiring, early }: Tallies, now: number, isStrict: boolean, report: Report): void {
  const say = (tally: Tally, what: string, which: string, remedy: string): void => {
    if (tally.count === 0) return;
    const time = new Date((now + tally.distance) * 1000).toISOString().slice(0, 19);
    const message = (): string =>
      `found ${counted(tally.count, 'signature')} ${what}, the ${which} on ${time}Z (${report.nameRrset(tally.row)}); expected ${remedy}`;
    if (isStrict && tally.isFatal) report.error(tally.row, message);
    else report.warning(tally.row, message);
  };
  say(expired, 'past expiration', 'first', 'the zone to be signed again');
  say(expiring, 'to expire within 7 days', 'first', 'the zone to be signed again soon');
  say(early, 'not yet valid', 'last', 'them to be valid, or the clock to be right');
}

/** Seconds until a signature expires; negative: it has. */
export function secondsLeft(store: RecordStore, row: number, now: number): number {
  return secondsFrom(now, readU32(store.rdata, store.rdataAt[row]! + Rrsig.EXPIRATION));
}

/** Seconds until a signature becomes valid; 0 or less: it is. */
export function secondsToWait(store: RecordStore, row: number, now: number): number {
  return secondsFrom(now, readU32(store.rdata, store.rdataAt[row]! + Rrsig.INCEPTION));
}

/** Warns of RRSIG records without their RRset: they are served (RFC 1034 §4.3.2), but prove nothing. */
export function checkSignedInVain(rrsets: Rrsets, report: Report): void {
  const { store } = rrsets;
  for (let node = 0; node < store.nodeCount; node++) {
    for (const covered of typesSignedInVain(rrsets, node)) {
      const row = signaturesOf(rrsets, findRrset(rrsets, node, Type.RRSIG), covered)[0]!;
      report.warning(row, () => {
        const what = `found ${report.nameRrset(row)}, but no ${typeToText(covered)} record there`;
        return `${what}; expected the zone to be signed again after it was changed`;
      });
    }
  }
}

/** Seconds from `now` to a time of 32 bits, which stands for the nearest one (RFC 1982, RFC 4034 §3.1.5). */
function secondsFrom(now: number, time: number): number {
  return (time - now) | 0;
}

function count(tally: Tally, row: number, distance: number, isWorse: boolean, isFatal: boolean): void {
  tally.count++;
  if (isFatal) tally.isFatal = true;
  if (tally.row >= 0 && !isWorse) return;
  tally.row = row;
  tally.distance = distance;
}
