/** The parts that both paths of UDP answer with: the facts of its queries, and room for its responses. */
import { createFacts, type Facts, Transport } from '../answer/facts.js';
import type { Catalog } from '../image/catalog.js';
import type { UdpContext } from './transport.js';

/** Octets of the least response buffer that respond() takes. */
const LEAST_ROOM = 512;

/** Facts of UDP queries. */
export function udpFacts(catalog: Catalog, context: UdpContext): Facts {
  const facts = createFacts(catalog);
  facts.transport = Transport.UDP;
  facts.payloadLimit = context.udpPayload;
  facts.upgradeBit = context.udpUpgradeBit;
  return facts;
}

/** Octets that a response may have. */
export function responseRoom({ udpPayload }: Pick<UdpContext, 'udpPayload'>): number {
  return Math.max(udpPayload, LEAST_ROOM);
}
