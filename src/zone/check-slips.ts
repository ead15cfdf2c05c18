/**
 * Warns of content that is lawful, but hardly meant: names with the zone's name twice at their end (a forgotten final dot), `@` in
 * mailboxes, octets above 127 in owners, RRsets that no message can hold, obsolete types. Hot file: integers.
 */
import { domainToASCII } from 'node:url';
import { Type } from '../protocol/iana.js';
import { labelCount, labelToText, MAX_NAME, nameLength, nameToText, suffixAt } from '../protocol/name.js';
import { nameLayout, typeToText } from '../protocol/rdata/table.js';
import { Place } from './check-names.js';
import type { Report } from './record-report.js';
import { findRrset, isEmpty, type Rrsets, signaturesOf } from './rrsets.js';
import { NO_NODE, type RecordStore } from './store.js';

const AT = 0x40;
const UNDERSCORE = 0x5f;
const ASTERISK = 0x2a;

/** Octets of the longest message: on streams, the two octets before it give its length (RFC 1035 §4.2.2). */
const MAX_MESSAGE = 65_535;
const HEADER = 12;
/** QTYPE and QCLASS. */
const QUESTION_FIXED = 4;
/** Octets of an OPT record without options (RFC 6891 §6.1.2). */
const OPT = 11;
/** Octets of a record before its RDATA, its owner a compression pointer. */
const RECORD_FIXED = 12;
const POINTER = 2;

/** The places of mailboxes (RFC 1035 §8) among the names of their RDATA. */
const MAILBOXES: ReadonlyMap<number, readonly number[]> = new Map([
  [Type.SOA, [1]], // RNAME
  [Type.MINFO, [0, 1]],
  [Type.RP, [0]],
]);

/** The zone's name, and that name below itself. */
export interface ZoneName {
  readonly name: Uint8Array;
  readonly labels: number;
  /** undefined: too long, or the zone is the root. */
  readonly twice: Uint8Array | undefined;
}

export function checkSlips(rrsets: Rrsets, apex: number, places: Uint8Array, zone: ZoneName, report: Report): void {
  const { store } = rrsets;
  checkApex(rrsets, apex, zone, report);
  checkOwners(rrsets, apex, places, zone, report);
  checkOctets(rrsets, apex, places, report);
  for (let node = apex; node < store.nodeCount; node++) {
    if ((places[node]! & Place.IN_ZONE) === 0) continue;
    for (let set = rrsets.nodeRrsets[node]!; set < rrsets.nodeRrsets[node + 1]!; set++) {
      const type = rrsets.type[set]!;
      // Signers make these, as many as there are other records.
      if (type === Type.RRSIG || type === Type.NSEC || type === Type.NSEC3) continue;
      checkSize(rrsets, node, set, zone, report);
      checkNamesIn(rrsets, set, zone, report);
      if (type === Type.MD || type === Type.MF) warnOfMailTypes(rrsets, set, type, report);
    }
  }
}

/** `name`: that of the zone, in wire format. */
export function zoneNameOf(name: Uint8Array): ZoneName {
  const length = name.length * 2 - 1;
  const isPossible = name.length > 1 && length <= MAX_NAME;
  const twice = isPossible ? new Uint8Array(length) : undefined;
  twice?.set(name);
  twice?.set(name, name.length - 1);
  return { name, labels: labelCount(name), twice };
}

/** The row of the store that comes first at a node. */
function firstRowOf(rrsets: Rrsets, node: number): number {
  return rrsets.records[rrsets.start[rrsets.nodeRrsets[node]!]!]!;
}

/** Checks a zone whose name is one name twice: then the owner of the SOA record lacks its final dot, and so do all other owners. */
function checkApex(rrsets: Rrsets, apex: number, { name, labels }: ZoneName, report: Report): void {
  // One label twice, as in com.com, is a name like others.
  if (labels < 4 || labels % 2 === 1) return;
  let half = 0;
  for (let i = labels / 2; i > 0; i--) half += name[half]! + 1;
  if (suffixAt(Uint8Array.from([...name.subarray(0, half), 0]), 0, name.subarray(half), labels / 2) !== 0) return;
  const row = rrsets.records[rrsets.start[findRrset(rrsets, apex, Type.SOA)]!]!;
  report.warning(row, () => {
    const once = nameToText(name, half);
    return `found the zone ${report.owner(row)}, which is ${once} twice; expected ${once} with its final dot as the owner`;
  });
}

/** Checks for owners below the zone's name twice. A zone of one label, as com, may have them. */
function checkOwners(
  rrsets: Rrsets,
  apex: number,
  places: Uint8Array,
  { name, labels, twice }: ZoneName,
  report: Report,
): void {
  const { store } = rrsets;
  const top = twice === undefined || labels < 2 ? NO_NODE : store.lookup(twice);
  if (top === NO_NODE || (places[top]! & Place.BELOW_CUT) !== 0) return;
  const isBelow = new Uint8Array(store.nodeCount);
  for (let node = Math.max(top, apex); node < store.nodeCount; node++) {
    isBelow[node] = node === top || isBelow[store.parent[node]!] === 1 ? 1 : 0;
    if (isBelow[node] === 0 || isEmpty(rrsets, node)) continue;
    const row = firstRowOf(rrsets, node);
    report.warning(row, () => twiceText('', report.owner(row), name));
  }
}

/** Says that a name, which ends in `zone` twice, seems to lack its final dot. `what`: the type whose RDATA it is in. */
function twiceText(what: string, text: string, zone: Uint8Array): string {
  const once = text.slice(0, -nameToText(zone).length);
  return `found ${what}${text}, which ends in the zone's name twice; expected ${once} with its final dot`;
}

/** Octets above 127 are lawful (RFC 2181 §11), but clients ask for A-labels (RFC 5890). */
function checkOctets(rrsets: Rrsets, apex: number, places: Uint8Array, report: Report): void {
  const { store } = rrsets;
  const { labels, label, parent } = store;
  if (!hasHighOctet(labels, 0, store.labelsUsed)) return;
  /** By node: its own label has such octets, or the label of a name above it has them that owns no record. */
  const isHigh = new Uint8Array(store.nodeCount);
  for (let node = 1; node < store.nodeCount; node++) {
    const at = label[node]!;
    const above = parent[node]!;
    const isOwn = hasHighOctet(labels, at + 1, at + 1 + labels[at]!) && !isService(store, above);
    if (isOwn || (isHigh[above] === 1 && isEmpty(rrsets, above))) isHigh[node] = 1;
    if (isHigh[node] === 0 || isEmpty(rrsets, node) || node < apex || (places[node]! & Place.IN_ZONE) === 0) continue;
    const row = firstRowOf(rrsets, node);
    report.warning(row, () => {
      const ascii = asciiName(store.nameOf(node));
      const remedy = ascii === undefined ? 'letters, digits and hyphens' : `its A-labels, ${ascii}`;
      return `found ${report.owner(row)}, which has octets above 127; expected ${remedy} (RFC 5890 §2.3.2.1)`;
    });
  }
}

function hasHighOctet(octets: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (octets[at]! > 127) return true;
  return false;
}

/** Whether a node's label is that of a service or protocol: names of instances below it are UTF-8 (RFC 6763 §4.1.1). */
function isService({ labels, label }: RecordStore, node: number): boolean {
  return labels[label[node]! + 1] === UNDERSCORE;
}

/** The name with A-labels; undefined when its octets are no UTF-8, or when it has no such form. */
function asciiName(name: Uint8Array): string | undefined {
  const parts: string[] = [];
  for (let at = 0; name[at] !== 0; at += name[at]! + 1) {
    const octets = name.subarray(at + 1, at + 1 + name[at]!);
    if (!hasHighOctet(octets, 0, octets.length)) parts.push(labelToText(name, at));
    else {
      const text = Buffer.from(octets).toString('utf8');
      const ascii = text.includes('\ufffd') ? '' : domainToASCII(text);
      if (ascii === '' || ascii.includes('.')) return undefined;
      parts.push(ascii);
    }
  }
  return `${parts.join('.')}.`;
}

/** MD and MF, which MX has replaced: BIND refuses such zones, and senders of mail do not ask for them. */
function warnOfMailTypes({ start, records }: Rrsets, set: number, type: number, report: Report): void {
  const [preference, clause] = type === Type.MD ? [0, '3.3.4'] : [10, '3.3.5'];
  for (let i = start[set]!; i < start[set + 1]!; i++)
    report.warning(
      records[i]!,
      () =>
        `found the obsolete type ${typeToText(type)}, expected MX with the preference ${preference} (RFC 1035 §${clause})`,
    );
}

/** Names in RDATA: the zone's name twice, `@` in mailboxes. */
function checkNamesIn(rrsets: Rrsets, set: number, zone: ZoneName, report: Report): void {
  const { store, type, start, records } = rrsets;
  const names = nameLayout(type[set]!);
  if (names === undefined) return;
  const mailboxes = MAILBOXES.get(type[set]!);
  for (let i = start[set]!; i < start[set + 1]!; i++) {
    const row = records[i]!;
    let at = store.rdataAt[row]! + names.at;
    for (let number = 0; number < names.count; number++) {
      const end = at + nameLength(store.rdata, at);
      if (mailboxes?.includes(number) && store.rdata.subarray(at, end).includes(AT))
        warnOfAtSign(store, row, at, zone, report);
      else if (isTwice(store, at, zone)) {
        const text = nameToText(store.rdata, at);
        report.warning(row, () => twiceText(`${typeToText(type[set]!)} `, text, zone.name));
      }
      at = end;
    }
  }
}

/** Whether the name at rdata[at] ends in the zone's name twice, and no owner shows that this is meant. */
export function isTwice(store: RecordStore, at: number, { labels, twice }: ZoneName): boolean {
  // Most names have fewer octets already.
  if (twice === undefined || nameLength(store.rdata, at) < twice.length) return false;
  if (suffixAt(store.rdata, at, twice, labels * 2) < 0) return false;
  return store.lookup(store.rdata, at) === NO_NODE;
}

function warnOfAtSign(store: RecordStore, row: number, at: number, { name }: ZoneName, report: Report): void {
  report.warning(row, () => {
    const found = nameToText(store.rdata, at);
    const zone = nameToText(name);
    let dotted = found.replace('\\@', '.');
    if (dotted.endsWith(zone + zone)) dotted = dotted.slice(0, -zone.length);
    return `found "@" in the mailbox ${found}, expected a dot in its place: ${dotted} (RFC 1035 §8)`;
  });
}

/** RRsets that no message can hold are never answered. With their signatures, they are not answered to clients that set DO. */
function checkSize(rrsets: Rrsets, node: number, set: number, zone: ZoneName, report: Report): void {
  const { store, start, records } = rrsets;
  let octets = 0;
  for (let i = start[set]!; i < start[set + 1]!; i++) octets += RECORD_FIXED + store.rdataLength[records[i]!]!;
  // Most RRsets are far below the limit, also with their signatures.
  if (octets < MAX_MESSAGE / 4) return;
  const rows = records.subarray(start[set]!, start[set + 1]!);
  octets += HEADER + QUESTION_FIXED + store.nameOf(node).length - saved(rrsets, node, set, zone);
  const signatures = signaturesOf(rrsets, findRrset(rrsets, node, Type.RRSIG), rrsets.type[set]!);
  let signed = signatures.length === 0 ? 0 : OPT;
  for (const row of signatures) signed += RECORD_FIXED + store.rdataLength[row]!;
  if (octets + signed <= MAX_MESSAGE) return;
  const first = rows[0]!;
  report.warning(first, () => {
    const [size, what] = octets > MAX_MESSAGE ? [octets, ''] : [octets + signed, ' with its signatures'];
    const found = `found ${rows.length} records at ${report.nameRrset(first)}, which make${what} a message of ${size} octets`;
    return `${found}; expected fewer: a message has at most ${MAX_MESSAGE}, so that they are never sent`;
  });
}

/** Octets that compression saves in the RDATA of a large RRset: names end in pointers to the owner or to the apex. */
function saved(rrsets: Rrsets, node: number, set: number, zone: ZoneName): number {
  const { store, start, records, type } = rrsets;
  const names = nameLayout(type[set]!);
  if (names?.compressible !== true) return 0;
  const owner = store.nameOf(node);
  const ownerLabels = owner[0] === 1 && owner[1] === ASTERISK ? MAX_NAME : labelCount(owner);
  let octets = 0;
  for (const row of records.subarray(start[set]!, start[set + 1]!)) {
    let at = store.rdataAt[row]! + names.at;
    for (let i = 0; i < names.count; i++) {
      if (suffixAt(store.rdata, at, owner, ownerLabels) >= 0) octets += owner.length - POINTER;
      else if (zone.labels > 0 && suffixAt(store.rdata, at, zone.name, zone.labels) >= 0)
        octets += zone.name.length - POINTER;
      at += nameLength(store.rdata, at);
    }
  }
  return octets;
}
