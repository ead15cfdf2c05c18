/**
 * How long respond() takes, of some messages only: Measured: reading the clock twice takes 100 ns, a quarter of an answer. Of
 * every SAMPLE-th message of a thread, that is; as a prime it walks through all places of a batch instead of always timing
 * the first, whose data no cache holds yet. Measured: 5 to 20 ns a message, nearly all of it for one call more.
 * NOT here: the time that a message waits in the socket and in its batch, and that its answer takes to be sent.
 */
import type { Responder } from '../../answer/respond.js';
import type { Counters } from './counters.js';

/** One message in so many is timed. */
export const SAMPLE = 127;

/** The responder, but every `sample`-th message is timed. The clock's own time, some 50 ns, is in what is counted. */
export function timedResponder(responder: Responder, counters: Counters, sample = SAMPLE): Responder {
  const { respond, outcome } = responder;
  let left = sample;
  return {
    outcome,
    respond(inBuf, inOff, inLen, facts, outBuf, outOff, outCap) {
      if (--left > 0) return respond(inBuf, inOff, inLen, facts, outBuf, outOff, outCap);
      left = sample;
      const began = performance.now();
      const length = respond(inBuf, inOff, inLen, facts, outBuf, outOff, outCap);
      counters.respondTook(facts.transport, (performance.now() - began) / 1000);
      return length;
    },
  };
}
