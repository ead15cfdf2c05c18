/**
 * What counting costs: nanoseconds a message, over messages of the workload's kinds in turn. The loop around it is measured
 * too and taken off: node scripts/run-ts.mjs test/bench/count.ts [MESSAGES]
 */
import { createFacts, createOutcome, type Facts, Kind, type Outcome } from '../../src/answer/facts.js';
import { Publisher } from '../../src/image/catalog.js';
import { COUNTER_WORDS, Counters } from '../../src/observe/counters.js';
import { Rcode, Type } from '../../src/protocol/iana.js';
import { printTable } from './measure.js';

/** Outcomes counted in turn; a power of two. */
const DISTINCT = 1024;
const TURNS = 7;

/** Prints the medians of some turns of `messages` each. */
export function benchCount(messages: number): void {
  const shared = new SharedArrayBuffer(COUNTER_WORDS * Float64Array.BYTES_PER_ELEMENT);
  const counters = new Counters(new Float64Array(shared));
  const facts = createFacts(new Publisher().publish());
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
  ]);
  console.log(`${messages} messages, median of ${TURNS}; ${COUNTER_WORDS} words; ${counters.messages} counted`);
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
