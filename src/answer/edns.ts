/**
 * The OPT record of a response (RFC 6891): chooses its options, reserves room for them, and writes them. Hot file:
 * integers, no allocation.
 *
 * Not here: client subnet (RFC 7871: not for authoritative data that does not depend on it).
 */
import * as L from '../image/layout.js';
import { EdnsOption, Rcode, Type } from '../protocol/iana.js';
import { writeU16, writeU32 } from '../protocol/octets.js';
import { CLIENT_COOKIE, SERVER_COOKIE, writeCookie } from './cookies.js';
import type { Exchange } from './exchange.js';
import { type Facts, isEncrypted, Kind, Padding, Transport, UpgradeBit } from './facts.js';

/** The draft's TO bit, which is also CO of RFC 9824. */
const FLAG_TO = 0x4000;
const FLAG_DO = 0x8000;

/** Octets of an OPT record without options. */
export const OPT_FIXED = 11;
export const OPTION_FIXED = 4;
/** Padded responses are a multiple of this (RFC 8467 §4.1). */
export const PADDING_BLOCK = 468;
const MAX_MESSAGE = 65_535;

/** Octets to keep free for the OPT record; 0 when the request had none. */
export function optLength(x: Exchange, facts: Facts): number {
  if (x.hasOpt === 0) return 0;
  const { settings } = x;
  let length = OPT_FIXED;
  if (x.optVersion !== 0) return length;
  if (sendsCookie(x)) length += OPTION_FIXED + CLIENT_COOKIE + SERVER_COOKIE;
  if (x.asksNsid === 1 && settings.nsid !== undefined) length += OPTION_FIXED + settings.nsid.length;
  if (sendsKeepalive(x, facts)) length += OPTION_FIXED + 2;
  if (x.asksExpire === 1) length += OPTION_FIXED + 4;
  if (x.asksZoneVersion === 1) length += OPTION_FIXED + 6;
  if (settings.reportAgent !== undefined) length += OPTION_FIXED + settings.reportAgent.length;
  return length;
}

function sendsCookie(x: Exchange): boolean {
  return x.cookieAt !== 0 && x.settings.cookieSecrets.length > 0;
}

/** RFC 7828 §3.3.2: never on UDP. When asked; unasked when the server wants sessions to end. */
function sendsKeepalive(x: Exchange, facts: Facts): boolean {
  return facts.transport !== Transport.UDP && (x.asksKeepalive === 1 || facts.keepalive === 0);
}

/** Whether an option has room: with long names and the smallest limit, some do not. */
function fits(x: Exchange, at: number, length: number): boolean {
  return at + OPTION_FIXED + length <= x.end;
}

/** Writes the OPT record at `x.at`. The outcome must be final, and the room reserved. */
export function putOpt(x: Exchange, facts: Facts, starttlsQuery: boolean): void {
  const { outcome, response: out, settings } = x;
  const from = x.at;
  if (from + OPT_FIXED > x.end) return;
  outcome.optAt = from - x.start;
  const rcode = outcome.rcode;
  const toBit = upgradeBit(x, facts, starttlsQuery);
  if (toBit !== 0 && facts.upgradeOnOffer === 1) outcome.upgrade = 1;
  const flags = (x.dnssecOk === 1 ? FLAG_DO : 0) | toBit;
  out[from] = 0;
  writeU16(out, from + 1, Type.OPT);
  writeU16(out, from + 3, facts.payloadLimit);
  out[from + 5] = rcode >> 4;
  out[from + 6] = 0;
  writeU16(out, from + 7, flags);
  let at = from + OPT_FIXED;
  if (x.optVersion === 0) {
    if (sendsCookie(x) && fits(x, at, CLIENT_COOKIE + SERVER_COOKIE)) {
      at = option(out, at, EdnsOption.COOKIE, CLIENT_COOKIE + SERVER_COOKIE);
      writeCookie(x, facts, out, at);
      at += CLIENT_COOKIE + SERVER_COOKIE;
    }
    if (x.asksNsid === 1 && settings.nsid !== undefined && fits(x, at, settings.nsid.length)) {
      at = octetsOption(out, at, EdnsOption.NSID, settings.nsid);
    }
    if (sendsKeepalive(x, facts) && fits(x, at, 2)) {
      at = option(out, at, EdnsOption.TCP_KEEPALIVE, 2);
      writeU16(out, at, Math.min(facts.keepalive, 0xffff));
      at += 2;
    }
    at = putZoneOptions(x, at);
    // RFC 9567 §6.3: not in responses that are truncated.
    const agent = settings.reportAgent;
    if (agent !== undefined && x.truncated === 0 && fits(x, at, agent.length)) {
      at = octetsOption(out, at, EdnsOption.REPORT_CHANNEL, agent);
    }
    if (outcome.ede >= 0 && fits(x, at, 2)) at = putExtendedError(x, at);
    if (pads(x, facts)) at = putPadding(x, at);
  }
  writeU16(out, from + 9, at - from - OPT_FIXED);
  x.at = at;
  x.additionals++;
}

/** RFC 8914 §2: INFO-CODE, and EXTRA-TEXT if it is given and has room. */
function putExtendedError(x: Exchange, at: number): number {
  const { edeText, response: out } = x;
  const length = fits(x, at, 2 + edeText.length) ? edeText.length : 0;
  const to = option(out, at, EdnsOption.EDE, 2 + length);
  writeU16(out, to, x.outcome.ede);
  for (let i = 0; i < length; i++) out[to + 2 + i] = edeText[i]!;
  return to + 2 + length;
}

/** Where TO may be set, and whether it is: docs/protocol.md "Step 2: the TO bit", docs/protocol.md "Step 6: UDP". */
function upgradeBit(x: Exchange, facts: Facts, starttlsQuery: boolean): number {
  if (facts.upgradeBit === UpgradeBit.NEVER || x.optVersion !== 0) return 0;
  const { rcode } = x.outcome;
  if (rcode !== Rcode.NOERROR && rcode !== Rcode.NXDOMAIN && rcode !== Rcode.REFUSED) return 0;
  if (x.qtype === Type.AXFR || x.qtype === Type.IXFR) return 0;
  if (facts.upgradeBit === UpgradeBit.ALWAYS) return FLAG_TO;
  if (facts.upgradeBit === UpgradeBit.DUMMY && !starttlsQuery) return 0;
  return x.optFlags & FLAG_TO;
}

/** EXPIRE of a primary (RFC 7314 §3.1) and ZONEVERSION (RFC 9660 §3.2), of the zone that answered. */
function putZoneOptions(x: Exchange, at: number): number {
  const { kind } = x.outcome;
  const known = kind === Kind.ANSWER || kind === Kind.NODATA || kind === Kind.NXDOMAIN || kind === Kind.YXDOMAIN;
  const authoritative = known && x.outcome.zone >= 0 && x.authoritative === 1;
  const out = x.response;
  const { words, base } = x;
  if (x.asksExpire === 1 && authoritative && isAboutExpiry(x.qtype) && kind === Kind.ANSWER && fits(x, at, 4)) {
    at = option(out, at, EdnsOption.EXPIRE, 4);
    writeU32(out, at, words[base + L.HEADER_EXPIRE]!);
    at += 4;
  }
  if (x.asksZoneVersion === 1 && authoritative && fits(x, at, 6)) {
    at = option(out, at, EdnsOption.ZONEVERSION, 6);
    out[at] = words[base + L.HEADER_LABEL_COUNT]!;
    out[at + 1] = 0; // SOA-SERIAL
    writeU32(out, at + 2, words[base + L.HEADER_SERIAL]!);
    at += 6;
  }
  return at;
}

/** RFC 7314 §2: the types of queries that a secondary asks its primary. */
function isAboutExpiry(qtype: number): boolean {
  return qtype === Type.SOA || qtype === Type.AXFR || qtype === Type.IXFR;
}

/** RFC 7830 §4, RFC 8467 §4: only inside TLS; a query with padding gets it back. */
export function pads(x: Exchange, facts: Facts): boolean {
  if (!isEncrypted(facts.transport) || facts.padding === Padding.NEVER) return false;
  return x.asksPadding === 1 || facts.padding === Padding.IF_EDNS;
}

function putPadding(x: Exchange, at: number): number {
  const used = at + OPTION_FIXED - x.start;
  // The whole message is padded, and a TSIG record is behind this one.
  const whole = Math.ceil((used + x.tsigLength) / PADDING_BLOCK) * PADDING_BLOCK - x.tsigLength;
  const size = Math.min(whole, MAX_MESSAGE - x.tsigLength, x.end - x.start);
  if (size < used) return at;
  const data = option(x.response, at, EdnsOption.PADDING, size - used);
  x.response.fill(0, data, data + size - used);
  x.outcome.padding = OPTION_FIXED + size - used;
  return data + size - used;
}

function option(out: Uint8Array, at: number, code: number, length: number): number {
  writeU16(out, at, code);
  writeU16(out, at + 2, length);
  return at + OPTION_FIXED;
}

function octetsOption(out: Uint8Array, at: number, code: number, data: Uint8Array): number {
  const to = option(out, at, code, data.length);
  for (let i = 0; i < data.length; i++) out[to + i] = data[i]!;
  return to + data.length;
}

/** The UDP payload limit of this exchange (RFC 6891 §6.2.3, §6.2.5). */
export function payloadLimit(x: Exchange, facts: Facts): number {
  if (facts.transport !== Transport.UDP) return MAX_MESSAGE;
  return x.hasOpt === 0 ? 512 : Math.min(facts.payloadLimit, Math.max(512, x.udpSize));
}
