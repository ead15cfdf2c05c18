/**
 * What counting costs: nanoseconds a message, over messages of the workload's kinds in turn, the loop around it taken off; and
 * with respond() before it, as it is in the server. Alone: node scripts/run-ts.mjs test/bench/count.ts [MESSAGES]
 */

import { DEFAULT_SETTINGS } from '../../src/answer/answer-settings.js';
import { createFacts, createOutcome, type Facts, Kind, type Outcome } from '../../src/answer/facts.js';
import { createResponder, type Responder } from '../../src/answer/respond.js';
import { type Catalog, Publisher } from '../../src/image/catalog.js';
import { load } from '../../src/image/load.js';
import { COUNTER_WORDS, Counters } from '../../src/observe/counters/counters.js';
import { timedResponder } from '../../src/observe/counters/timed-responder.js';
import { Rcode, Type } from '../../src/protocol/iana.js';
import { nameFromText } from '../../src/protocol/name.js';
import { buildQuery } from '../support/message.js';
import { printTable } from './measure.js';
import { queries, randomFrom, ZONE, zoneText } from './workload.js';

/** Outcomes counted in turn; a power of two. */
const DISTINCT = 1024;
const TURNS = 7;

/** Prints the medians of some turns of `messages` each. */
function benchCount(messages: number): void {
  const shared = new SharedArrayBuffer(COUNTER_WORDS * Float64Array.BYTES_PER_ELEMENT);
  const counters = new Counters(new Float64Array(shared));
  const facts = createFacts(workload());
  const outcomes = Array.from({ length: DISTINCT }, (_, index) => outcomeOf(index % 100));
  // Bound, as the transports have it.
  const count = counters.count.bind(counters);
  const counting = median(() => timeCounting(messages, facts, outcomes, count));
  const loop = median(() => timeLoop(messages, outcomes));
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

/** The zone of the workload, smaller. */
function workload(): Catalog {
  const source = { file: 'bench', bytes: Buffer.from(zoneText(NAMES, 100)), origin: nameFromText(`${ZONE}.`) };
  const { apex, image } = load(source, { now: Date.now() / 1000 });
  const publisher = new Publisher();
  if (apex !== undefined && image !== undefined) publisher.put(apex, image);
  return publisher.publish();
}

/** respond() alone, with times taken of some messages, with counting, and with both. */
function answering(messages: number, facts: Facts, counters: Counters): string[][] {
  const requests = queries(20_000, randomFrom(7), NAMES, 100).map(([name, type]) =>
    buildQuery({ name: `${name}.`, type, edns: {} }),
  );
  const out = new Uint8Array(4096);
  const plain = createResponder(DEFAULT_SETTINGS);
  const timed = timedResponder(createResponder(DEFAULT_SETTINGS), counters);
  const count = counters.count.bind(counters);
  const none: Counters['count'] = () => {};
  const time = (responder: Responder, counting: Counters['count']): number => {
    const began = process.cpuUsage();
    for (let i = 0; i < messages; i++) {
      const request = requests[i % requests.length]!;
      const length = responder.respond(request, 0, request.length, facts, out, 0, 1232);
      counting(facts, responder.outcome, request.length, length);
    }
    return since(began, messages);
  };
  const cases = [
    ['respond()', plain, none],
    ['respond(), some timed', timed, none],
    ['respond(), count()', plain, count],
    ['respond(), some timed, count()', timed, count],
  ] as const;
  // In turns, so that what else the machine does meets all of them alike.
  const times = cases.map((): number[] => []);
  for (let turn = 0; turn <= 2 * TURNS; turn++) {
    for (const [index, [, responder, counting]] of cases.entries()) times[index]!.push(time(responder, counting));
  }
  return cases.map(([name], index) => [
    name,
    times[index]!.slice(1)
      .sort((a, b) => a - b)
      [TURNS]!.toFixed(1),
  ]);
}

/** Two loops, not one with a parameter: what is called must not depend on what was measured before. */
function timeCounting(messages: number, facts: Facts, outcomes: readonly Outcome[], count: Counters['count']): number {
  const began = process.cpuUsage();
  for (let i = 0; i < messages; i++) count(facts, outcomes[i & (DISTINCT - 1)]!, 40 + (i & 31), 60 + (i & 255));
  return since(began, messages);
}

function timeLoop(messages: number, outcomes: readonly Outcome[]): number {
  const began = process.cpuUsage();
  let sum = 0;
  for (let i = 0; i < messages; i++) sum = (sum + outcomes[i & (DISTINCT - 1)]!.kind + (i & 31) + (i & 255)) | 0;
  return sum === -1 ? 0 : since(began, messages);
}

/** Nanoseconds of CPU a message. */
function since(began: NodeJS.CpuUsage, messages: number): number {
  const { user, system } = process.cpuUsage(began);
  return ((user + system) * 1000) / messages;
}

function median(measure: () => number): number {
  measure();
  const times = Array.from({ length: TURNS }, measure).sort((a, b) => a - b);
  return times[TURNS >> 1]!;
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
