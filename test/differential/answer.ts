/**
 * Responses as RRset sets that compare equal when they mean the same: names in lower case (RFC 4343 §3), records of an
 * RRset in sorted order (RFC 2181 §5: an RRset is a set).
 */
import { readMessage, type WireRecord } from '../support/message-reader.js';
import { nameToText } from '../support/names.js';
import { typeName } from '../support/rdata.js';
import { T } from './types.js';

export interface AnswerRRset {
  /** Owner in lower case, presentation form. */
  readonly owner: string;
  readonly type: number;
  /** Type covered, for RRSIG; otherwise 0. */
  readonly covered: number;
  /** Of all records, in order and without repetition; one number in a sound answer. */
  readonly ttls: readonly number[];
  /** Sorted; octets as latin1, names in presentation form between blanks. */
  readonly rdata: readonly string[];
}

export type Section = Map<string, AnswerRRset>;

interface Edns {
  readonly size: number;
  readonly version: number;
  readonly dnssecOk: boolean;
  /** The flags besides DO. */
  readonly otherFlags: number;
  readonly options: readonly number[];
}

export interface Answer {
  readonly length: number;
  /** With EDNS's upper bits. */
  readonly rcode: number;
  readonly opcode: number;
  readonly aa: boolean;
  readonly tc: boolean;
  /** RD, RA, Z, AD, CD as they stand in the header. */
  readonly otherFlags: number;
  /** The question section, its octets. */
  readonly question: string;
  readonly answer: Section;
  readonly authority: Section;
  readonly additional: Section;
  readonly edns: Edns | undefined;
}

/** Everything but letters, digits, `-`, `_` and `*` is escaped, as in names.ts. */
const LOWER_CASE: readonly string[] = Array.from({ length: 256 }, (_, octet) => {
  const char = String.fromCharCode(octet);
  return /[A-Za-z0-9_*-]/.test(char) ? char.toLowerCase() : `\\${String(octet).padStart(3, '0')}`;
});

function nameText(wire: Uint8Array, at = 0): string {
  return nameToText(wire, at, LOWER_CASE);
}

function rdataText({ rdata, names }: WireRecord): string {
  let text = '';
  let from = 0;
  for (const at of names) {
    text += `${rdata.toString('latin1', from, at)} ${nameText(rdata, at)} `;
    for (from = at; rdata[from]; ) from += 1 + (rdata[from] ?? 0);
    from++;
  }
  return text + rdata.toString('latin1', from);
}

function sectionOf(records: readonly WireRecord[]): Section {
  const rrsets = new Map<string, { owner: string; type: number; covered: number; ttls: number[]; rdata: string[] }>();
  for (const record of records) {
    const { type, ttl, class: rclass } = record;
    const owner = nameText(record.owner);
    const covered = type === T.RRSIG ? record.rdata.readUInt16BE(0) : 0;
    const key = `${owner} ${typeName(type)}${covered ? `(${typeName(covered)})` : ''}${rclass === 1 ? '' : ` class ${rclass}`}`;
    let rrset = rrsets.get(key);
    if (rrset === undefined) rrsets.set(key, (rrset = { owner, type, covered, ttls: [], rdata: [] }));
    if (!rrset.ttls.includes(ttl)) rrset.ttls.push(ttl);
    rrset.rdata.push(rdataText(record));
  }
  for (const rrset of rrsets.values()) rrset.rdata.sort();
  return rrsets;
}

/** Throws an Error when the message is malformed or no response. */
export function readAnswer(octets: Uint8Array): Answer {
  const { bits, rcode, question, answer, authority, additional, edns } = readMessage(octets);
  if ((bits & 0x8000) === 0) throw new Error('not a response');
  return {
    length: octets.length,
    rcode,
    opcode: (bits >> 11) & 15,
    aa: (bits & 0x400) !== 0,
    tc: (bits & 0x200) !== 0,
    otherFlags: bits & 0x1f0,
    question: question.map(({ name, ...rest }) => `${nameToText(name)} ${rest.class} ${rest.type}`).join(),
    answer: sectionOf(answer),
    authority: sectionOf(authority),
    additional: sectionOf(additional),
    edns: edns && {
      size: edns.udpSize,
      version: edns.version,
      dnssecOk: edns.dnssecOk,
      otherFlags: edns.flags,
      options: edns.options.map(({ code }) => code),
    },
  };
}
