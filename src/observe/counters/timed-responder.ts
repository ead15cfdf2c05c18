/**
 * How long respond() takes, for every SAMPLE-th message of a thread. Measured: reading the clock twice takes 100 ns, a quarter of an
 * answer. SAMPLE is prime, so it meets every place of a batch, not always the first, whose data is in no cache yet. Measured: this
 * costs 5 to 20 ns a message, nearly all of it for one more call.
 * NOT here: the time that a message waits in the socket and in its batch, and the time to send its answer.
 */
import type { Facts } from '../../answer/facts.js';
import type { Responder } from '../../answer/respond.js';
import type { Counters } from './counters.js';

/** 1 message in this many is timed. */
export const SAMPLE = 127;
/** Of the timed ones, 1 in this many is looked at. */
export const LOOKED_AT = 8;

/** Looks at the answer to the message at `inOff`, of `length` octets at `outOff`. */
export type Look = (
  inBuf: Uint8Array,
  inOff: number,
  inLen: number,
  facts: Facts,
  outBuf: Uint8Array,
  outOff: number,
  length: number,
) => void;

/**
 * The responder, but every `sample`-th message is timed. The time includes the clock's own, some 50 ns. Some of these answers are given to
 * `look`, here and not in a responder around this one, which would cost all messages a call.
 */
export function timedResponder(responder: Responder, counters: Counters, look?: Look, sample = SAMPLE): Responder {
  const { respond, outcome } = responder;
  let left = sample;
  let unseen = LOOKED_AT;
  return {
    outcome,
    respond(inBuf, inOff, inLen, facts, outBuf, outOff, outCap) {
      if (--left > 0) return respond(inBuf, inOff, inLen, facts, outBuf, outOff, outCap);
      left = sample;
      const began = performance.now();
      const length = respond(inBuf, inOff, inLen, facts, outBuf, outOff, outCap);
      counters.respondTook(facts.transport, (performance.now() - began) / 1000);
      if (--unseen === 0) {
        unseen = LOOKED_AT;
        if (length > 0) look?.(inBuf, inOff, inLen, facts, outBuf, outOff, length);
      }
      return length;
    },
  };
}
