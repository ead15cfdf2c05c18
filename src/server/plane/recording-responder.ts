/** A responder whose queries are recorded, all of them or a sample, for the query log and dnstap. */
import type { Responder } from '../../answer/respond.js';
import { Target, writeRecord } from '../../observe/tap/record.js';
import { RingWriter } from '../../observe/tap/ring.js';
import type { ThreadTap } from '../../observe/tap/tap.js';
import { SYSTEM_TIME, type TimeSources, wallClock } from '../../observe/tap/wall-clock.js';

/**
 * The responder, but what it answers is written to the thread's ring. It is to be the outermost one, so that what is
 * recorded is what is sent. Samples are one of N in the mean, at distances drawn by chance: a client that asks at a regular
 * pace is neither always recorded nor never.
 */
export function recordingResponder(
  responder: Responder,
  tap: ThreadTap,
  random: () => number = Math.random,
  time: TimeSources = SYSTEM_TIME,
): Responder {
  const { querySample, dnstapSample, queries, responses } = tap;
  const { outcome } = responder;
  const ring = new RingWriter(tap.ring);
  const toWall = wallClock(time);
  const { monotonic } = time;
  /** Queries until the next that is recorded, itself included; 0: none is. */
  let untilLogged = draw(querySample, random);
  let untilTapped = draw(dnstapSample, random);
  return {
    outcome,
    respond(inBuf, inOff, inLen, facts, outBuf, outOff, outCap) {
      let targets = 0;
      if (untilLogged > 0 && --untilLogged === 0) {
        targets = Target.QUERY_LOG;
        untilLogged = draw(querySample, random);
      }
      if (untilTapped > 0 && --untilTapped === 0) {
        targets |= Target.DNSTAP;
        untilTapped = draw(dnstapSample, random);
      }
      if (targets === 0) return responder.respond(inBuf, inOff, inLen, facts, outBuf, outOff, outCap);
      const began = monotonic();
      const length = responder.respond(inBuf, inOff, inLen, facts, outBuf, outOff, outCap);
      const ended = monotonic();
      writeRecord(
        ring,
        targets,
        queries,
        responses,
        toWall(ended),
        ended - began,
        facts,
        outcome,
        inBuf,
        inOff,
        inLen,
        outBuf,
        outOff,
        length,
      );
      return length;
    },
  };
}

/** A distance between two samples of one in `sample`: 1 to 2 × sample − 1, each as likely. */
function draw(sample: number, random: () => number): number {
  return sample <= 1 ? sample : 1 + Math.floor(random() * (2 * sample - 1));
}
