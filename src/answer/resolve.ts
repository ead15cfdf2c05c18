/**
 * From a question in one of our zones to answer, authority and additional sections: RFC 1034 §4.3.2 as later RFCs read
 * it (docs/protocol.md "Answers"). One function a step, over the outcomes that a walk can have. Hot file: integers, no
 * allocation.
 */
import * as L from '../image/layout.js';
import { Rcode, Type } from '../protocol/iana.js';
import { putAdditional, putAddresses, Targets } from './additional.js';
import { followCname, followDname, isAnswered, Link, rcodeOfLink } from './alias-chain.js';
import { proveNoCloser, proveNodata, proveNxdomain, provesDenial, proveWildcardNodata, putProofs } from './denial.js';
import type { Exchange } from './exchange.js';
import { Kind } from './facts.js';
import { Found, ownerPointer, walk } from './lookup.js';
import { noteNameservers, putNameservers } from './oots.js';
import { findRrset, putRrset, putSignatures, rrsetCount, rrsetRef, rrsetType } from './records.js';

/** Answers the question from the zone in `x.words`, `x.base`; `x.name` is QNAME. */
export function resolve(x: Exchange): void {
  for (;;) {
    const how = walk(x, x.qtype === Type.DS ? 1 : 0);
    if (x.links === 0) x.outcome.node = x.node;
    let link: Link;
    if (how === Found.EXACT) link = answerFrom(x, x.node, 0);
    else if (how === Found.CUT) link = referral(x);
    else if (how === Found.DNAME) link = dname(x);
    else link = missing(x);
    if (link !== Link.FOLLOW) return;
  }
}

function dname(x: Exchange): Link {
  const stop = x.qtype === Type.CNAME || x.qtype === Type.ANY;
  x.authoritative = 1;
  return endOfLink(x, followDname(x, findRrset(x, x.node, Type.DNAME), stop));
}

/** The name does not exist: the wildcard answers if there is one, else NXDOMAIN (RFC 4592 §3.3.1). */
function missing(x: Exchange): Link {
  const encloser = x.node;
  const left = x.left;
  const wildcard = x.words[x.base + encloser + L.NODE_WILDCARD]!;
  x.authoritative = 1;
  if (wildcard !== 0) {
    x.outcome.wildcard = 1;
    if (provesDenial(x)) proveNoCloser(x, encloser, left);
    return answerFrom(x, wildcard, encloser);
  }
  x.rcode = Rcode.NXDOMAIN;
  if (provesDenial(x)) proveNxdomain(x, encloser, left);
  return negative(x, Kind.NXDOMAIN);
}

/** Answers from the data of `node`; `encloser` is not 0 when the node is a wildcard that stands for `x.name`. */
function answerFrom(x: Exchange, node: number, encloser: number): Link {
  const { qtype } = x;
  x.authoritative = 1;
  if (qtype === Type.ANY) {
    if (rrsetCount(x, node) > 0) return any(x, node);
  } else if (qtype === Type.RRSIG) {
    const signed = firstSigned(x, node);
    if (signed !== 0) return positive(x, signed, true);
    const alone = findRrset(x, node, Type.RRSIG);
    if (alone !== 0) return positive(x, alone, false);
  } else {
    const ref = findRrset(x, node, qtype);
    if (ref !== 0) return positive(x, ref, false);
    if ((x.words[x.base + node + L.NODE_INFO]! & L.NODE_CNAME) !== 0) {
      return endOfLink(x, followCname(x, findRrset(x, node, Type.CNAME), false));
    }
  }
  if (provesDenial(x)) {
    if (encloser !== 0) proveWildcardNodata(x, encloser, node);
    else proveNodata(x, node);
  }
  return negative(x, Kind.NODATA);
}

function endOfLink(x: Exchange, link: Link): Link {
  if (link === Link.FOLLOW) return link;
  // x.name may already be that of the next link: then the result of the last walk does not belong to it.
  x.node = 0;
  x.rcode = rcodeOfLink(link);
  x.outcome.kind = link === Link.TOO_LONG ? Kind.YXDOMAIN : Kind.ANSWER;
  if (!putAuthority(x)) x.truncate();
  return link;
}

function positive(x: Exchange, ref: number, signaturesOnly: boolean): Link {
  const recordsAt = x.at;
  const owner = ownerPointer(x, 0);
  x.outcome.kind = Kind.ANSWER;
  // A DNAME that the chain went through is in the answer already, and no RRset is there twice (RFC 2181 §5).
  const repeated = isAnswered(x, ref) && (!signaturesOnly || x.dnssecOk === 1);
  if (!repeated) {
    const written = signaturesOnly ? putSignatures(x, ref, owner) : putRrset(x, ref, owner, x.dnssecOk);
    x.answers += written;
    if (written === 0) x.truncate();
    else if (x.asksOots === 1 && !signaturesOnly) noteNameservers(x, ref, recordsAt);
  }
  if (!putAuthority(x)) x.truncate();
  else if (!signaturesOnly && x.truncated === 0 && (x.qtype === Type.NS || !x.settings.minimalResponses)) {
    // A client that asks for nameservers wants to reach them (priming, RFC 9609): NSD, Knot and BIND always add addresses.
    putAdditional(x, ref, recordsAt, owner);
  }
  return Link.END;
}

/** QTYPE ANY (RFC 8482 §4.1): one RRset, or all of them when configured. */
function any(x: Exchange, node: number): Link {
  const count = rrsetCount(x, node);
  if (!x.settings.anyFull) return positive(x, choice(x, node, count), false);
  x.outcome.kind = Kind.ANSWER;
  // RRsets with compression pointers in RDATA go first, while pointers still reach.
  if (!putAll(x, node, count, true) || !putAll(x, node, count, false) || !putProofs(x)) x.truncate();
  return Link.END;
}

/** Writes all RRsets of `node` that have, or do not have, pointers in RDATA; returns false when one does not fit. */
function putAll(x: Exchange, node: number, count: number, pointers: boolean): boolean {
  for (let i = 0; i < count; i++) {
    const ref = rrsetRef(x, node, i);
    if ((x.words[x.base + ref + L.RRSET_EXTRA]! !== 0) !== pointers) continue;
    const written = putRrset(x, ref, ownerPointer(x, 0), 1);
    x.answers += written;
    if (written === 0) return false;
  }
  return true;
}

/** The CNAME if there is one, else the lowest type other than RRSIG and NSEC, else NSEC, else the lowest. */
function choice(x: Exchange, node: number, count: number): number {
  const cname = findRrset(x, node, Type.CNAME);
  if (cname !== 0) return cname;
  for (let i = 0; i < count; i++) {
    const type = rrsetType(x, node, i);
    if (type !== Type.RRSIG && type !== Type.NSEC) return rrsetRef(x, node, i);
  }
  const nsec = findRrset(x, node, Type.NSEC);
  return nsec === 0 ? rrsetRef(x, node, 0) : nsec;
}

/** The RRset of the lowest type that has signatures, or 0. */
function firstSigned(x: Exchange, node: number): number {
  const count = rrsetCount(x, node);
  for (let i = 0; i < count; i++) {
    const ref = rrsetRef(x, node, i);
    if (x.words[x.base + ref + L.RRSET_SIGNATURES]! !== 0) return ref;
  }
  return 0;
}

/** NODATA and NXDOMAIN: the SOA with the negative TTL (RFC 2308 §3), then the proofs. */
function negative(x: Exchange, kind: Kind): Link {
  x.outcome.kind = kind;
  const written = putRrset(x, x.words[x.base + L.HEADER_NEGATIVE_SOA]!, x.apexPointer, x.dnssecOk);
  x.authorities += written;
  if (written === 0 || !putAuthority(x)) x.truncate();
  return Link.END;
}

/** Ends the authority section of an answer of this zone; returns false when a proof does not fit. */
function putAuthority(x: Exchange): boolean {
  if (!putProofs(x)) return false;
  if (x.asksOots === 1) putNameservers(x);
  return true;
}

/** A referral to the zone below the cut `x.node` (RFC 1034 §4.3.2 step 3b, RFC 4035 §3.1.4, RFC 9471). */
function referral(x: Exchange): Link {
  const cut = x.node;
  const owner = ownerPointer(x, x.left);
  const ns = findRrset(x, cut, Type.NS);
  const recordsAt = x.at;
  x.outcome.kind = Kind.REFERRAL;
  const written = putRrset(x, ns, owner, 0);
  x.authorities += written;
  if (written === 0) {
    x.truncate();
    return Link.END;
  }
  if (x.dnssecOk === 1) {
    const ds = findRrset(x, cut, Type.DS);
    // A DS record without signature is in a zone that is not signed, and proves nothing: NSD, Knot and BIND leave it out too.
    if (ds !== 0 && x.words[x.base + ds + L.RRSET_SIGNATURES]! > 0) {
      const count = putRrset(x, ds, owner, 1);
      x.authorities += count;
      if (count === 0) {
        x.truncate();
        return Link.END;
      }
    } else if (provesDenial(x)) proveNodata(x, cut);
  }
  if (!putProofs(x) || !putAddresses(x, ns, recordsAt, Targets.IN_DOMAIN, owner)) {
    x.truncate();
    return Link.END;
  }
  putAddresses(x, ns, recordsAt, Targets.OTHERS, owner);
  return Link.END;
}
