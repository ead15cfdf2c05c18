/** Catches errors of the responder: a bug that one message triggers must not end the server. */
import type { Responder } from '../../answer/respond.js';
import type { Log } from '../../observe/log.js';

/** Octets of a query that are logged: the most that arrive without fragmentation. */
const LOGGED_OCTETS = 1232;

/** A responder that can be replaced between two messages. */
interface CatchingResponder extends Responder {
  /** Answers by `next` from now on, which must have the same outcome. */
  replace(next: Responder): void;
}

/** A responder whose errors are logged with the query; the message gets no answer then. */
export function catchingResponder(first: Responder, log: Pick<Log, 'error'>): CatchingResponder {
  let responder = first;
  return {
    outcome: first.outcome,
    replace(next) {
      responder = next;
    },
    respond(inBuf, inOff, inLen, facts, outBuf, outOff, outCap) {
      try {
        return responder.respond(inBuf, inOff, inLen, facts, outBuf, outOff, outCap);
      } catch (error) {
        const query = Buffer.from(inBuf.subarray(inOff, inOff + Math.min(inLen, LOGGED_OCTETS))).toString('hex');
        log.error({ err: error, query }, 'a query could not be answered; please report this');
        return 0;
      }
    },
  };
}
