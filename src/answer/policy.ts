/**
 * Who may ask what over what: the server's access list, a zone's, and zones that are for TLS alone. An answer is composed
 * from the image of one zone only (respond.ts), so that judging the zone of the question is enough: no chain, referral or
 * additional record carries data from a zone that was not judged. Hot file: integers, no allocation.
 *
 * Refusals are REFUSED with the extended error 18, Prohibited (RFC 8914 §4.19: a server's refusal of a client that is not
 * authorized). It is also the one for a zone that wants TLS, with a text that says so: 21, Not Supported, would mean that
 * the server cannot, 28, Unable to conform to policy, speaks of a policy that the client asked for. Whom the server refuses
 * gets REFUSED rather than silence: it is hardly longer than the query, so that forged queries gain nothing by it, while
 * silence would have a resolver ask again and again, and its operator look for a broken network.
 */
import { isAllowed } from '../image/access.js';
import { POLICY_ACCESS, POLICY_FLAGS, POLICY_TLS } from '../image/policy.js';
import { type Facts, Transport } from './facts.js';

/** Whether the client may ask this server, whose catalog has an access list. */
export function mayAsk({ catalog, client, clientLength }: Facts): boolean {
  return isAllowed(catalog.policies, catalog.access, client, clientLength);
}

/** Whether the client may ask for the zone that has the policy at the word `policy` of the catalog's. */
export function mayAskFor({ catalog, client, clientLength }: Facts, policy: number): boolean {
  const list = catalog.policies[policy + POLICY_ACCESS]!;
  return list === 0 || isAllowed(catalog.policies, list, client, clientLength);
}

/** Whether that zone is not answered over this transport. */
export function needsTls({ catalog, transport }: Facts, policy: number): boolean {
  return (catalog.policies[policy + POLICY_FLAGS]! & POLICY_TLS) !== 0 && transport !== Transport.TLS;
}
