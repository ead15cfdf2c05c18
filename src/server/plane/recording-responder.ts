/** Records queries, all of them or a sample, for the query log and dnstap. */
import type { Responder } from '../../answer/respond.js';
import { Target, writeRecord } from '../../observe/tap/record.js';
import { RingWriter } from '../../observe/tap/ring.js';
import type { ThreadTap } from '../../observe/tap/tap.js';
import { SYSTEM_TIME, type TimeSources, wallClock } from '../../observe/tap/wall-clock.js';

/**
 * A responder that writes its answers to the thread's ring. It has to be the outermost one, so that the recorded answer is the one that is sent.
 * A sample is 1 in N on average, at random distances: otherwise a client that asks at a regular pace could be recorded always or never.
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
  /** Queries until the next one that is recorded, including it; 0: none is. */
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
      const began = monotonic() - facts.waited;
      const length = responder.respond(inBuf, inOff, inLen, facts, outBuf, outOff, outCap);
      // It is recorded with its reply.
      if (length < 0) return length;
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

/** A random distance between two samples of 1 in `sample`: evenly from 1 to 2 × sample − 1. */
function draw(sample: number, random: () => number): number {
  return sample <= 1 ? sample : 1 + Math.floor(random() * (2 * sample - 1));
}
