/**
 * The reference engine: the answer that docs/protocol.md "Answers" and docs/protocol.md "DNSSEC" ask for, slow and obvious,
 * on plain Maps. Room in the message is not its concern: it gives all that a message of any size would hold.
 */
import { fromWire, isWithin, keyOf, type Name, toWire } from './names.js';
import { canDeny, proveNoCloser, proveNodata, proveNxdomain, proveWildcardNodata } from './proofs.js';
import {
  CNAME,
  DNAME,
  DS,
  isCut,
  NS,
  NSEC,
  RRSIG,
  type Rr,
  rrset,
  SOA,
  signatures,
  typeCovered,
  typesAt,
  type Zone,
} from './zone.js';

const ANY = 255;
const MX = 15;
const SRV = 33;
const SVCB = 64;
const HTTPS = 65;
const ADDRESSES = [1, 28];
const MAX_NAME = 255;

interface Question {
  readonly name: Name;
  readonly type: number;
  readonly dnssecOk: boolean;
}

export interface Expected {
  rcode: 'NOERROR' | 'NXDOMAIN' | 'REFUSED' | 'YXDOMAIN';
  aa: boolean;
  answer: Rr[];
  authority: Rr[];
  /** With `minimal_responses` too: glue, and the addresses of nameservers that were asked for. */
  additional: Rr[];
  /** Records that are added without `minimal_responses`. */
  courtesy: Rr[];
  /** How many CNAMEs and DNAMEs were followed. */
  links: number;
}

/** The zone that answers: the closest one at or above the name; for DS the closest above, where one is served. */
function zoneFor(zones: readonly Zone[], name: Name, type: number): Zone | undefined {
  const enclosing = zones.filter((zone) => isWithin(name, zone.apex)).sort((a, b) => b.apex.length - a.apex.length);
  const above = enclosing.find((zone) => zone.apex.length < name.length);
  return type === DS && above ? above : enclosing[0];
}

export function answer(zones: readonly Zone[], question: Question): Expected {
  const zone = zoneFor(zones, question.name, question.type);
  const expected: Expected = {
    rcode: 'NOERROR',
    aa: false,
    answer: [],
    authority: [],
    additional: [],
    courtesy: [],
    links: 0,
  };
  if (!zone) return { ...expected, rcode: 'REFUSED' };
  expected.aa = true;
  const visited = new Set<string>();
  let name: Name | undefined = question.name;
  while (name && isWithin(name, zone.apex) && !visited.has(keyOf(name))) {
    visited.add(keyOf(name));
    name = step(zone, question, name, expected, visited.size === 1);
    if (name) expected.links++;
  }
  // A chain can end at a DNAME that it went through.
  expected.answer = unique(expected.answer);
  expected.authority = unique(expected.authority);
  expected.additional = unique(expected.additional);
  return expected;
}

/** RFC 1034 §4.3.2 for one name of the chain; returns the name to go on with. */
function step(zone: Zone, question: Question, name: Name, expected: Expected, first: boolean): Name | undefined {
  for (let labels = zone.apex.length; labels <= name.length; labels++) {
    const node = name.slice(name.length - labels);
    const isQname = labels === name.length;
    if (isCut(zone, node) && !(isQname && question.type === DS)) {
      expected.aa = !first;
      referral(zone, question, node, expected);
      return undefined;
    }
    if (!isQname && rrset(zone, node, DNAME).length > 0) return substitute(zone, question, name, node, expected);
  }
  if (zone.existing.has(keyOf(name))) return fromNode(zone, question, name, name, expected);

  let encloser = name.slice(1);
  while (!zone.existing.has(keyOf(encloser))) encloser = encloser.slice(1);
  const nextCloser = name.slice(name.length - encloser.length - 1);
  const wildcard = ['*', ...encloser];
  const denies = question.dnssecOk && canDeny(zone);
  if (zone.existing.has(keyOf(wildcard))) {
    if (denies) expected.authority.push(...proveNoCloser(zone, nextCloser));
    return fromNode(zone, question, name, wildcard, expected, encloser);
  }
  expected.rcode = 'NXDOMAIN';
  negative(zone, question, expected, denies ? proveNxdomain(zone, name, encloser) : []);
  return undefined;
}

/** Answers for `name` from the data of `node`, which is `name` itself or the wildcard of `encloser`. */
function fromNode(
  zone: Zone,
  question: Question,
  name: Name,
  node: Name,
  expected: Expected,
  encloser?: Name,
): Name | undefined {
  const type = question.type === ANY ? chosenForAny(zone, node) : question.type;
  const as = (records: readonly Rr[]): Rr[] => records.map((rr) => ({ ...rr, owner: name }));
  if (type === RRSIG) {
    const [lowest] = rrset(zone, node, RRSIG)
      .map(typeCovered)
      .sort((a, b) => a - b);
    if (lowest !== undefined) {
      expected.answer.push(...as(signatures(zone, node, lowest)));
      return undefined;
    }
  } else if (rrset(zone, node, type).length > 0) {
    expected.answer.push(...as(signed(zone, question, node, type)));
    // A query for nameservers gets their addresses, even in minimal responses (RFC 9609 §4.1 for the root's).
    const extra = question.type === NS ? expected.additional : expected.courtesy;
    const seen = new Set([keyOf(node)]);
    for (const rr of rrset(zone, node, type)) extra.push(...companionsOf(zone, question, rr, name, seen));
    return undefined;
  }
  // RRSIG records stand beside a CNAME (RFC 4035 §2.5): a question for them is not led on.
  const [alias] = type === RRSIG ? [] : rrset(zone, node, CNAME);
  if (alias) {
    expected.answer.push(...as(signed(zone, question, node, CNAME)));
    return fromWire(alias.rdata);
  }
  let proof: Rr[] = [];
  if (question.dnssecOk && canDeny(zone)) {
    proof = encloser ? proveWildcardNodata(zone, encloser) : proveNodata(zone, node);
  }
  negative(zone, question, expected, proof);
  return undefined;
}

/** RFC 8482 §4.1: a CNAME, else the lowest type that is not there for DNSSEC alone; ANY itself when there is nothing. */
function chosenForAny(zone: Zone, node: Name): number {
  const types = typesAt(zone, node);
  if (types.includes(CNAME)) return CNAME;
  return types.find((type) => type !== RRSIG && type !== NSEC) ?? types.find((type) => type === NSEC) ?? ANY;
}

function signed(zone: Zone, question: Question, node: Name, type: number): Rr[] {
  return [...rrset(zone, node, type), ...(question.dnssecOk ? signatures(zone, node, type) : [])];
}

/** RFC 6672 §3.2: the DNAME once, the CNAME made of it, and the new name unless that is too long. */
function substitute(zone: Zone, question: Question, name: Name, owner: Name, expected: Expected): Name | undefined {
  const [dname] = rrset(zone, owner, DNAME);
  if (!dname) return undefined;
  expected.answer = unique([...expected.answer, ...signed(zone, question, owner, DNAME)]);
  const target = [...name.slice(0, name.length - owner.length), ...fromWire(dname.rdata)];
  if (toWire(target).length > MAX_NAME) {
    expected.rcode = 'YXDOMAIN';
    return undefined;
  }
  expected.answer.push({ owner: name, type: CNAME, ttl: dname.ttl, rdata: toWire(target) });
  return question.type === CNAME || question.type === ANY ? undefined : target;
}

function negative(zone: Zone, question: Question, expected: Expected, proof: readonly Rr[]): void {
  const [soa] = rrset(zone, zone.apex, SOA);
  const minimum = Buffer.from(soa?.rdata ?? new Uint8Array(4)).readUInt32BE((soa?.rdata.length ?? 4) - 4);
  const lowered = signed(zone, question, zone.apex, SOA).map((rr) => ({ ...rr, ttl: Math.min(rr.ttl, minimum) }));
  expected.authority.push(...lowered, ...proof);
}

function referral(zone: Zone, question: Question, cut: Name, expected: Expected): void {
  const servers = rrset(zone, cut, NS);
  expected.authority.push(...servers);
  if (question.dnssecOk) {
    // DS without signature stands in a zone that is not signed and proves nothing; NSD, Knot and BIND leave it out.
    const isSecure = signatures(zone, cut, DS).length > 0;
    if (isSecure) expected.authority.push(...signed(zone, question, cut, DS));
    else if (canDeny(zone)) expected.authority.push(...proveNodata(zone, cut));
  }
  for (const rr of servers) expected.additional.push(...companionsOf(zone, question, rr, cut, new Set()));
}

/**
 * Addresses of the name that an RDATA points to, as far as the zone has them; glue is not signed. An alias of a service
 * (RFC 9460) also brings the target's RRset of its type and what belongs to that, unless `seen` has it. `owner`: the
 * record's in the message.
 */
function companionsOf(zone: Zone, question: Question, rr: Rr, owner: Name, seen: Set<string>): Rr[] {
  const skipped = { [NS]: 0, [MX]: 2, [SRV]: 6, [SVCB]: 2, [HTTPS]: 2 }[rr.type];
  if (skipped === undefined) return [];
  let end = skipped;
  while (rr.rdata[end]) end += 1 + (rr.rdata[end] ?? 0);
  const named = fromWire(rr.rdata.subarray(skipped, end + 1));
  const isService = rr.type === SVCB || rr.type === HTTPS;
  const isAlias = isService && rr.rdata[0] === 0 && rr.rdata[1] === 0;
  // The root is the owner of a service; elsewhere it says that there is no target.
  if (named.length === 0 && (!isService || isAlias)) return [];
  const target = named.length === 0 ? owner : named;
  if (!isWithin(target, zone.apex)) return [];
  const node = named.length === 0 ? rr.owner : target;
  const glue = target.some((_label, i) => target.length - i > zone.apex.length && isCut(zone, target.slice(i)));
  const asked = glue ? { ...question, dnssecOk: false } : question;
  const as = (records: readonly Rr[]): Rr[] => records.map((one) => ({ ...one, owner: target }));
  const addresses = ADDRESSES.flatMap((type) => as(signed(zone, asked, node, type)));
  const services = isAlias && !glue && !seen.has(keyOf(target)) ? rrset(zone, target, rr.type) : [];
  if (services.length === 0) return addresses;
  seen.add(keyOf(target));
  const further = services.flatMap((one) => companionsOf(zone, question, one, target, seen));
  return [...addresses, ...signed(zone, question, target, rr.type), ...further];
}

function unique(records: readonly Rr[]): Rr[] {
  const byText = new Map(
    records.map((rr) => [`${keyOf(rr.owner)} ${rr.type} ${Buffer.from(rr.rdata).toString('hex')}`, rr]),
  );
  return [...byText.values()];
}
