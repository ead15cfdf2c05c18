/** Datagrams that are handed off (NOTIFY, UPDATE), on both paths of UDP. */
import type { Facts } from '../answer/facts.js';
import { answerHanded, handedRequest } from '../answer/hand-off/hand-off.js';
import { DROP } from '../answer/respond.js';
import type { UdpContext } from './transport.js';

/** Where a response is composed. */
interface Room {
  readonly octets: Uint8Array;
  readonly at: number;
  readonly capacity: number;
}

/**
 * Hands off the datagram of `length` octets at `octets[at]`; `facts` are those of its client. When too many wait, it is dropped. Once the
 * reply is there, `room` is asked for, and `send` gets it with the octets of the response; 0: there is none. Both are called in a turn of
 * the event loop of their own.
 */
export function handDatagram<T extends Room>(
  { responder, clock, count, handOff }: UdpContext,
  facts: Facts,
  octets: Uint8Array,
  at: number,
  length: number,
  room: () => T,
  send: (to: T, answered: number) => void,
): void {
  const request = handedRequest(octets, at, length, facts);
  const since = clock.milliseconds();
  const isHanded = handOff.try(request, (reply) => {
    const to = room();
    facts.now = clock.seconds();
    const waited = clock.milliseconds() - since;
    const { respond } = responder;
    const answered = answerHanded(respond, facts, request, reply, waited, to.octets, to.at, to.capacity);
    count(facts, responder.outcome, length, answered);
    send(to, request.clientPort === 0 ? DROP : answered);
  });
  if (!isHanded) count(facts, responder.outcome, length, DROP);
}
