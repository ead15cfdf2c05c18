/** Warns of signatures that are not valid now, or expire soon (RFC 4034 §3.1.5), and of those over nothing. */
import { Type } from '../protocol/iana.js';
import { readU32 } from '../protocol/octets.js';
import { typeToText } from '../protocol/rdata/table.js';
import type { Report } from './record-report.js';
import { findRrset, type Rrsets, signaturesOf, typesSignedInVain } from './rrsets.js';

/** Signatures that expire within these seconds are warned of: signers renew them a week before or earlier. */
const SOON = 7 * 86_400;
/** Places in RRSIG RDATA (RFC 4034 §3.1). */
const EXPIRATION = 8;
const INCEPTION = 12;

/** The signatures of one kind: their number, and the worst of them. */
interface Tally {
  count: number;
  row: number;
  /** Seconds from now. */
  distance: number;
}

/** Warns once of each kind: in a neglected zone the signatures of all RRsets have expired. */
export function checkSignatures(rrsets: Rrsets, now: number, report: Report): void {
  const { store, type, start, records } = rrsets;
  const expired: Tally = { count: 0, row: -1, distance: 0 };
  const expiring: Tally = { count: 0, row: -1, distance: SOON };
  const early: Tally = { count: 0, row: -1, distance: 0 };
  for (let set = 0; set < rrsets.count; set++) {
    if (type[set] !== Type.RRSIG) continue;
    for (let i = start[set]!; i < start[set + 1]!; i++) {
      const row = records[i]!;
      const at = store.rdataAt[row]!;
      const left = secondsFrom(now, readU32(store.rdata, at + EXPIRATION));
      const wait = secondsFrom(now, readU32(store.rdata, at + INCEPTION));
      if (left < 0) count(expired, row, left, left < expired.distance);
      else if (left < SOON) count(expiring, row, left, left < expiring.distance);
      if (wait > 0) count(early, row, wait, wait > early.distance);
    }
  }
  const warn = (tally: Tally, what: string, which: string, remedy: string): void => {
    if (tally.count === 0) return;
    const time = new Date((now + tally.distance) * 1000).toISOString().slice(0, 19);
    const signatures = tally.count === 1 ? 'signature' : 'signatures';
    const message = (): string =>
      `found ${tally.count} ${signatures} ${what}, the ${which} on ${time}Z (${report.nameRrset(tally.row)}); expected ${remedy}`;
    report.warning(tally.row, message);
  };
  warn(expired, 'past expiration', 'first', 'the zone to be signed again');
  warn(expiring, 'to expire within 7 days', 'first', 'the zone to be signed again soon');
  warn(early, 'not yet valid', 'last', 'them to be valid, or the clock to be right');
}

/** Warns of RRSIG records whose RRset is not there: they are served (RFC 1034 §4.3.2), but prove nothing. */
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

function count(tally: Tally, row: number, distance: number, isWorse: boolean): void {
  tally.count++;
  if (tally.row >= 0 && !isWorse) return;
  tally.row = row;
  tally.distance = distance;
}
