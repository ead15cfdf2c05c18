/**
 * respond(): from the octets of a request to those of its response, the same for every transport. The order in which a
 * request is judged is that of docs/protocol.md "Judging a request". Synchronous, without I/O or a clock of its own, and
 * without allocation (but for TSIG): the work of a query is bounded by its length, the depth of the zone and MAX_CHAIN links.
 * NOTIFY and UPDATE are handed off, if a handler is there: the thread keeps the request, and answers it again once it has the reply, so
 * that rate limits, counters and logs see it like any other. The first message of a transfer is a response like others; `outcome.rest`
 * gives those behind it.
 */
import type { Catalog } from '../image/catalog.js';
import {
  findZone,
  NOT_SERVED,
  ZONE_EXPIRED,
  ZONE_LABELS,
  ZONE_POLICY,
  ZONE_SEGMENT,
  ZONE_WORDS,
} from '../image/catalog.js';
import { Class, Ede, Opcode, Rcode, Type } from '../protocol/iana.js';
import type { Settings } from './answer-settings.js';
import { checkCookie } from './cookies.js';
import { optLength, payloadLimit } from './edns.js';
import { Exchange, HEADER } from './exchange.js';
import { type Facts, Kind, type Outcome, resetOutcome, Transport } from './facts.js';
import { enterImage } from './lookup.js';
import { putSignals } from './oots.js';
import { isPrivate, mayAsk, mayAskFor, needsTls } from './policy.js';
import { readQuestion, readRecords } from './request.js';
import { resolve } from './resolve.js';
import { countOf, finish, putQuestion } from './response.js';
import { answerChaos, type ServerTexts, serverTexts } from './server-info.js';
import { judgeTransfer, putTransfer, refuseTransfer } from './transfer/transfer.js';
import type { TransferDesk } from './transfer/transfer-desk.js';
import { checkTsig } from './tsig.js';

/** Returned by `respond` for a message that gets no response. */
export const DROP = 0;
/**
 * Returned for a request that is handed off: once its reply is there, `respond` gets the request again, with the reply in `Facts.reply`.
 */
export const HAND_OFF = -1;

/** Answers messages; one per worker, since it keeps its state between calls. */
export interface Responder {
  /**
   * Answers the message of `inLen` octets at `inBuf[inOff]`. The response is written to `outBuf[outOff]`, never beyond
   * `outCap` octets (at least 512). Returns the length of the response, DROP for none, or HAND_OFF. `outcome` then
   * describes the result.
   */
  respond(
    inBuf: Uint8Array,
    inOff: number,
    inLen: number,
    facts: Facts,
    outBuf: Uint8Array,
    outOff: number,
    outCap: number,
  ): number;
  readonly outcome: Outcome;
}

/** Makes a responder; `outcome`: the record of the responder that it replaces. `desk`: gives transfers; undefined: all are REFUSED. */
export function createResponder(settings: Settings, outcome?: Outcome, desk?: TransferDesk): Responder {
  const x = new Exchange(settings, outcome);
  const texts = serverTexts(settings.version, settings.hostname);
  return {
    outcome: x.outcome,
    respond(inBuf, inOff, inLen, facts, outBuf, outOff, outCap) {
      x.reset(inBuf, inOff, inLen, outBuf, outOff, outCap);
      return respondTo(x, facts, texts, desk);
    },
  };
}

/** EXTRA-TEXT of RFC 8914: the code alone does not tell the client the remedy. */
const TLS_REQUIRED = Uint8Array.from(Buffer.from('this zone is answered over TLS only', 'latin1'));

const FLAG_QR = 0x80;

function respondTo(x: Exchange, facts: Facts, texts: ServerTexts, desk: TransferDesk | undefined): number {
  const { outcome, request, requestAt } = x;
  resetOutcome(outcome);
  if (x.requestEnd - requestAt < HEADER || (request[requestAt + 2]! & FLAG_QR) !== 0) return DROP;
  outcome.opcode = (request[requestAt + 2]! >> 3) & 15;
  x.at = x.start + HEADER;
  if (outcome.opcode !== Opcode.QUERY && !isHanded(x.settings, outcome.opcode)) return error(x, facts, Rcode.NOTIMP);

  const questions = countOf(x, 4);
  const ordinary = countOf(x, 6) + countOf(x, 8);
  if (questions > 1) return error(x, facts, Rcode.FORMERR);
  let at = requestAt + HEADER;
  if (questions === 1) {
    at = readQuestion(x);
    if (at === 0) {
      x.qnameLength = 0;
      return error(x, facts, Rcode.FORMERR);
    }
    outcome.qtype = x.qtype;
    outcome.qclass = x.qclass;
  }
  const wellFormed = readRecords(x, at, ordinary, countOf(x, 10));
  outcome.edns = x.hasOpt;
  outcome.dnssecOk = x.dnssecOk;
  if (x.optBroken === 1) x.hasOpt = 0;
  x.end = Math.min(x.end, x.start + payloadLimit(x, facts));
  x.limit = x.end - optLength(x, facts);
  if (questions === 1) putQuestion(x);
  if (!wellFormed) {
    x.tsigAt = 0;
    return error(x, facts, Rcode.FORMERR);
  }
  if (x.hasOpt === 1 && x.optVersion !== 0) {
    x.tsigAt = 0;
    return error(x, facts, Rcode.BADVERS);
  }
  if (x.tsigAt !== 0 && outcome.opcode !== Opcode.QUERY) {
    // The code that answers the message verifies it.
    x.tsigAt = 0;
  } else if (x.tsigAt !== 0) {
    const rcode = checkTsig(x, facts);
    if (rcode !== Rcode.NOERROR) {
      if (rcode === Rcode.NOTAUTH) desk?.refused(x, facts);
      return error(x, facts, rcode);
    }
    outcome.signed = 1;
  }
  if (x.cookieAt !== 0 && x.settings.cookieSecrets.length > 0) checkCookie(x, facts);
  if (facts.catalog.access !== 0 && !mayAsk(facts)) return refuse(x, facts, Ede.PROHIBITED);
  if (questions === 0) {
    // RFC 7873 §5.4: a query for a cookie alone.
    if (x.cookieAt === 0 || outcome.opcode !== Opcode.QUERY) return error(x, facts, Rcode.FORMERR);
    outcome.kind = Kind.SERVER;
    return finish(x, facts);
  }
  if (lacksCookie(x, facts)) return error(x, facts, Rcode.BADCOOKIE);
  return outcome.opcode === Opcode.QUERY ? answer(x, facts, texts, desk) : handOff(x, facts);
}

/** Whether requests of this opcode are handed off. */
function isHanded({ handedOpcodes }: Settings, opcode: number): boolean {
  return ((handedOpcodes >> opcode) & 1) === 1;
}

/** The request is sound. Without a reply it is handed off; otherwise the reply is the response. */
function handOff(x: Exchange, facts: Facts): number {
  const { outcome, response, start } = x;
  const { reply } = facts;
  if (reply === undefined) return HAND_OFF;
  const { octets, rcode } = reply;
  if (octets.length === 0 || octets.length > x.end - start) return DROP;
  outcome.zone = zoneOf(x, facts.catalog);
  outcome.rcode = rcode;
  outcome.ede = reply.ede;
  outcome.signed = reply.signed;
  outcome.kind = handedKind(rcode);
  response.set(octets, start);
  return octets.length;
}

function handedKind(rcode: number): Kind {
  if (rcode === Rcode.NOERROR) return Kind.ACCEPTED;
  if (rcode === Rcode.SERVFAIL) return Kind.FAILED;
  return rcode === Rcode.REFUSED ? Kind.REFUSED : Kind.ERROR;
}

/** RFC 7873 §5.2.3: only where configured, and only over UDP, where addresses can be forged. */
function lacksCookie(x: Exchange, facts: Facts): boolean {
  if (!x.settings.cookiesRequired || x.settings.cookieSecrets.length === 0) return false;
  return facts.transport === Transport.UDP && x.cookieAt !== 0 && x.cookieValid === 0;
}

function answer(x: Exchange, facts: Facts, texts: ServerTexts, desk: TransferDesk | undefined): number {
  const { outcome, qtype } = x;
  if (qtype === Type.OPT || qtype === Type.TSIG || qtype === Type.TKEY || qtype === Type.NXNAME) {
    outcome.ede = Ede.INVALID_QUERY_TYPE;
    return error(x, facts, Rcode.FORMERR);
  }
  if (x.qclass === Class.CH) {
    if (!answerChaos(x, facts, texts)) return refuse(x, facts, -1);
    outcome.kind = Kind.SERVER;
    return finish(x, facts);
  }
  if (x.qclass !== Class.IN) return refuse(x, facts, -1);
  if (qtype === Type.AXFR || qtype === Type.IXFR) return transfer(x, facts, desk);
  const zone = zoneOf(x, facts.catalog);
  outcome.zone = zone;
  if (zone === NOT_SERVED) return refuse(x, facts, Ede.NOT_AUTHORITATIVE);
  const policy = facts.catalog.zones[zone * ZONE_WORDS + ZONE_POLICY]!;
  if (policy !== 0 && !isAdmitted(x, facts, policy)) return refuse(x, facts, Ede.PROHIBITED);
  if (policy !== 0 && isPrivate(facts, policy) && !mayTransfer(x, facts, zone, desk))
    return refuse(x, facts, Ede.PROHIBITED);
  if (!enterZone(x, facts.catalog, zone)) return notReady(x, facts, zone);
  resolve(x);
  if (x.nameserversAt !== 0) putSignals(x, facts);
  return finish(x, facts);
}

function transfer(x: Exchange, facts: Facts, desk: TransferDesk | undefined): number {
  const { catalog, transport } = facts;
  if (x.qtype === Type.AXFR && transport === Transport.UDP) return error(x, facts, Rcode.NOTIMP);
  if (desk === undefined) return refuse(x, facts, Ede.PROHIBITED);
  const zone = zoneOf(x, catalog);
  x.outcome.zone = zone;
  if (zone === NOT_SERVED) return refuse(x, facts, Ede.PROHIBITED);
  const refusal = judgeTransfer(x, facts, zone, desk);
  if (refusal !== undefined) {
    refuseTransfer(x, refusal);
    return finish(x, facts);
  }
  if (!enterZone(x, catalog, zone)) return notReady(x, facts, zone);
  const length = putTransfer(x, facts, zone, desk);
  return length > 0 ? length : finish(x, facts);
}

/** Whether the client may transfer the zone, over this transport. */
function mayTransfer(x: Exchange, facts: Facts, zone: number, desk: TransferDesk | undefined): boolean {
  return desk !== undefined && desk.judge(x, facts, zone) === undefined;
}

/** The zone could not be loaded, was never transferred, or has expired. */
function notReady(x: Exchange, facts: Facts, zone: number): number {
  const isExpired = facts.catalog.zones[zone * ZONE_WORDS + ZONE_SEGMENT] === ZONE_EXPIRED;
  x.outcome.kind = Kind.FAILED;
  x.outcome.ede = isExpired ? Ede.INVALID_DATA : Ede.NOT_READY;
  x.rcode = Rcode.SERVFAIL;
  return finish(x, facts);
}

/**
 * Whether the zone's policy allows this client and transport. It is asked before any lookup, so that a refusal is the same
 * for every name of the zone, and for a zone that could not be loaded.
 */
function isAdmitted(x: Exchange, facts: Facts, policy: number): boolean {
  if (!mayAskFor(facts, policy)) return false;
  if (!needsTls(facts, policy)) return true;
  x.edeText = TLS_REQUIRED;
  return false;
}

/** For DS, the closest zone above the name (RFC 4035 §3.1.4.1); the zone itself when none above it is served. */
function zoneOf(x: Exchange, catalog: Catalog): number {
  const { request, qnameAt, qnameLabels, qnameLabelCount } = x;
  if (x.qtype === Type.DS) {
    const above = findZone(catalog, request, qnameAt, qnameLabels, qnameLabelCount, 1);
    if (above !== NOT_SERVED) return above;
  }
  return findZone(catalog, request, qnameAt, qnameLabels, qnameLabelCount, 0);
}

/** Makes zone number `zone` the one that answers, QNAME the name looked up; returns false when there is nothing to serve. */
function enterZone(x: Exchange, catalog: Catalog, zone: number): boolean {
  if (!enterImage(x, catalog, zone)) return false;
  const below = x.qnameLabelCount - catalog.zones[zone * ZONE_WORDS + ZONE_LABELS]!;
  const { name, qnameAt, qnameLabels } = x;
  name.octets = x.request;
  name.count = below;
  for (let i = 0; i < below; i++) {
    name.labelAt[i] = qnameAt + qnameLabels[i]!;
    name.pointer[i] = HEADER + qnameLabels[i]!;
  }
  const isRoot = below === x.qnameLabelCount;
  name.length = isRoot ? x.qnameLength - 1 : qnameLabels[below]!;
  x.apexPointer = isRoot ? 0 : HEADER + qnameLabels[below]!;
  return true;
}

function refuse(x: Exchange, facts: Facts, ede: number): number {
  x.outcome.kind = Kind.REFUSED;
  x.outcome.ede = ede;
  x.rcode = Rcode.REFUSED;
  return finish(x, facts);
}

function error(x: Exchange, facts: Facts, rcode: number): number {
  x.outcome.kind = Kind.ERROR;
  x.rcode = rcode;
  return finish(x, facts);
}
