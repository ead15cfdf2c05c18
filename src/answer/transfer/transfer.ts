/**
 * Answers to AXFR and IXFR queries: the first message, and where the others come from. The query was judged as others are; its zone's
 * own list of clients (`access`) is not asked, since that of its secondaries takes its place.
 */
import { type Catalog, ZONE_LABELS, ZONE_POLICY, ZONE_WORDS } from '../../image/catalog.js';
import { Class, Ede, Rcode, Type } from '../../protocol/iana.js';
import { readU16, readU32 } from '../../protocol/octets.js';
import { OPT_FIXED, pads, putOpt } from '../edns.js';
import type { Exchange } from '../exchange.js';
import { type Facts, Kind, Padding, Transport } from '../facts.js';
import { needsTls } from '../policy.js';
import { RECORD_FIXED, skipName } from '../request.js';
import { countOf } from '../response.js';
import type { OpenTransfer, TransferDesk, TransferOpts, TransferRefusal } from './transfer-desk.js';
import { TransferEnd } from './transfer-end.js';

const NOTHING = new Uint8Array(0);
const TEXT = new TextEncoder();
/** Octets of SOA RDATA from SERIAL on, and with two names of one octet (RFC 1035 §3.3.13). */
const SOA_TAIL = 20;
const SHORTEST_SOA = 22;

const TLS_REQUIRED: TransferRefusal = {
  rcode: Rcode.REFUSED,
  ede: Ede.PROHIBITED,
  text: TEXT.encode('this zone is answered over TLS only'),
};
/** RFC 5936 §2.2.1. */
const NO_APEX: TransferRefusal = { rcode: Rcode.NOTAUTH, ede: -1, text: TEXT.encode('this is not the name of a zone') };

/**
 * Why the client may not have the zone, or why QNAME names none; undefined: it may. `zone`: number in the catalog of the closest zone to
 * QNAME.
 */
export function judgeTransfer(
  x: Exchange,
  facts: Facts,
  zone: number,
  desk: TransferDesk,
): TransferRefusal | undefined {
  const { zones }: Catalog = facts.catalog;
  const at = zone * ZONE_WORDS;
  const policy = zones[at + ZONE_POLICY]!;
  const refusal = policy !== 0 && needsTls(facts, policy) ? TLS_REQUIRED : desk.judge(x, facts, zone);
  if (refusal !== undefined) {
    desk.refused(x, facts, refusal);
    return refusal;
  }
  return zones[at + ZONE_LABELS] === x.qnameLabelCount ? undefined : NO_APEX;
}

/**
 * Writes the first message of the transfer of the zone that was entered; returns its length. -1: there is none, and `x` has RCODE and
 * extended error.
 */
export function putTransfer(x: Exchange, facts: Facts, zone: number, desk: TransferDesk): number {
  const { outcome } = x;
  const serial = x.qtype === Type.IXFR ? clientSerial(x) : undefined;
  if (serial === -1) {
    x.rcode = Rcode.FORMERR;
    outcome.kind = Kind.ERROR;
    return -1;
  }
  const overUdp = facts.transport === Transport.UDP;
  const room = x.end + x.tsigLength - x.start;
  const opened = desk.open(x, facts, zone, serial, optRecords(x, facts), overUdp ? room : undefined);
  if (!isOpen(opened)) {
    refuseTransfer(x, opened);
    return -1;
  }
  outcome.kind = Kind.ANSWER;
  outcome.optAt = 0;
  const { source } = opened;
  const length = source.next(x.response, x.start, room, facts.now);
  if (opened.isOver) source.ended(TransferEnd.COMPLETE);
  else outcome.rest = source;
  return length;
}

/** Notes the refusal in `x` and its outcome. */
export function refuseTransfer(x: Exchange, { rcode, ede, text }: TransferRefusal): void {
  x.rcode = rcode;
  x.authoritative = 0;
  x.edeText = text;
  x.outcome.ede = ede;
  x.outcome.kind = rcode === Rcode.REFUSED ? Kind.REFUSED : rcode === Rcode.SERVFAIL ? Kind.FAILED : Kind.ERROR;
}

function isOpen(opened: OpenTransfer | TransferRefusal): opened is OpenTransfer {
  return 'source' in opened;
}

/** The serial in the authority section (RFC 1995 §3); -1: there is none. The records were found well formed. */
function clientSerial(x: Exchange): number {
  const { request, requestAt, requestEnd } = x;
  let at = x.qnameAt + x.qnameLength + 4;
  const answers = countOf(x, 6);
  if (countOf(x, 8) === 0) return -1;
  for (let i = 0; i <= answers; i++) {
    const fixed = skipName(request, at, requestEnd, requestAt);
    at = fixed + RECORD_FIXED + readU16(request, fixed + 8);
    if (i < answers) continue;
    const isSoa = readU16(request, fixed) === Type.SOA && readU16(request, fixed + 2) === Class.IN;
    return isSoa && readU16(request, fixed + 8) >= SHORTEST_SOA ? readU32(request, at - SOA_TAIL) : -1;
  }
  return -1;
}

/**
 * The OPT records of the first message and of those behind it (RFC 5936 §2.2.5: in each). Options are in the first one; padding comes
 * with the messages, which have to be written first.
 */
function optRecords(x: Exchange, facts: Facts): TransferOpts {
  if (x.hasOpt === 0) return { first: NOTHING, rest: NOTHING, isPadded: false };
  const { padding } = facts;
  const { at, additionals, outcome } = x;
  x.authoritative = 1;
  outcome.kind = Kind.ANSWER;
  facts.padding = Padding.NEVER;
  putOpt(x, facts, false);
  facts.padding = padding;
  const first = x.response.slice(at, x.at);
  x.at = at;
  x.additionals = additionals;
  const rest = first.slice(0, OPT_FIXED);
  rest[OPT_FIXED - 2] = 0;
  rest[OPT_FIXED - 1] = 0;
  return { first, rest, isPadded: pads(x, facts) };
}
