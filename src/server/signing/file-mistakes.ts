/** Mistakes in the file of a zone that is to be signed here. Loader threads use this too: it must not load the schema. */
import { durationText } from '../../config/signing/duration-text.js';
import { isKeyType, isSignersType } from '../../dnssec/signing/signers-types.js';
import { Type } from '../../protocol/iana.js';
import { nameToText } from '../../protocol/name.js';
import { readU32 } from '../../protocol/octets.js';
import { typeToText } from '../../protocol/rdata/table.js';
import type { Diagnostic } from '../../zone/diagnostics.js';
import { findRrset, type Rrsets } from '../../zone/rrsets.js';

/** The limits that the configuration sets for a zone that is signed here. Plain data. */
export interface SigningLimits {
  /** The policy's name. */
  readonly policy: string;
  /** Seconds for which every signature that is served is valid at least. */
  readonly refresh: number;
  /** Whether others may transfer the zone. */
  readonly hasSecondaries: boolean;
  /** Whether the zone may have keys of other signers (RFC 8901). */
  readonly hasOtherSigners: boolean;
}

/** Octets from EXPIRE to the end of an SOA record's RDATA (RFC 1035 §3.3.13). */
const EXPIRE_FROM_END = 8;
const DAY = 86_400;

/**
 * An error if secondaries that do not reach this server could serve signatures that have expired: they serve the zone until EXPIRE, and
 * caches keep an answer for its TTL. The jitter does not count: it never takes a signature's end below `refresh`.
 *
 * @param apex In wire format.
 */
export function expireMistake(rrsets: Rrsets, apex: Uint8Array, limits: SigningLimits): Diagnostic | undefined {
  const { store } = rrsets;
  const row = soaRow(rrsets);
  if (row === undefined || !limits.hasSecondaries) return undefined;
  const expire = readU32(store.rdata, store.rdataAt[row]! + store.rdataLength[row]! - EXPIRE_FROM_END);
  let ttl = 0;
  for (let set = 0; set < rrsets.count; set++) if (rrsets.ttl[set]! > ttl) ttl = rrsets.ttl[set]!;
  const needed = expire + ttl;
  if (needed <= limits.refresh) return undefined;
  const days = Math.ceil(needed / DAY);
  const lower = limits.refresh - ttl;
  const remedy = `set refresh: ${days}d and validity: ${2 * days}d in \`dnssec.policies\`${lower > 0 ? `, or lower EXPIRE to ${lower}` : ''}`;
  return at(
    rrsets,
    row,
    `found EXPIRE ${durationText(expire)} and TTLs up to ${durationText(ttl)} in zone ${nameToText(apex)}, expected at most ${durationText(limits.refresh)} together, which is \`refresh\` of the signing policy ${limits.policy}: a secondary that does not reach this server would serve signatures that have expired; ${remedy}`,
  );
}

/** A record that only a signer makes. Plain data. */
export interface SignersRecord extends Pick<Diagnostic, 'file' | 'line' | 'column'> {
  /** `www.example. RRSIG`. */
  readonly record: string;
}

/** An error if the file has records that only the signer makes: it was signed elsewhere. */
export function signedElsewhereMistake(rrsets: Rrsets, { hasOtherSigners }: SigningLimits): Diagnostic | undefined {
  const found = signersRecordAt(rrsets, hasOtherSigners);
  return found && signedElsewhereError(found, 'it would not be signed');
}

/** The error of a zone file that has such a record; `outcome`: the consequence for the file. */
export function signedElsewhereError({ record, ...place }: SignersRecord, outcome: string): Diagnostic {
  return { severity: 'error', ...place, message: signedElsewhereText(record, outcome) };
}

/** The first record of the file that only the signer makes; undefined: there is none. With `hasForeign`, keys do not count (RFC 8901). */
export function signersRecordAt(rrsets: Rrsets, hasForeign: boolean): SignersRecord | undefined {
  const { store } = rrsets;
  const soa = soaRow(rrsets);
  const apexNode = soa === undefined ? -1 : store.node[soa]!;
  for (let row = 0; row < store.recordCount; row++) {
    const type = store.type[row]!;
    if (!isSignersType(type, store.node[row] === apexNode) || (hasForeign && isKeyType(type))) continue;
    return { ...placeOf(rrsets, row), record: `${nameToText(store.nameOf(store.node[row]!))} ${typeToText(type)}` };
  }
  return undefined;
}

/** The message about a zone file with a record that only the signer makes. `record`: owner and type; `outcome`: the consequence. */
function signedElsewhereText(record: string, outcome: string): string {
  const types = 'RRSIG, NSEC, NSEC3 and NSEC3PARAM records, and those of DNSKEY, CDS and CDNSKEY at the apex';
  const remedy = `remove what another signer made (${types}), and give its keys with \`adotd ctl dnssec import\`, name the other signers in \`multi_signer\` if it has several, or set \`dnssec: off\` in its policy`;
  return `found ${record} in the file of a zone that is signed here, expected no record that signing makes; ${outcome}: ${remedy}`;
}

function soaRow(rrsets: Rrsets): number | undefined {
  for (let node = 0; node < rrsets.store.nodeCount; node++) {
    const set = findRrset(rrsets, node, Type.SOA);
    if (set >= 0) return rrsets.records[rrsets.start[set]!]!;
  }
  return undefined;
}

function at(rrsets: Rrsets, row: number, message: string): Diagnostic {
  return { severity: 'error', ...placeOf(rrsets, row), message };
}

function placeOf({ store }: Rrsets, row: number): Pick<Diagnostic, 'file' | 'line' | 'column'> {
  return { file: store.files[store.file[row]!] ?? '', line: store.line[row]!, column: store.column[row]! };
}
