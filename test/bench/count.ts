/**
 * The cost of counting: nanoseconds a message, over messages of the workload's kinds in turn, without the loop around it; and
 * with respond() before it, as it is in the server. Alone: node scripts/run-ts.mjs test/bench/count.ts [MESSAGES]
 */

import { DEFAULT_SETTINGS } from '../../src/answer/answer-settings.js';
import { createFacts, createOutcome, type Facts, Kind, type Outcome } from '../../src/answer/facts.js';
import { createResponder, type Responder } from '../../src/answer/respond.js';
import { COUNTER_WORDS, Counters } from '../../src/observe/counters/counters.js';
import { timedResponder } from '../../src/observe/counters/timed-responder.js';
import { Rcode, Type } from '../../src/protocol/iana.js';
import { median, nanosecondsEach, printTable } from './measure.js';
import { randomFrom } from './workload.js';
import { requests, workloadCatalog } from './workload-engine.js';

/** Outcomes counted in turn; a power of two. */
const DISTINCT = 1024;
const TURNS = 7;

/** Prints the medians of some turns of `messages` each. */
function benchCount(messages: number): void {
  const shared = new SharedArrayBuffer(COUNTER_WORDS * Float64Array.BYTES_PER_ELEMENT);
  const counters = new Counters(new Float64Array(shared));
  const facts = createFacts(workloadCatalog(NAMES, 100));
  const outcomes = Array.from({ length: DISTINCT }, (_, index) => outcomeOf(index % 100));
  // Bound, as the transports have it.
  const count = counters.count.bind(counters);
  const counting = medianOf(() => timeCounting(messages, facts, outcomes, count));
  const loop = medianOf(() => timeLoop(messages, outcomes));
  printTable([
    ['', 'ns per message'],
    ['loop with count()', counting.toFixed(1)],
    ['the loop alone', loop.toFixed(1)],
    ['count()', (counting - loop).toFixed(1)],
    ...answering(Math.ceil(messages / 10), facts, counters),
  ]);
  console.log(`${messages} messages, median of ${TURNS}; ${COUNTER_WORDS} words; ${counters.messages} counted`);
}

const NAMES = 10_000;

/** respond() alone, with times taken of some messages, with counting, and with both. */
function answering(messages: number, facts: Facts, counters: Counters): string[][] {
  const asked = requests(20_000, randomFrom(7), NAMES, 100);
  const out = new Uint8Array(4096);
  const plain = createResponder(DEFAULT_SETTINGS);
  const timed = timedResponder(createResponder(DEFAULT_SETTINGS), counters);
  const count = counters.count.bind(counters);
  const none: Counters['count'] = () => {};
  const time = (responder: Responder, counting: Counters['count']): number => {
    const began = process.cpuUsage();
    for (let i = 0; i < messages; i++) {
      const request = asked[i % asked.length]!;
      const length = responder.respond(request, 0, request.length, facts, out, 0, 1232);
      counting(facts, responder.outcome, request.length, length);
    }
    return nanosecondsEach(began, messages);
  };
  const cases = [
    ['respond()', plain, none],
    ['respond(), some timed', timed, none],
    ['respond(), count()', plain, count],
    ['respond(), some timed, count()', timed, count],
  ] as const;
  // In turns, so that other programs of the machine disturb all of them alike.
  const times = cases.map((): number[] => []);
  for (let turn = 0; turn <= 2 * TURNS; turn++) {
    for (const [index, [, responder, counting]] of cases.entries()) times[index]!.push(time(responder, counting));
  }
  return cases.map(([name], index) => [name, median(times[index]!.slice(1)).toFixed(1)]);
}

/** Two loops, not one with a parameter: V8 would compile the one by its first use. */
function timeCounting(messages: number, facts: Facts, outcomes: readonly Outcome[], count: Counters['count']): number {
  const began = process.cpuUsage();
  for (let i = 0; i < messages; i++) count(facts, outcomes[i & (DISTINCT - 1)]!, 40 + (i & 31), 60 + (i & 255));
  return nanosecondsEach(began, messages);
}

function timeLoop(messages: number, outcomes: readonly Outcome[]): number {
  const began = process.cpuUsage();
  let sum = 0;
  for (let i = 0; i < messages; i++) sum = (sum + outcomes[i & (DISTINCT - 1)]!.kind + (i & 31) + (i & 255)) | 0;
  return sum === -1 ? 0 : nanosecondsEach(began, messages);
}

function medianOf(measure: () => number): number {
  measure();
  return median(Array.from({ length: TURNS }, measure));
}

/** As in workload.ts: 70 % hits, 10 % NXDOMAIN, 5 % NODATA, 5 % wildcard, 5 % referrals, 5 % MX. */
function outcomeOf(percent: number): Outcome {
  const outcome = createOutcome();
  outcome.edns = 1;
  outcome.zone = 0;
  outcome.qtype = Type.A;
  outcome.kind = Kind.ANSWER;
  if (percent >= 95) outcome.qtype = Type.MX;
  else if (percent >= 90) outcome.kind = Kind.REFERRAL;
  else if (percent >= 85) outcome.wildcard = 1;
  else if (percent >= 80) {
    outcome.kind = Kind.NODATA;
    outcome.qtype = Type.AAAA;
  } else if (percent >= 70) {
    outcome.kind = Kind.NXDOMAIN;
    outcome.rcode = Rcode.NXDOMAIN;
  }
  return outcome;
}

if (process.argv[1]?.endsWith('count.js')) benchCount(Number(process.argv[2] ?? 20_000_000));
