/**
 * Follows CNAME and DNAME records inside the zone (RFC 1034 §4.3.2 steps 3a and 3c, RFC 6672 §3). A chain ends when it
 * leaves the zone, comes back to one of its names, or has MAX_CHAIN links. Hot file: integers, no allocation.
 */
import * as L from '../image/layout.js';
import { Class, Rcode, Type } from '../protocol/iana.js';
import { LOWER, MAX_NAME } from '../protocol/name.js';
import { type Exchange, MAX_CHAIN } from './exchange.js';
import { ownerPointer } from './lookup.js';
import { putRrset, recordsAt } from './records.js';

const POINTER_BITS = 0xc000;
/** A chain ends at this offset of the message, so that compression pointers reach everything that may follow it. */
const CHAIN_REACH = 0x2000;

/** How to go on after a link. */
export const Link = {
  /** `x.name` is the target now: look it up. */
  FOLLOW: 0,
  /** The answer ends here: target outside the zone, loop, or limit. */
  END: 1,
  /** The target would be longer than a name can be: YXDOMAIN (RFC 6672 §2.2). */
  TOO_LONG: 2,
} as const;
export type Link = (typeof Link)[keyof typeof Link];

/** Answers with the CNAME RRset `ref` of `x.name`, and goes to its target unless `stop` says that QTYPE wants no more. */
export function followCname(x: Exchange, ref: number, stop: boolean): Link {
  remember(x);
  const recordAt = x.at;
  const written = putRrset(x, ref, ownerPointer(x, 0), x.dnssecOk);
  if (written === 0) x.truncate();
  x.answers += written;
  const inZone = (x.words[x.base + ref + L.RRSET_INFO]! & L.RRSET_TARGET_IN_ZONE) !== 0;
  const pointer = recordAt + L.RECORD_FIXED - x.start;
  if (stop || !inZone || pointer > CHAIN_REACH) return Link.END;
  goTo(x, x.bytes, recordsAt(x, ref) + L.RECORD_FIXED, pointer);
  return arrive(x);
}

/**
 * Answers with the DNAME RRset `ref` of `x.node` and the CNAME synthesised from it (RFC 6672 §3.1, §5.3.1), and goes to
 * the CNAME's target unless `stop`.
 */
export function followDname(x: Exchange, ref: number, stop: boolean): Link {
  remember(x);
  if (!putDname(x, ref)) x.truncate();
  const record = recordsAt(x, ref);
  const target = record + L.RECORD_FIXED;
  const targetLength = (x.bytes[record + L.RECORD_RDLENGTH]! << 8) | x.bytes[record + L.RECORD_RDLENGTH + 1]!;
  const prefix = x.name.labelAt[x.left - 1]! + x.name.octets[x.name.labelAt[x.left - 1]!]! + 1 - x.name.labelAt[0]!;
  if (prefix + targetLength > MAX_NAME) return Link.TOO_LONG;

  // The new name: the labels left of the DNAME's owner, then the target's. A pointer may stand for the apex.
  const { composed, bytes, name } = x;
  for (let i = 0, from = name.labelAt[0]!; i < prefix; i++) composed[i] = name.octets[from + i]!;
  for (let i = 0; i < targetLength; i++) composed[prefix + i] = bytes[target + i]!;
  const whole = prefix + targetLength;
  // Also below a DNAME to an ancestor of the apex, the new name can be in the zone (RFC 6672 §3.2): so it decides, not the target.
  const below = octetsBelowApex(x, whole);
  const inZone = below >= 0;
  const kept = inZone && x.apexPointer !== 0 ? below : whole;
  const rdlength = kept === whole ? whole : kept + 2;
  const to = x.at;
  const fits = to + L.RECORD_FIXED + rdlength <= x.limit;
  if (fits) putSynthesised(x, record, rdlength, kept);
  else x.truncate();
  const pointer = to + L.RECORD_FIXED - x.start;
  if (stop || !inZone || pointer > CHAIN_REACH) return Link.END;
  composed[below] = 0;
  goTo(x, composed, 0, pointer);
  return arrive(x);
}

/** How many octets of the name in `x.composed`, of `length` octets, are below the zone's apex; -1: it is not in the zone. */
function octetsBelowApex(x: Exchange, length: number): number {
  const { composed, words, bytes, base } = x;
  const apexLength = words[base + L.HEADER_NAME_LENGTH]!;
  const apex = (base + words[base + L.HEADER_NAME]!) << 2;
  const below = length - apexLength;
  let at = 0;
  while (at < below) at += composed[at]! + 1;
  if (at !== below) return -1;
  for (let i = 0; i < apexLength; i++) if (LOWER[composed[at + i]!] !== LOWER[bytes[apex + i]!]) return -1;
  return below;
}

/**
 * Writes the CNAME synthesised from the DNAME record at the octet `record` of the image. Its RDATA has `rdlength` octets:
 * `kept` octets of `x.composed`, then a pointer to the apex if any are left.
 */
function putSynthesised(x: Exchange, record: number, rdlength: number, kept: number): void {
  const { bytes, composed, response: out } = x;
  const to = x.at;
  const owner = POINTER_BITS | ownerPointer(x, 0);
  out[to] = owner >> 8;
  out[to + 1] = owner & 0xff;
  out[to + 2] = 0;
  out[to + 3] = Type.CNAME;
  out[to + 4] = 0;
  out[to + 5] = Class.IN;
  for (let i = 0; i < 4; i++) out[to + L.RECORD_TTL + i] = bytes[record + L.RECORD_TTL + i]!;
  out[to + L.RECORD_RDLENGTH] = 0;
  out[to + L.RECORD_RDLENGTH + 1] = rdlength;
  const rdata = to + L.RECORD_FIXED;
  for (let i = 0; i < kept; i++) out[rdata + i] = composed[i]!;
  if (kept !== rdlength) {
    out[rdata + kept] = (POINTER_BITS | x.apexPointer) >> 8;
    out[rdata + kept + 1] = x.apexPointer & 0xff;
  }
  x.at = rdata + rdlength;
  x.answers++;
}

/** Whether a link of the chain has put the DNAME RRset `ref` into the answer. */
export function isAnswered(x: Exchange, ref: number): boolean {
  for (let i = 0; i < x.dnameCount; i++) if (x.dnames[i] === ref) return true;
  return false;
}

/** Writes the DNAME RRset unless an earlier link did; returns false when it does not fit. */
function putDname(x: Exchange, ref: number): boolean {
  if (isAnswered(x, ref)) return true;
  const written = putRrset(x, ref, ownerPointer(x, x.left), x.dnssecOk);
  if (written === 0) return false;
  x.answers += written;
  x.dnames[x.dnameCount++] = ref;
  return true;
}

/** Makes the name at `at` of `octets` the one to look up; its labels below the apex are read. */
function goTo(x: Exchange, octets: Uint8Array, at: number, pointer: number): void {
  const { name } = x;
  name.octets = octets;
  let count = 0;
  let label = at;
  // Below the apex of a zone other than the root a stored name ends in a pointer, a composed one in a zero octet.
  for (let length = octets[label]!; length !== 0 && length < 0xc0; length = octets[label]!) {
    name.labelAt[count] = label;
    name.pointer[count++] = pointer + label - at;
    label += length + 1;
  }
  name.count = count;
  name.length = label - at;
}

/** Notes the name of this link in lower case, to detect loops. */
function remember(x: Exchange): void {
  const { name, visited } = x;
  const to = x.links * MAX_NAME;
  const from = name.count === 0 ? 0 : name.labelAt[0]!;
  for (let i = 0; i < name.length; i++) visited[to + i] = LOWER[name.octets[from + i]!]!;
  x.visitedLength[x.links++] = name.length;
}

/** FOLLOW, or END when the chain has had this name before, or is at its limit. */
function arrive(x: Exchange): Link {
  const { name, visited, visitedLength } = x;
  if (x.links === MAX_CHAIN) return Link.END;
  const from = name.count === 0 ? 0 : name.labelAt[0]!;
  for (let link = 0; link < x.links; link++) {
    if (visitedLength[link] !== name.length) continue;
    let i = 0;
    while (i < name.length && visited[link * MAX_NAME + i] === LOWER[name.octets[from + i]!]) i++;
    if (i === name.length) return Link.END;
  }
  return Link.FOLLOW;
}

/** The RCODE that the end of a chain sets by itself. */
export function rcodeOfLink(link: Link): number {
  return link === Link.TOO_LONG ? Rcode.YXDOMAIN : Rcode.NOERROR;
}
