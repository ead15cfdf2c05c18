/**
 * The kind of answer that a question asks for, derived from the generated data alone (RFC 1034 §4.3.2, RFC 4592): it steers the
 * generator of queries and names the cells of the table. It judges no server.
 */

import { isAtOrBelow, isBelow, type Name, nameFromText, nameKey } from './names.js';
import { T } from './types.js';
import type { Node, ZoneData } from './zone-data.js';

export const SIGNINGS = ['unsigned', 'NSEC', 'NSEC3', 'opt-out'] as const;
export type Signing = (typeof SIGNINGS)[number];

export const OUTCOMES = [
  'answer',
  'CNAME',
  'DNAME',
  'DNAME to an ancestor',
  'wildcard',
  'wildcard NODATA',
  'empty non-terminal',
  'NODATA',
  'referral signed',
  'referral unsigned',
  'referral opt-out',
  'DS at a cut',
  'occluded',
  'NXDOMAIN',
  'truncated',
  'ANY',
] as const;
export type OutcomeName = (typeof OUTCOMES)[number];

/** Whether an outcome can occur in zones of that signing. */
export function canOccur(outcome: OutcomeName, signing: Signing): boolean {
  if (outcome === 'referral signed') return signing !== 'unsigned';
  if (outcome === 'referral opt-out') return signing === 'opt-out';
  // Every unsigned delegation of an opt-out zone is opted out.
  if (outcome === 'referral unsigned') return signing !== 'opt-out';
  return true;
}

/** A served zone, prepared for the model's lookups. */
export class Model {
  readonly zone: ZoneData;
  readonly signing: Signing;
  /** nameKey of every name that exists, empty non-terminals included. */
  readonly #existing = new Set<string>();
  readonly emptyNonTerminals: Name[] = [];
  /** DNAMEs whose targets are above the apex. */
  readonly climbing: { readonly owner: Name; readonly target: Name }[] = [];

  constructor(zone: ZoneData, signing: Signing) {
    this.zone = zone;
    this.signing = signing;
    for (const { name, rrsets } of zone.nodes.values()) {
      const target = nameFromText(rrsets.get(T.DNAME)?.rdata[0] ?? 'none.');
      if (isBelow(zone.origin, target)) this.climbing.push({ owner: name, target });
      for (let at = 0; at <= name.length - zone.origin.length; at++) {
        const ancestor = name.slice(at);
        const key = nameKey(ancestor);
        if (this.#existing.has(key)) break;
        this.#existing.add(key);
        if (!zone.nodes.has(key)) this.emptyNonTerminals.push(ancestor);
      }
    }
  }

  #node(name: Name): Node | undefined {
    return this.zone.nodes.get(nameKey(name));
  }

  /** The closest ancestor of a name of the zone, or the name itself, that exists. */
  closestEncloser(name: Name): Name {
    let at = 0;
    while (!this.#existing.has(nameKey(name.slice(at))) && at < name.length - this.zone.origin.length) at++;
    return name.slice(at);
  }

  /** Whether nothing at or below a name is signed: only unsigned delegations, which an opt-out chain leaves out. */
  isOptedOut(name: Name): boolean {
    const cuts = [...this.zone.nodes.values()].filter((node) => node.rrsets.has(T.NS) && !this.#isApex(node.name));
    for (const node of this.zone.nodes.values()) {
      if (!isAtOrBelow(node.name, name) || cuts.some((cut) => isBelow(node.name, cut.name))) continue;
      if (!cuts.includes(node) || node.rrsets.has(T.DS)) return false;
    }
    return true;
  }

  #isApex(name: Name): boolean {
    return name.length === this.zone.origin.length;
  }

  /** The outcomes that a question belongs to; none for names outside the zone. */
  classify(qname: Name, qtype: number): OutcomeName[] {
    const { origin } = this.zone;
    if (!isAtOrBelow(qname, origin)) return [];
    for (let at = qname.length - origin.length; at >= 0; at--) {
      const ancestor = qname.slice(at);
      const isQname = at === 0;
      const node = this.#node(ancestor);
      const isApex = ancestor.length === origin.length;
      if (!isApex && node?.rrsets.has(T.NS)) return this.#atCut(node, qname, qtype);
      if (!isQname && node?.rrsets.has(T.DNAME)) return this.#redirected(node, qname);
      if (isQname) {
        if (node !== undefined) return this.#atNode(node, qtype, isApex);
        if (this.#existing.has(nameKey(ancestor))) return ['empty non-terminal'];
      }
      if (!this.#existing.has(nameKey(ancestor))) return this.#atWildcard(qname.slice(at + 1), qtype);
    }
    return [];
  }

  #atCut(cut: Node, qname: Name, qtype: number): OutcomeName[] {
    if (qname.length === cut.name.length && qtype === T.DS) return ['DS at a cut'];
    const unsigned = this.signing === 'opt-out' ? 'referral opt-out' : 'referral unsigned';
    const outcomes: OutcomeName[] = [
      cut.rrsets.has(T.DS) && this.signing !== 'unsigned' ? 'referral signed' : unsigned,
    ];
    if (qname.length > cut.name.length && this.#existing.has(nameKey(qname))) outcomes.push('occluded');
    return outcomes;
  }

  /** Below a DNAME; whether the name that it makes is in the zone again, although its target is above. */
  #redirected(node: Node, qname: Name): OutcomeName[] {
    const climbing = this.climbing.find(({ owner }) => owner === node.name);
    if (climbing === undefined) return ['DNAME'];
    const composed = [...qname.slice(0, qname.length - node.name.length), ...climbing.target];
    return isAtOrBelow(composed, this.zone.origin) ? ['DNAME', 'DNAME to an ancestor'] : ['DNAME'];
  }

  #atNode(node: Node, qtype: number, isApex: boolean): OutcomeName[] {
    if (qtype === T.ANY) return ['ANY'];
    if (node.rrsets.has(qtype)) return ['answer'];
    if (this.#signed(qtype, isApex)) return ['answer'];
    return [node.rrsets.has(T.CNAME) ? 'CNAME' : 'NODATA'];
  }

  /** Whether signing gives a node with data this type. */
  #signed(qtype: number, isApex: boolean): boolean {
    if (this.signing === 'unsigned') return false;
    if (qtype === T.RRSIG || (qtype === T.NSEC && this.signing === 'NSEC')) return true;
    return isApex && (qtype === T.DNSKEY || (qtype === T.NSEC3PARAM && this.signing !== 'NSEC'));
  }

  #atWildcard(encloser: Name, qtype: number): OutcomeName[] {
    const name = ['*', ...encloser];
    const node = this.#node(name);
    if (node === undefined) return [this.#existing.has(nameKey(name)) ? 'wildcard NODATA' : 'NXDOMAIN'];
    if (node.rrsets.has(T.NS)) return [];
    if (qtype === T.ANY) return ['ANY', 'wildcard'];
    if (node.rrsets.has(qtype) || node.rrsets.has(T.CNAME) || this.#signed(qtype, false)) return ['wildcard'];
    return ['wildcard NODATA'];
  }
}
