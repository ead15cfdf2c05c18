/**
 * Access: the server's list, a zone's list, and zones that are answered over TLS only. An answer is composed from the image
 * of one zone (respond.ts), so that it suffices to judge the zone of the question: no chain, referral or additional record
 * carries data from another zone. Only signals of transports do, and oots.ts judges their zones. Hot file: integers, no allocation.
 *
 * A refusal is REFUSED with the extended error 18, Prohibited (RFC 8914 §4.19: an unauthorized client). A zone that requires
 * TLS has the same code and a text that says so: 21, Not Supported, would mean that the server cannot answer, and 28, Unable
 * to conform to policy, is about a policy of the client. A refused client gets REFUSED, not silence. REFUSED is hardly longer
 * than the query, so that forged queries gain nothing by it. Silence would make a resolver ask again and again, and its
 * operator look for a broken network.
 */
import { isAllowed } from '../image/access.js';
import { POLICY_ACCESS, POLICY_FLAGS, POLICY_PRIVATE, POLICY_TLS } from '../image/policy.js';
import { type Facts, isEncrypted } from './facts.js';

/** Whether the access list of the server, which the catalog must have, allows the client. */
export function mayAsk({ catalog, client, clientLength }: Facts): boolean {
  return isAllowed(catalog.policies, catalog.access, client, clientLength);
}

/** Whether the zone's policy, at word `policy` of the catalog's policies, allows the client. */
export function mayAskFor({ catalog, client, clientLength }: Facts, policy: number): boolean {
  const list = catalog.policies[policy + POLICY_ACCESS]!;
  return list === 0 || isAllowed(catalog.policies, list, client, clientLength);
}

/** Whether the zone's policy requires TLS, and this transport is another one. */
export function needsTls({ catalog, transport }: Facts, policy: number): boolean {
  return (catalog.policies[policy + POLICY_FLAGS]! & POLICY_TLS) !== 0 && !isEncrypted(transport);
}

/** Whether only clients that may transfer the zone get answers. */
export function isPrivate({ catalog }: Facts, policy: number): boolean {
  return (catalog.policies[policy + POLICY_FLAGS]! & POLICY_PRIVATE) !== 0;
}
