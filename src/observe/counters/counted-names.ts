/**
 * The types and extended errors that have a counter of their own. All others share one, so that clients cannot make the number of time
 * series grow.
 */
import { Ede } from '../../protocol/iana.js';
import { typeByMnemonic } from '../../protocol/rdata/table.js';

/** Label of everything else. */
export const OTHER = 'other';
/** Label of a query without a question. */
const NO_QUESTION = 'none';

/** Types that resolvers, mail servers and people ask for; the rest is rare. */
const MNEMONICS = [
  ...['A', 'AAAA', 'NS', 'SOA', 'CNAME', 'DNAME', 'MX', 'TXT', 'PTR', 'SRV', 'NAPTR', 'CAA', 'URI', 'HTTPS', 'SVCB'],
  ...['DS', 'DNSKEY', 'CDS', 'CDNSKEY', 'CSYNC', 'DSYNC', 'RRSIG', 'NSEC', 'NSEC3', 'NSEC3PARAM', 'ZONEMD', 'NXNAME'],
  ...['TLSA', 'SMIMEA', 'OPENPGPKEY', 'SSHFP', 'CERT', 'IPSECKEY', 'HIP', 'SPF', 'HINFO', 'RP', 'LOC', 'RESINFO'],
  ...['ANY', 'AXFR', 'IXFR'],
];

/** Labels of the type words, in their order. */
export const TYPE_LABELS: readonly string[] = [NO_QUESTION, ...MNEMONICS, OTHER];

/** Number of the word of each QTYPE. */
export const TYPE_INDEX = new Uint8Array(65_536).fill(TYPE_LABELS.length - 1);
TYPE_INDEX[0] = 0;
for (const [index, mnemonic] of MNEMONICS.entries()) {
  const type = typeByMnemonic(mnemonic);
  if (type !== undefined) TYPE_INDEX[type] = index + 1;
}

const EDE_CODES: readonly number[] = Object.values(Ede);
/** The INFO-CODEs of RFC 8914's registry are far below. */
const EDE_TABLE = 256;

/** Labels of the words of extended errors, in their order. */
export const EDE_LABELS: readonly string[] = [...EDE_CODES.map(String), OTHER];

/** Number of the word of each INFO-CODE below EDE_TABLE. */
const EDE_INDEX = new Uint8Array(EDE_TABLE).fill(EDE_CODES.length);
for (const [index, code] of EDE_CODES.entries()) EDE_INDEX[code] = index;

/** Number of the word of an INFO-CODE. */
export function edeIndex(code: number): number {
  return code < EDE_TABLE ? EDE_INDEX[code]! : EDE_CODES.length;
}
