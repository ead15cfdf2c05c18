/**
 * Verifies a whole signed zone, like a validator that asks for everything (RFC 4035): signatures, the chain that denies names, and
 * the digest of the zone. Pure: a zone, the time and a verifier in, findings out. Dates of signatures are checked in
 * zone/check-signatures.ts, which also runs without this.
 *
 * Not here: the DS records of the parent, other chains than the one that is served, and trust anchors (RFC 5011).
 */
import { counted } from '../errors.js';
import { Type } from '../protocol/iana.js';
import { sameName } from '../protocol/name.js';
import type { CheckedZone } from '../zone/check.js';
import type { Diagnostics } from '../zone/diagnostics.js';
import { Report } from '../zone/record-report.js';
import { findRrset, type Rrsets, Rrsig } from '../zone/rrsets.js';
import { writeCanonicalOwner } from './canonical-rrset.js';
import { KeyIndex, zoneKeys } from './keys.js';
import type { SignedZone } from './signed-zone.js';
import type { ChooseVerifier } from './verifier.js';
import { verifyNsec } from './verify-nsec.js';
import { verifyNsec3 } from './verify-nsec3.js';
import { verifySignatures } from './verify-signatures.js';
import { verifyDigests } from './zone-digest.js';

interface VerifyOptions {
  /** Seconds since 1970, the time at which signatures have to be valid. */
  readonly now: number;
  /** Whether faults that make validators reject answers are warnings, not errors. */
  readonly isLenient: boolean;
  readonly chooseVerifier: ChooseVerifier;
}

/** Adds the faults to the diagnostics. `checked`: the zone has passed checkZone(). */
export function verifyZone(
  rrsets: Rrsets,
  checked: CheckedZone,
  diagnostics: Diagnostics,
  { now, isLenient, chooseVerifier }: VerifyOptions,
): void {
  const before = diagnostics.list.length;
  const report = new Report(rrsets.store, diagnostics, isLenient);
  const name = new Uint8Array(rrsets.store.nameOf(checked.apex).length);
  writeCanonicalOwner(rrsets.store, checked.apex, name);
  const keys = zoneKeys(rrsets, checked.apex);
  const keyIndex = new KeyIndex(keys);
  const zone: SignedZone = { rrsets, checked, apexName: name, keys, keyIndex, now: Math.floor(now), report };
  verifySigned(zone, chooseVerifier);
  verifyDigests(zone);
  diagnostics.sort(rrsets.store.files, before);
}

function verifySigned(zone: SignedZone, chooseVerifier: ChooseVerifier): void {
  const { rrsets, checked, keys, report } = zone;
  const signatures = countSignatures(zone);
  const isNsec = findRrset(rrsets, checked.apex, Type.NSEC) >= 0;
  if (keys.length === 0) {
    if (signatures.own > 0)
      report.error(
        signatures.row,
        () =>
          `found ${counted(signatures.own, 'signature')} by ${report.name(checked.apex)}, but no DNSKEY record there: publish the keys, or remove the signatures`,
      );
    else if (signatures.all > 0)
      report.warning(
        signatures.row,
        () =>
          `found ${counted(signatures.all, 'signature')}, none by ${report.name(checked.apex)}; they are not verified`,
      );
    return;
  }
  if (signatures.own === 0 && !isNsec && checked.chain === undefined) {
    const row = keys[0]!.row;
    report.warning(
      row,
      () => `found DNSKEY records of ${report.name(checked.apex)}, but no signature: the zone is not signed`,
    );
    return;
  }
  verifySignatures(zone, chooseVerifier(signatures.all));
  const soa = rrsets.records[rrsets.start[findRrset(rrsets, checked.apex, Type.SOA)]!]!;
  if (checked.chain !== undefined) verifyNsec3(zone, checked.chain);
  else if (!rrsets.type.subarray(0, rrsets.count).includes(Type.NSEC))
    report.error(
      soa,
      () =>
        'found a signed zone without NSEC and NSEC3 records, expected a chain of them (RFC 4035 §2.3, RFC 5155 §7.1): sign the zone again',
    );
  if (isNsec || (checked.chain === undefined && rrsets.type.subarray(0, rrsets.count).includes(Type.NSEC)))
    verifyNsec(zone);
}

interface SignatureCounts {
  readonly all: number;
  /** Those whose signer is the zone. */
  readonly own: number;
  /** The row of the first, if possible of the zone's own. */
  readonly row: number;
}

function countSignatures({ rrsets, apexName }: SignedZone): SignatureCounts {
  const { store } = rrsets;
  let all = 0;
  let own = 0;
  let first = -1;
  for (let row = 0; row < store.recordCount; row++) {
    if (store.type[row] !== Type.RRSIG) continue;
    if (all++ === 0) first = row;
    if (!sameName(store.rdata, store.rdataAt[row]! + Rrsig.SIGNER, apexName, 0)) continue;
    if (own++ === 0) first = row;
  }
  return { all, own, row: first };
}
