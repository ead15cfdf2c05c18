/**
 * The plan of transports (the draft, §2.1 and §2.2): the ones that a query tries, their order, and the time of each. No sockets here.
 */
import type { CapabilityCache, CapabilityKey, EncryptedTransport } from '../capabilities/capabilities.js';
import type { Timeouts, TransportChoice } from '../client-settings.js';
import { type ClientError, ClientErrorCode } from '../errors.js';
import { HeaderFlag, type Message } from '../wire/message.js';

/** A transport that a query can try; cleartext is two of them. */
export type TriedTransport = EncryptedTransport | 'udp' | 'tcp';

interface PlanInput {
  readonly order: readonly TransportChoice[];
  readonly cache: Pick<CapabilityCache, 'get' | 'retryAt'>;
  /** The port of each transport. */
  readonly ports: Readonly<Record<EncryptedTransport | 'udp', number>>;
  readonly address: string;
  /** Whether a session over it is open. */
  live(transport: EncryptedTransport): boolean;
}

/**
 * A stage of the plan.
 * - known: one transport that has an open session or is known to work. It is asked alone.
 * - staggered: encrypted transports that are not known to work, in their order.
 * - cleartext: UDP, then TCP; the other way round if UDP is known to fail, so that no query waits for it in vain.
 */
export type Stage =
  | { readonly kind: 'known' | 'staggered'; readonly transports: readonly EncryptedTransport[] }
  | { readonly kind: 'cleartext'; readonly transports: readonly ('udp' | 'tcp')[] };

/**
 * The stages, in order.
 * - A transport that is known to fail is left out for a while, unless it has an open session.
 * - Among the encrypted transports, those that have an open session or are known to work come first (the draft, §2.1.1: clients
 *   MAY, "if there is information that this ordering is preferred"), so that no query waits for one that has never worked.
 * - Without cleartext (pre-deployed), transports that are known to fail come last: nothing else is left, and they may work again.
 */
export function transportPlan(input: PlanInput): Stage[] {
  const { order, cache, address, ports, live } = input;
  const key = (transport: CapabilityKey['transport']) => ({ transport, address, port: ports[transport] });
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
  const cleartext: Stage = {
    kind: 'cleartext',
    transports: cache.retryAt(key('udp')) === undefined ? ['udp', 'tcp'] : ['tcp', 'udp'],
  };
  return [...staged(order.slice(0, at)), cleartext, ...staged(order.slice(at))];
}

/** Milliseconds that a transport takes at most, if nothing answers. */
function longest(transport: TriedTransport, timeouts: Timeouts, udpTries: number): number {
  return transport === 'udp' ? timeouts.udp * udpTries : timeouts.establish + timeouts.answer;
}

/**
 * Milliseconds that `transports` may take together out of `remaining`. They leave each of `behind` the time that it may need, or its
 * equal share of `remaining` if that is less. So cleartext can answer in time behind transports that stall.
 */
export function allowance(
  transports: readonly TriedTransport[],
  behind: readonly TriedTransport[],
  remaining: number,
  timeouts: Timeouts,
  udpTries: number,
): number {
  const share = remaining / (transports.length + behind.length);
  const reserved = behind.reduce((sum, other) => sum + Math.min(longest(other, timeouts, udpTries), share), 0);
  return remaining - reserved;
}

/** The RCODEs of an answer: NOERROR, NXDOMAIN, and YXDOMAIN (the target of a DNAME is too long, RFC 6672). */
const ANSWERS: readonly number[] = [0, 3, 6];

/**
 * Whether the resolution ends with this message: an answer, and whole. Another RCODE may be the transport's doing (a proxy for TLS whose
 * server is down, a filter), so the next transport is asked too. If that does no better, the first answer counts.
 */
export function isFinal(message: Message): boolean {
  return ANSWERS.includes(message.rcode) && (message.flags & HeaderFlag.TC) === 0;
}

/** Whether an answer says that the server does not understand EDNS (RFC 6891 §7). Then it is asked without. */
export function lacksEdns(message: Message): boolean {
  const { rcode, edns } = message;
  return edns === undefined && (rcode === 1 || rcode === 4);
}

/**
 * Whether a failure alone shows that the server is there and that the fault is the transport's: the server has answered without TLS
 * or TO, or with TO, and the handshake failed. Any other failure shows it only if another transport answers meanwhile; if none does,
 * the server is down or we are offline.
 */
export function isConclusive(transport: TriedTransport, { code, step }: Pick<ClientError, 'code' | 'step'>): boolean {
  return CONCLUSIVE.includes(code) || (transport === 'starttls' && step === 'handshake');
}

const CONCLUSIVE: readonly ClientErrorCode[] = [ClientErrorCode.HANDSHAKE, ClientErrorCode.NO_UPGRADE];

/** Whether a failure is the transport's fault. It is not if the handshake succeeded or we gave up. */
export function isTransportFault(code: ClientErrorCode): boolean {
  return !NO_FAULT.includes(code);
}

const NO_FAULT: readonly ClientErrorCode[] = [
  ClientErrorCode.CERTIFICATE,
  ClientErrorCode.ABORTED,
  ClientErrorCode.ENDED,
  ClientErrorCode.INPUT,
];
