/**
 * OOTS, passive mode (draft-johani-dnsop-transport-signaling-03, "Authoritative Nameserver Behavior"): a client that asks with the option
 * gets the NS RRset of the zone in the authority section, and the SVCB RRsets of these nameservers in the additional section, as far as a
 * zone of this server has them. Both are left out, without TC, where they do not fit: the answer is complete without them.
 *
 * - "Self-Identification": one of the nameservers has to be this server.
 * - "Availability of RRSIG SVCB": with DO, an RRset of a signed zone goes with its signatures or not at all. Without DO there are none (RFC
 *   4035 §3.1), and the RRset goes alone: a client that does not ask for signatures does not validate either.
 *
 * NOT here: aliases (SVCB in AliasMode goes as it is), and addresses of the nameservers. A referral has the child's nameservers, not the
 * zone's.
 * Hot file: integers, no allocation.
 */
import { findZone, NOT_SERVED, ZONE_POLICY, ZONE_WORDS } from '../image/catalog.js';
import * as L from '../image/layout.js';
import { Type } from '../protocol/iana.js';
import { LOWER, MAX_NAME } from '../protocol/name.js';
import { type Exchange, HEADER } from './exchange.js';
import type { Facts } from './facts.js';
import { enterImage, Found, walk } from './lookup.js';
import { isPrivate, mayAskFor, needsTls } from './policy.js';
import { findRrset, putNamed, putRrset, reachable } from './records.js';

/** The first label of the owner (RFC 9461 §3). */
const DNS_LABEL = Uint8Array.of(4, 0x5f, 0x64, 0x6e, 0x73);
/** Nameservers that are looked up: the work of a query is bounded. A guess: hardly a zone has more than 13. */
const MAX_NAMESERVERS = 16;
/** From the end of a record's owner: the fields type, and length of RDATA; and RDATA. */
const TO_LENGTH = 8;
const TO_RDATA = 10;
const POINTER = 0xc0;

/** Notes that the answer has the RRset `ref`, written from the octet `from` on: the zone's NS RRset does not go twice (RFC 2181 §5). */
export function noteNameservers(x: Exchange, ref: number, from: number): void {
  if (ref !== nameserversOf(x) || !isReached(x, ref, from) || !hasOurName(x, from, x.at)) return;
  x.nameserversAt = from;
  x.nameserversEnd = x.at;
}

/**
 * Writes the NS RRset of the zone into the authority section, where it belongs and fits. A question for SVCB is probe mode: it gets none.
 */
export function putNameservers(x: Exchange): void {
  const ref = nameserversOf(x);
  if (x.nameserversAt !== 0 || ref === 0 || x.qtype === Type.SVCB || x.qtype === Type.RRSIG) return;
  const from = x.at;
  if (!isReached(x, ref, from)) return;
  const written = putRrset(x, ref, x.apexPointer, x.dnssecOk);
  if (written === 0) return;
  if (!hasOurName(x, from, x.at)) {
    x.at = from;
    return;
  }
  x.authorities += written;
  x.nameserversAt = from;
  x.nameserversEnd = x.at;
}

/** Writes the SVCB RRsets of the nameservers that were noted into the additional section. */
export function putSignals(x: Exchange, facts: Facts): void {
  if (x.truncated === 1) return;
  // EXPIRE and ZONEVERSION are about the zone that has answered.
  const { words, bytes, base } = x;
  let left = MAX_NAMESERVERS;
  for (let at = x.nameserversAt; at < x.nameserversEnd && left > 0; at = nextRecord(x, at), left--) {
    if (isNameserver(x, at)) putSignal(x, facts, rdataOf(x, at));
  }
  x.words = words;
  x.bytes = bytes;
  x.base = base;
}

/** `rdata`: octet of the response with a nameserver's name. */
function putSignal(x: Exchange, facts: Facts, rdata: number): void {
  const count = readName(x, rdata);
  if (count === 0) return;
  const { catalog } = facts;
  const zone = findZone(catalog, x.signalOwner, 0, x.signalLabels, count, 0);
  if (zone === NOT_SERVED || !mayKnow(facts, zone) || !enterImage(x, catalog, zone)) return;
  const { name, scratchName } = x;
  name.octets = x.signalOwner;
  name.count = count - x.words[x.base + L.HEADER_LABEL_COUNT]!;
  for (let i = 0; i < name.count; i++) name.labelAt[i] = x.signalLabels[i]!;
  if (walk(x, 0) !== Found.EXACT) return;
  const ref = findRrset(x, x.node, Type.SVCB);
  if (ref === 0) return;
  if (x.dnssecOk === 1 && isSigned(x) && x.words[x.base + ref + L.RRSET_SIGNATURES] === 0) return;
  const pointer = rdata - x.start;
  scratchName.set(DNS_LABEL);
  scratchName[DNS_LABEL.length] = POINTER | (pointer >> 8);
  scratchName[DNS_LABEL.length + 1] = pointer & 0xff;
  x.additionals += putNamed(x, ref, DNS_LABEL.length + 2, x.dnssecOk);
}

function isSigned(x: Exchange): boolean {
  return (x.words[x.base + L.HEADER_FLAGS]! & (L.FLAG_NSEC | L.FLAG_NSEC3)) !== 0;
}

/** Whether the client may have data of the zone over this transport. */
function mayKnow(facts: Facts, zone: number): boolean {
  const policy = facts.catalog.zones[zone * ZONE_WORDS + ZONE_POLICY]!;
  return policy === 0 || (mayAskFor(facts, policy) && !needsTls(facts, policy) && !isPrivate(facts, policy));
}

/** Reference of the NS RRset of the zone that answers, or 0. */
function nameserversOf(x: Exchange): number {
  return findRrset(x, x.words[x.base + L.HEADER_APEX]!, Type.NS);
}

/** Whether pointers reach all of the RRset: owners point into it, and it has some within. */
function isReached(x: Exchange, ref: number, from: number): boolean {
  const set = x.base + ref;
  return reachable(from - x.start + x.words[set + L.RRSET_LENGTH]! + x.words[set + L.RRSET_SIGNATURES_LENGTH]!);
}

/** Whether one of the NS records from the octet `from` to `end` of the response names this server. */
function hasOurName(x: Exchange, from: number, end: number): boolean {
  let left = MAX_NAMESERVERS;
  for (let at = from; at < end && left > 0; at = nextRecord(x, at), left--) {
    if (isNameserver(x, at) && readName(x, rdataOf(x, at)) > 0 && isOurs(x)) return true;
  }
  return false;
}

/** Whether the name in `signalOwner`, without its first label, is one of this server. */
function isOurs({ settings, signalOwner }: Exchange): boolean {
  const { ootsNames } = settings;
  for (let i = 0; i < ootsNames.length; i++) {
    const name = ootsNames[i]!;
    let at = 0;
    while (at < name.length && LOWER[signalOwner[DNS_LABEL.length + at]!] === LOWER[name[at]!]) at++;
    if (at === name.length) return true;
  }
  return false;
}

// Records that this server has just written: their owners are pointers, or the root.
function ownerEnd(x: Exchange, at: number): number {
  return x.response[at] === 0 ? at + 1 : at + 2;
}

function isNameserver(x: Exchange, at: number): boolean {
  const type = ownerEnd(x, at);
  return ((x.response[type]! << 8) | x.response[type + 1]!) === Type.NS;
}

function rdataOf(x: Exchange, at: number): number {
  return ownerEnd(x, at) + TO_RDATA;
}

function nextRecord(x: Exchange, at: number): number {
  const length = ownerEnd(x, at) + TO_LENGTH;
  return length + 2 + ((x.response[length]! << 8) | x.response[length + 1]!);
}

/** Reads `_dns` and the name at an octet of the response into `signalOwner`. Returns the number of its labels; 0: it is too long. */
function readName(x: Exchange, from: number): number {
  const { response, start, signalOwner, signalLabels } = x;
  signalOwner.set(DNS_LABEL);
  signalLabels[0] = 0;
  let count = 1;
  let to = DNS_LABEL.length;
  for (let at = from; response[at] !== 0; ) {
    const length = response[at]!;
    if (length >= POINTER) {
      const target = ((length & 0x3f) << 8) | response[at + 1]!;
      // Pointers of ours lead backwards.
      if (target < HEADER || start + target >= at) return 0;
      at = start + target;
      continue;
    }
    if (to + length + 2 > MAX_NAME) return 0;
    signalLabels[count++] = to;
    for (let i = 0; i <= length; i++) signalOwner[to++] = response[at++]!;
  }
  signalOwner[to] = 0;
  return count;
}
