/**
 * The plan of transports (the draft, §2.1 and §2.2): which ones a query tries, in which order, and how long each may take. No
 * sockets here.
 */
import type { CapabilityCache, EncryptedTransport } from '../capabilities/capabilities.js';
import type { Timeouts, TransportChoice } from '../client-settings.js';
import { ClientErrorCode } from '../errors.js';
import { HeaderFlag, type Message } from '../wire/message.js';

/** A transport that a query can try; cleartext is two of them. */
export type TriedTransport = EncryptedTransport | 'udp' | 'tcp';

interface PlanInput {
  readonly order: readonly TransportChoice[];
  readonly cache: Pick<CapabilityCache, 'get' | 'retryAt'>;
  /** Where each encrypted transport of the server is. */
  readonly ports: Readonly<Record<EncryptedTransport, number>>;
  readonly address: string;
  /** Whether a session over it is open. */
  live(transport: EncryptedTransport): boolean;
}

/**
 * A stage of the plan.
 * - known: a transport that is open or known to work, by itself: nobody else is asked as long as it does.
 * - staggered: encrypted transports that nothing good is known of, in their order.
 * - cleartext: UDP, then TCP.
 */
export type Stage =
  | { readonly kind: 'known' | 'staggered'; readonly transports: readonly EncryptedTransport[] }
  | { readonly kind: 'cleartext'; readonly transports: readonly ['udp', 'tcp'] };

const CLEARTEXT: Stage = { kind: 'cleartext', transports: ['udp', 'tcp'] };

/**
 * The stages, in order.
 * - What is known to fail is left out for a while, unless a session is open all the same.
 * - Of the encrypted ones, one that is open or known to work comes before one that is not (the draft, §2.1.1: clients MAY,
 *   "if there is information that this ordering is preferred"), so that nobody waits for what has never worked.
 * - Without cleartext (pre-deployed) it comes last instead: nothing else is left, and it may have come back.
 */
export function transportPlan(input: PlanInput): Stage[] {
  const { order, cache, address, ports, live } = input;
  const key = (transport: EncryptedTransport) => ({ transport, address, port: ports[transport] });
  const encrypted = order.filter((choice) => choice !== 'cleartext');
  const preferred = (choice: EncryptedTransport): boolean => live(choice) || cache.get(key(choice))?.status === 'works';
  const worth = encrypted.filter((choice) => live(choice) || cache.retryAt(key(choice)) === undefined);
  const staged = (choices: readonly TransportChoice[], last: readonly EncryptedTransport[] = []): Stage[] => {
    const some = worth.filter((choice) => choices.includes(choice));
    const known = some.filter(preferred).map((choice): Stage => ({ kind: 'known', transports: [choice] }));
    const others = [...some.filter((choice) => !preferred(choice)), ...last];
    return others.length === 0 ? known : [...known, { kind: 'staggered', transports: others }];
  };
  const at = order.indexOf('cleartext');
  if (at < 0)
    return staged(
      order,
      encrypted.filter((choice) => !worth.includes(choice)),
    );
  return [...staged(order.slice(0, at)), CLEARTEXT, ...staged(order.slice(at))];
}

/** Milliseconds that a transport takes at most, when nothing answers. */
function worst(transport: TriedTransport, timeouts: Timeouts, udpTries: number): number {
  return transport === 'udp' ? timeouts.udp * udpTries : timeouts.establish + timeouts.answer;
}

/**
 * Milliseconds that `transports` may take together out of `remaining`, so that each of `behind` has as much as it could
 * need, or its equal share of what remains. That is what lets cleartext answer in time behind transports that stall.
 */
export function allowance(
  transports: readonly TriedTransport[],
  behind: readonly TriedTransport[],
  remaining: number,
  timeouts: Timeouts,
  udpTries: number,
): number {
  const share = remaining / (transports.length + behind.length);
  const reserved = behind.reduce((sum, other) => sum + Math.min(worst(other, timeouts, udpTries), share), 0);
  return remaining - reserved;
}

/** What a server says when it has answered: NOERROR, NXDOMAIN, and YXDOMAIN (a DNAME's target too long, RFC 6672). */
const ANSWERS: readonly number[] = [0, 3, 6];

/**
 * Whether the resolution ends with this message: an answer, and whole. Another RCODE may be the transport's doing (a proxy for TLS whose
 * server is down, a filter), so the next one is asked too; when that does no better the first answer is what there is.
 */
export function isFinal(message: Message): boolean {
  return ANSWERS.includes(message.rcode) && (message.flags & HeaderFlag.TC) === 0;
}

/** Whether an answer says that the server does not understand EDNS (RFC 6891 §7): then it is asked without. */
export function lacksEdns(message: Message): boolean {
  const { rcode, edns } = message;
  return edns === undefined && (rcode === 1 || rcode === 4);
}

/**
 * Whether a failure alone says that the server does not have the transport: it has answered, and not as TLS or with TO.
 * Another says so only when another transport answers meanwhile; if none does, the server is down or we are offline.
 */
export function isConclusive(code: ClientErrorCode): boolean {
  return CONCLUSIVE.includes(code);
}

const CONCLUSIVE: readonly ClientErrorCode[] = [ClientErrorCode.HANDSHAKE, ClientErrorCode.NO_UPGRADE];

/** Failures that are no fault of the transport: the handshake succeeded, or we gave up. */
export function isTransportFault(code: ClientErrorCode): boolean {
  return !NO_FAULT.includes(code);
}

const NO_FAULT: readonly ClientErrorCode[] = [
  ClientErrorCode.CERTIFICATE,
  ClientErrorCode.ABORTED,
  ClientErrorCode.ENDED,
  ClientErrorCode.INPUT,
];
