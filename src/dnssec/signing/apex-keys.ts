/**
 * DNSKEY, CDS and CDNSKEY records of a zone, ours and those of other signers (RFC 8901). NOT here: model 1 of RFC 8901, where another
 * signer has the only KSK (§2.1.1).
 */
import { AdotdError, counted, ErrorCode } from '../../errors.js';
import { Type } from '../../protocol/iana.js';
import { readU16 } from '../../protocol/octets.js';
import { algorithmText } from '../algorithms.js';
import { DELETE_CDNSKEY, DELETE_CDS, DigestType, dsRdata } from '../keys/delegation-signer.js';
import { algorithmOf, keyTag } from '../keys.js';

/** RDATA. */
export interface ApexKeys {
  readonly dnskey: readonly Uint8Array[];
  readonly cds: readonly Uint8Array[];
  readonly cdnskey: readonly Uint8Array[];
}

/** The types of these records, by the name of their list. */
export const KEY_TYPES = [
  ['dnskey', Type.DNSKEY],
  ['cds', Type.CDS],
  ['cdnskey', Type.CDNSKEY],
] as const;

export const NO_APEX_KEYS: ApexKeys = { dnskey: [], cds: [], cdnskey: [] };

/** DNSKEY records of other signers in one zone. A guess: more signers than anybody has, each in the middle of a roll. */
const MAX_FOREIGN = 16;
/** Where CDS RDATA has the algorithm. */
const CDS_ALGORITHM = 2;

function textOf(rdata: Uint8Array): string {
  return Buffer.from(rdata).toString('base64');
}

/** Whether a zone has none of these records. */
export function isWithoutKeys({ dnskey, cds, cdnskey }: ApexKeys): boolean {
  return dnskey.length + cds.length + cdnskey.length === 0;
}

/** Makes each list with `make`. */
export function eachList(make: (list: 'dnskey' | 'cds' | 'cdnskey') => readonly Uint8Array[]): ApexKeys {
  return { dnskey: make('dnskey'), cds: make('cds'), cdnskey: make('cdnskey') };
}

/** The records of `all` that are not in `others`; each once. */
export function withoutKeys(all: ApexKeys, others: ApexKeys): ApexKeys {
  return eachList((list) => {
    const seen = new Set(others[list].map(textOf));
    return all[list].filter((rdata) => {
      const text = textOf(rdata);
      return !seen.has(text) && seen.add(text);
    });
  });
}

/** The records of both, each once. */
export function withKeys(all: ApexKeys, others: ApexKeys): ApexKeys {
  const more = withoutKeys(others, all);
  return eachList((list) => [...all[list], ...more[list]]);
}

/** The records that belong to our keys, of which RDATA of the DNSKEY records is given. `zone`: in wire format and in lower case. */
export function ownRecords(dnskeys: readonly Uint8Array[], zone: Uint8Array): ApexKeys {
  const cds = dnskeys.flatMap((dnskey) => Object.values(DigestType).map((digest) => dsRdata(dnskey, zone, digest)));
  return { dnskey: dnskeys, cds, cdnskey: dnskeys };
}

/**
 * Throws ADOTD_ZONE_INVALID for new records of other signers that would make the zone bogus for some resolvers, or that ask the parent to
 * make it insecure. `own`: our keys.
 */
export function checkForeign(
  zone: string,
  added: ApexKeys,
  all: ApexKeys,
  own: readonly { readonly algorithm: number; readonly tag: number }[],
): void {
  const fail = (found: string, expected: string): never => {
    throw new AdotdError(
      ErrorCode.ZONE_INVALID,
      `zone ${zone}: found ${found} of another signer, expected ${expected}`,
    );
  };
  const same = (rdata: Uint8Array, other: Uint8Array): boolean => Buffer.compare(rdata, other) === 0;
  const checkAlgorithm = (what: string, algorithm: number): void => {
    const known = [...new Set(own.map((key) => key.algorithm))].map(algorithmText);
    if (known.length > 0 && !own.some((key) => key.algorithm === algorithm))
      fail(
        `${what} of ${algorithmText(algorithm)}`,
        `${known.join(' or ')}, with which the zone is signed here: all signers of a zone use one algorithm (RFC 8901 §4)`,
      );
  };
  if (all.dnskey.length > MAX_FOREIGN) fail(`${counted(all.dnskey.length, 'DNSKEY record')}`, `at most ${MAX_FOREIGN}`);
  for (const rdata of added.dnskey) {
    const tag = keyTag(rdata);
    checkAlgorithm(`the DNSKEY record ${tag}`, algorithmOf(rdata));
    if (own.some((key) => key.tag === tag && key.algorithm === algorithmOf(rdata)))
      fail(
        `the DNSKEY record ${tag}`,
        `one with another tag: a key of this signer has it; have the other one replaced`,
      );
  }
  const isRemoval =
    added.cds.some((one) => same(one, DELETE_CDS)) || added.cdnskey.some((one) => same(one, DELETE_CDNSKEY));
  if (isRemoval)
    fail(
      'a CDS or CDNSKEY record that asks the parent to remove all DS records',
      'none while the zone is signed here: a zone with several signers becomes unsigned at all of them (RFC 8078 §4)',
    );
  for (const rdata of added.cds)
    checkAlgorithm(`the CDS record of key ${readU16(rdata, 0)}`, rdata[CDS_ALGORITHM] ?? 0);
  for (const rdata of added.cdnskey) checkAlgorithm(`the CDNSKEY record ${keyTag(rdata)}`, algorithmOf(rdata));
}
