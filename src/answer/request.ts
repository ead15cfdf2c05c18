/**
 * Reads a request: question, records, OPT, TSIG. All of it is judged here, and not read again later. The time is linear in
 * the length of the message: compression pointers are checked, not followed.
 * Hot file: integers, no allocation, no exceptions.
 */
import { EdnsOption, Type } from '../protocol/iana.js';
import { MAX_LABEL, MAX_NAME } from '../protocol/name.js';
import { type Exchange, HEADER } from './exchange.js';

const POINTER = 0xc0;
/** Type, class, TTL and RDLENGTH of a record. */
export const RECORD_FIXED = 10;

/** Reads the question behind the header; returns the offset behind it, or 0 when it does not parse. */
export function readQuestion(x: Exchange): number {
  const octets = x.request;
  const from = x.requestAt + HEADER;
  let at = from;
  let count = 0;
  for (;;) {
    if (at >= x.requestEnd) return 0;
    const length = octets[at]!;
    if (length === 0) break;
    // No compression in QNAME: there is nothing before it to point to.
    if (length > MAX_LABEL) return 0;
    x.qnameLabels[count++] = at - from;
    at += length + 1;
    if (at - from >= MAX_NAME) return 0;
  }
  at++;
  if (at + 4 > x.requestEnd) return 0;
  x.qnameAt = from;
  x.qnameLength = at - from;
  x.qnameLabelCount = count;
  x.qtype = (octets[at]! << 8) | octets[at + 1]!;
  x.qclass = (octets[at + 2]! << 8) | octets[at + 3]!;
  return at + 4;
}

/**
 * Reads the records behind the question: `ordinary` of the answer and authority sections, `additional` ones. Returns
 * whether the message is well formed to its last octet.
 */
export function readRecords(x: Exchange, from: number, ordinary: number, additional: number): boolean {
  const octets = x.request;
  let at = from;
  const total = ordinary + additional;
  for (let i = 0; i < total; i++) {
    const owner = at;
    at = skipName(octets, at, x.requestEnd, x.requestAt);
    if (at === 0 || at + RECORD_FIXED > x.requestEnd) return false;
    const type = (octets[at]! << 8) | octets[at + 1]!;
    const rdata = at + RECORD_FIXED;
    const end = rdata + ((octets[at + 8]! << 8) | octets[at + 9]!);
    if (end > x.requestEnd) return false;
    if (type === Type.OPT) {
      // RFC 6891 §6.1.1: one at most, in the additional section, owned by the root.
      x.optBroken = 1;
      if (i < ordinary || x.hasOpt === 1 || octets[owner] !== 0) return false;
      if (!readOpt(x, at, rdata, end)) return false;
      x.optBroken = 0;
    } else if (type === Type.TSIG) {
      // RFC 8945 §5.1: the last record of the message.
      if (i < ordinary || i !== total - 1 || !isTsig(octets, at, rdata, end)) return false;
      x.tsigAt = owner;
    }
    at = end;
  }
  return at === x.requestEnd && x.optionBroken === 0;
}

/** Offset behind the name at `at`, or 0 when it is malformed; a pointer must lead backwards, behind the header. */
export function skipName(octets: Uint8Array, at: number, end: number, messageAt: number): number {
  const from = at;
  while (at < end) {
    const length = octets[at]!;
    if (length === 0) return at + 1;
    if (length >= POINTER) {
      if (at + 2 > end) return 0;
      const target = ((length & 0x3f) << 8) | octets[at + 1]!;
      return target >= HEADER && target < from - messageAt ? at + 2 : 0;
    }
    if (length > MAX_LABEL) return 0;
    at += length + 1;
    if (at - from >= MAX_NAME) return 0;
  }
  return 0;
}

/**
 * Reads the OPT record (RFC 6891 §6.1.2) whose type field is at `at`; returns whether it is well formed. A malformed option
 * is an error too (`optionBroken`), but its response has an OPT record.
 */
function readOpt(x: Exchange, at: number, rdata: number, end: number): boolean {
  const octets = x.request;
  x.hasOpt = 1;
  x.udpSize = (octets[at + 2]! << 8) | octets[at + 3]!;
  x.optVersion = octets[at + 5]!;
  x.optFlags = (octets[at + 6]! << 8) | octets[at + 7]!;
  x.dnssecOk = x.optFlags >>> 15;
  // Options of another version are not read: that version defines them (RFC 6891 §6.1.3).
  if (x.optVersion !== 0) return true;
  let option = rdata;
  while (option < end) {
    if (option + 4 > end) return false;
    const code = (octets[option]! << 8) | octets[option + 1]!;
    const length = (octets[option + 2]! << 8) | octets[option + 3]!;
    const data = option + 4;
    option = data + length;
    if (option > end) return false;
    if (code === EdnsOption.COOKIE) {
      // RFC 7873 §5.2.2: a client cookie of 8 octets, then none or 8 to 32 of a server cookie.
      if (length !== 8 && (length < 16 || length > 40)) x.optionBroken = 1;
      else if (x.cookieAt === 0) {
        x.cookieAt = data;
        x.cookieLength = length;
      }
    } else if (code === EdnsOption.NSID) x.asksNsid = 1;
    else if (code === EdnsOption.EXPIRE) x.asksExpire = 1;
    else if (code === EdnsOption.ZONEVERSION) {
      // RFC 9660 §3.1: a request's option is empty.
      if (length !== 0) x.optionBroken = 1;
      x.asksZoneVersion = 1;
    } else if (code === EdnsOption.TCP_KEEPALIVE) x.asksKeepalive = 1;
    else if (code === EdnsOption.PADDING) x.asksPadding = 1;
    // Its number is one for experiments: with another length, it is something else.
    else if (code === x.settings.ootsOption && length === 0) x.asksOots = 1;
  }
  return true;
}

/** Whether a TSIG record's fixed parts are well formed (RFC 8945 §4.2); its type field is at `at`. */
function isTsig(octets: Uint8Array, at: number, rdata: number, end: number): boolean {
  if (octets[at + 2] !== 0 || octets[at + 3] !== 255) return false; // class ANY
  if ((octets[at + 4]! | octets[at + 5]! | octets[at + 6]! | octets[at + 7]!) !== 0) return false; // TTL 0
  let field = rdata;
  // The algorithm's name must not be compressed.
  while (field < end && octets[field] !== 0) {
    if (octets[field]! > MAX_LABEL) return false;
    field += octets[field]! + 1;
  }
  field++;
  if (field - rdata > MAX_NAME || field + 10 > end) return false;
  field += 10 + ((octets[field + 8]! << 8) | octets[field + 9]!);
  if (field + 6 > end) return false;
  return field + 6 + ((octets[field + 4]! << 8) | octets[field + 5]!) === end;
}
