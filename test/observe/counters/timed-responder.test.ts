import { describe, expect, it } from 'vitest';
import { createFacts, Transport } from '../../../src/answer/facts.js';
import { Counters } from '../../../src/observe/counters/counters.js';
import { SAMPLE, timedResponder } from '../../../src/observe/counters/timed-responder.js';
import { emptyCatalog } from '../../support/catalog.js';
import { echoResponder, message } from '../../support/responder.js';

function ask(responder: ReturnType<typeof timedResponder>, transport: Transport, times: number): number[] {
  const facts = createFacts(emptyCatalog());
  facts.transport = transport;
  const query = message(7);
  const out = new Uint8Array(512);
  return Array.from({ length: times }, () => responder.respond(query, 0, query.length, facts, out, 0, out.length));
}

const timed = (counters: Counters, transport: Transport): number =>
  counters.respondTimes(transport).counts.reduce((sum, count) => sum + count, 0);

describe('a responder that is timed', () => {
  it('answers as it would without', () => {
    const echo = echoResponder();
    const responder = timedResponder(echo, new Counters(), undefined, 2);
    expect(responder.outcome).toBe(echo.outcome);
    expect(ask(responder, Transport.UDP, 5)).toEqual([20, 20, 20, 20, 20]);
    expect(echo.seen).toHaveLength(5);
  });

  it('takes the time of one message in so many, whatever its transport', () => {
    const counters = new Counters();
    const responder = timedResponder(echoResponder(), counters, undefined, 4);
    ask(responder, Transport.UDP, 3);
    expect(timed(counters, Transport.UDP)).toBe(0);
    ask(responder, Transport.TLS, 1);
    ask(responder, Transport.UDP, 8);
    expect([timed(counters, Transport.UDP), timed(counters, Transport.TLS)]).toEqual([2, 1]);
    expect(counters.respondTimes(Transport.UDP).sum).toBeGreaterThan(0);
  });

  it('walks through all places of a batch: no batch size divides the step', () => {
    for (let batch = 2; batch <= 64; batch++) expect(SAMPLE % batch).not.toBe(0);
  });
});
