/** The faults of an RRset's signatures, and the messages about them. */
import { counted } from '../errors.js';
import { nameToText } from '../protocol/name.js';
import { readU16, readU32 } from '../protocol/octets.js';
import { Rrsig } from '../zone/rrsets.js';
import { algorithmText } from './algorithms.js';
import type { SignedZone } from './signed-zone.js';

/** The faults of a signature. The higher one is nearer to a valid signature; the highest of an RRset is reported. */
export const Fault = {
  NONE: 0,
  /** It is in no batch yet, or its batch is not done. */
  NOT_VERIFIED: 1,
  FOREIGN_SIGNER: 2,
  NO_KEY: 3,
  NO_ZONE_KEY: 4,
  REVOKED_KEY: 5,
  DATES: 6,
  LABELS: 7,
  BAD_KEY: 8,
  INVALID: 9,
  /** It is valid, for another TTL. */
  TTL: 10,
  UNKNOWN_ALGORITHM: 11,
} as const;

/** Reports an RRset without valid signature; its signatures are rrsets.records[from … to). */
export function reportRrset(
  zone: SignedZone,
  set: number,
  from: number,
  to: number,
  faults: Uint8Array,
  sums: SignatureSums,
): void {
  const { rrsets, report } = zone;
  const { store, records } = rrsets;
  const place = records[rrsets.start[set]!]!;
  if (from === to) {
    report.error(place, () => {
      const apex = nameToText(zone.apexName);
      return `found no signature of ${report.nameRrset(place)}, expected one by a key of ${apex} (RFC 4035 §2.2): ${REMEDY}`;
    });
    return;
  }
  let worst = from;
  let isDated = true;
  for (let i = from; i < to; i++) {
    const row = records[i]!;
    const isOther = readU32(store.rdata, store.rdataAt[row]! + Rrsig.ORIGINAL_TTL) !== rrsets.ttl[set];
    if (faults[row] === Fault.NONE && isOther) faults[row] = Fault.TTL;
    if (faults[row] !== Fault.DATES) isDated = false;
    if (faults[row] === Fault.NONE) {
      sums.add(set, from, to, faults);
      return;
    }
    if (faults[row]! > faults[records[worst]!]!) worst = i;
  }
  const row = records[worst]!;
  if (faults[row] === Fault.UNKNOWN_ALGORITHM) sums.addUnverified(set, from, to, faults, row);
  // check-signatures.ts counts these.
  else if (!isDated) report.error(place, () => faultText(zone, set, row, faults[row]!));
}

const REMEDY = 'sign the zone again';

function faultText(zone: SignedZone, set: number, row: number, fault: number): string {
  const { rrsets, report } = zone;
  const { rdata, rdataAt } = rrsets.store;
  const at = rdataAt[row]!;
  const place = rrsets.records[rrsets.start[set]!]!;
  const what = report.nameRrset(place);
  const key = `key ${readU16(rdata, at + Rrsig.KEY_TAG)}, ${algorithmText(rdata[at + Rrsig.ALGORITHM]!)}`;
  const signature = `the signature of ${what} in ${report.place(row, place)} (${key})`;
  switch (fault) {
    case Fault.FOREIGN_SIGNER: {
      const signer = nameToText(rdata, at + Rrsig.SIGNER);
      return `found ${signer} as the signer of ${what}, expected ${nameToText(zone.apexName)}: ${REMEDY}`;
    }
    case Fault.NO_KEY:
      return `found no DNSKEY record for ${signature}: publish the key, or ${REMEDY}`;
    case Fault.NO_ZONE_KEY:
      return `found a DNSKEY record without the flag "zone key" for ${signature} (RFC 4034 §2.1.1): ${REMEDY}`;
    case Fault.REVOKED_KEY:
      return `found a revoked DNSKEY record for ${signature}, expected a key in use (RFC 5011 §2.1): ${REMEDY}`;
    case Fault.DATES:
      return `found that ${signature} is not valid now, and no other one that is: ${REMEDY}`;
    case Fault.LABELS: {
      const labels = rdata[at + Rrsig.LABELS];
      return `found ${labels} as the number of labels in ${signature}, expected that of the name (RFC 4034 §3.1.3): ${REMEDY}`;
    }
    case Fault.BAD_KEY:
      return `found a DNSKEY record that holds no key of its algorithm for ${signature}: publish the right key`;
    case Fault.TTL: {
      const ttl = readU32(rdata, at + Rrsig.ORIGINAL_TTL);
      return `found TTL ${rrsets.ttl[set]} for ${what}, expected ${ttl}, the original TTL of its signature (RFC 4034 §3.1.4): ${REMEDY}`;
    }
    default:
      return `found that ${signature} does not verify: the records, the key or the signature were changed; ${REMEDY}`;
  }
}

/** RRsets and signatures that are only counted, and reported once. */
export class SignatureSums {
  readonly #zone: SignedZone;
  /** Algorithms of the zone's keys: every RRset is to have a signature by each (RFC 4035 §2.2). */
  readonly #algorithms: readonly number[];
  /** For each of them, the RRsets without such a signature. */
  readonly #missing: Sum[];
  readonly #unverified = new Sum();
  readonly #useless = new Sum();
  readonly #otherTtl = new Sum();
  readonly #forbidden = new Sum();

  constructor(zone: SignedZone) {
    this.#zone = zone;
    this.#algorithms = [...new Set(zone.keys.filter(({ isUsable }) => isUsable).map(({ algorithm }) => algorithm))];
    this.#missing = this.#algorithms.map(() => new Sum());
  }

  /** An RRset that no signature known here covers; `row` is one of the others. */
  addUnverified(set: number, from: number, to: number, faults: Uint8Array, row: number): void {
    this.#unverified.add(row);
    this.add(set, from, to, faults);
  }

  /** The signatures of an RRset that is signed. */
  add(set: number, from: number, to: number, faults: Uint8Array): void {
    const { rrsets } = this.#zone;
    const { store, records } = rrsets;
    for (let i = from; i < to; i++) {
      const row = records[i]!;
      const fault = faults[row]!;
      if (store.ttl[row] !== rrsets.ttl[set]) this.#otherTtl.add(row);
      const isOld = fault === Fault.DATES || fault === Fault.REVOKED_KEY;
      if (fault !== Fault.NONE && fault !== Fault.UNKNOWN_ALGORITHM && !isOld) this.#useless.add(row);
    }
    for (let a = 0; a < this.#algorithms.length; a++) {
      let isSigned = false;
      for (let i = from; i < to && !isSigned; i++) {
        const fault = faults[records[i]!]!;
        const algorithm = store.rdata[store.rdataAt[records[i]!]! + Rrsig.ALGORITHM];
        isSigned = algorithm === this.#algorithms[a] && (fault === Fault.NONE || fault === Fault.UNKNOWN_ALGORITHM);
      }
      if (!isSigned) this.#missing[a]!.add(records[rrsets.start[set]!]!);
    }
  }

  /** Signatures rrsets.records[from … to) over data that the zone is not the authority for. */
  addForbidden(from: number, to: number): void {
    for (let i = from; i < to; i++) this.#forbidden.add(this.#zone.rrsets.records[i]!);
  }

  report(): void {
    const { report, rrsets } = this.#zone;
    const { rdata, rdataAt } = rrsets.store;
    const say = ({ count, row }: Sum, message: () => string): void => {
      if (count > 0) report.warning(row, message);
    };
    say(this.#unverified, () => {
      const { count, row } = this.#unverified;
      const algorithm = algorithmText(rdata[rdataAt[row]! + Rrsig.ALGORITHM]!);
      return `found ${counted(count, 'RRset')} with signatures that cannot be verified here, the first of ${algorithm} (${report.nameRrset(row)}); nothing is said about that`;
    });
    const { count: forbidden, row: first } = this.#forbidden;
    if (forbidden > 0)
      report.error(
        first,
        () =>
          `found ${counted(forbidden, 'signature')} of delegations or of names below them, the first ${report.nameRrset(first)}; expected none there (RFC 4035 §2.2): ${REMEDY}`,
      );
    say(this.#useless, () => {
      const { count, row } = this.#useless;
      return `found ${counted(count, 'invalid signature')} beside valid ones, the first ${report.nameRrset(row)}; expected valid ones only: sign the zone again`;
    });
    say(this.#otherTtl, () => {
      const { count, row } = this.#otherTtl;
      return `found ${counted(count, 'signature')} with another TTL than the RRset, the first ${report.nameRrset(row)}; expected the same (RFC 4034 §3)`;
    });
    this.#algorithms.forEach((algorithm, index) => {
      const sum = this.#missing[index]!;
      say(
        sum,
        () =>
          `found ${counted(sum.count, 'RRset')} without a valid signature of ${algorithmText(algorithm)}, which the DNSKEY records announce, the first ${report.nameRrset(sum.row)}; expected signatures of all algorithms (RFC 4035 §2.2)`,
      );
    });
  }
}

class Sum {
  count = 0;
  row = -1;

  add(row: number): void {
    if (this.count++ === 0) this.row = row;
  }
}
