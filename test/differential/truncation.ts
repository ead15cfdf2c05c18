/**
 * Judges a UDP answer of ours by our own answer over TCP (RFC 2181 §9, RFC 9471): whole RRsets only, TC exactly when
 * something needed did not fit, and never more octets than the client takes.
 */
import type { Answer } from './answer.js';
import type { Query } from './queries.js';
import { SECTIONS } from './view.js';

/** Octets: adotd's default limit (RFC 6891 §6.2.5, DNS flag day 2020). */
export const UDP_LIMIT = 1232;

function limitOf(query: Query): number {
  return query.edns ? Math.min(UDP_LIMIT, Math.max(512, query.size)) : 512;
}

/** Owners of the cut's own glue: names at or below the owner of the referral's NS RRset. */
function isInDomain(owner: string, whole: Answer): boolean {
  for (const { owner: cut, type } of whole.authority.values()) {
    if (type === 2 && (owner === cut || owner.endsWith(`.${cut}`))) return true;
  }
  return false;
}

export function checkTruncation(query: Query, udp: Answer, whole: Answer, faults: string[]): void {
  const limit = limitOf(query);
  if (udp.length > limit) faults.push(`UDP answer of ${udp.length} octets, limit ${limit}`);
  if (udp === whole) return;
  if (udp.rcode !== whole.rcode || udp.aa !== whole.aa) faults.push('RCODE or AA depends on the transport');
  if (whole.tc) faults.push('TC over TCP');
  if (udp.tc && whole.length <= limit) faults.push(`TC although ${whole.length} octets fit in ${limit}`);
  for (const section of SECTIONS) {
    for (const [key, { rdata }] of udp[section]) {
      if (whole[section].get(key)?.rdata.join() !== rdata.join()) faults.push(`${section}: ${key} is not whole`);
    }
    if (udp.tc) continue;
    for (const [key, { owner }] of whole[section]) {
      const needed = section !== 'additional' || isInDomain(owner, whole);
      if (needed && !udp[section].has(key)) faults.push(`${section}: without TC, ${key} is missing`);
    }
  }
}
