/**
 * The cost of query logging and dnstap: nanoseconds of CPU time per query in the thread that answers, and per record in the one that
 * writes. No sockets, one thread; the output goes nowhere.
 * Alone: node scripts/run-ts.mjs test/bench/tap.ts [QUERIES]
 */

import { DEFAULT_SETTINGS } from '../../src/answer/answer-settings.js';
import { createFacts } from '../../src/answer/facts.js';
import { createResponder, type Responder } from '../../src/answer/respond.js';
import { silentLog } from '../../src/observe/log.js';
import { dnstapExporter, type Exporter, lineExporter, logExporter } from '../../src/observe/tap/exporter.js';
import type { Sink } from '../../src/observe/tap/outbox.js';
import { createRecord, readRecord } from '../../src/observe/tap/record.js';
import { createRing, RingReader } from '../../src/observe/tap/ring.js';
import type { ThreadTap } from '../../src/observe/tap/tap.js';
import { recordingResponder } from '../../src/server/plane/recording-responder.js';
import { median, nanosecondsEach, printTable } from './measure.js';
import { randomFrom } from './workload.js';
import { requests, workloadCatalog } from './workload-engine.js';

const SEED = 7;
const NAMES = 10_000;
const DELEGATIONS = 100;
const DISTINCT = 20_000;
const TURNS = 9;
/** Queries before the ring is emptied: far fewer than it has room for. */
const BURST = 1000;

const OFF = { querySample: 0, dnstapSample: 0, queries: true, responses: true };
const CASES: readonly (readonly [string, Omit<ThreadTap, 'ring'> | undefined])[] = [
  ['off', undefined],
  ['query log, 1 of 100', { ...OFF, querySample: 100 }],
  ['query log, all', { ...OFF, querySample: 1 }],
  ['dnstap, 1 of 100', { ...OFF, dnstapSample: 100 }],
  ['dnstap, all, queries', { ...OFF, dnstapSample: 1, responses: false }],
  ['dnstap, all, both messages', { ...OFF, dnstapSample: 1 }],
  ['both, all', { ...OFF, querySample: 1, dnstapSample: 1 }],
];

/** Prints the tables; `count`: queries of each turn. */
function benchTap(count: number): void {
  const { base, asks } = world();
  console.log(`answering thread, ${count} queries of the mix a turn, ${TURNS} turns, cases in turns, seed ${SEED}`);
  const runs = CASES.map(([name, settings]) => ({ name, run: runner(base, asks, settings), times: [] as number[] }));
  for (const { run } of runs) run(count);
  for (let turn = 0; turn < TURNS; turn++) for (const { run, times } of runs) times.push(run(count));
  const off = Math.min(...runs[0]!.times);
  const rows = runs.map(({ name, times }) => {
    const lowest = Math.min(...times);
    return [name, median(times).toFixed(0), lowest.toFixed(0), (lowest - off).toFixed(0)];
  });
  printTable([['tap', 'ns per query, median', 'lowest', 'lowest above off'], ...rows]);
  console.log('\nwriting thread');
  // Writing itself is done beside the event loop; here it is left out.
  const sink: Sink = { hasRoom: true, write() {}, lose() {}, takeLost: () => 0, close: async () => {} };
  const dnstap = { identity: Buffer.from('ns1'), version: Buffer.from('adotd'), queries: true, responses: true };
  const exporters: [string, () => Exporter][] = [
    ['query log to a file', () => lineExporter(sink)],
    ['query log to the log, without its writing', () => logExporter(silentLog)],
    ['dnstap, both messages', () => dnstapExporter(sink, dnstap)],
  ];
  const written = exporters.map(([name, make]) => [name, exportTime(base, asks, make(), count).toFixed(0)]);
  printTable([['to', 'ns per record'], ...written]);
}

function world() {
  const facts = createFacts(workloadCatalog(NAMES, DELEGATIONS));
  const out = new Uint8Array(1232);
  const asked = requests(DISTINCT, randomFrom(SEED), NAMES, DELEGATIONS);
  /** Asks query number `i`. */
  const asks = (responder: Responder, i: number): void => {
    const request = asked[i % DISTINCT]!;
    responder.respond(request, 0, request.length, facts, out, 0, 1232);
  };
  return { base: () => createResponder(DEFAULT_SETTINGS), asks };
}

type World = ReturnType<typeof world>;

/** Returns a function that asks `count` queries in bursts and returns the nanoseconds of one; it empties the ring between bursts. */
function runner(base: World['base'], asks: World['asks'], settings: Omit<ThreadTap, 'ring'> | undefined) {
  const ring = createRing();
  const reader = new RingReader(ring);
  const responder = settings ? recordingResponder(base(), { ring, ...settings }) : base();
  return (count: number): number => {
    let spent = 0;
    for (let done = 0; done < count; done += BURST) {
      const began = process.cpuUsage();
      for (let i = 0; i < BURST; i++) asks(responder, done + i);
      spent += nanosecondsEach(began, 1);
      while (reader.next() >= 0) reader.release();
    }
    if (reader.takeDropped() > 0) throw new Error('the ring was full');
    return spent / count;
  };
}

/** Nanoseconds for the thread that reads a record and writes it out. */
function exportTime(base: World['base'], asks: World['asks'], exporter: Exporter, count: number): number {
  const ring = createRing();
  const reader = new RingReader(ring);
  const responder = recordingResponder(base(), { ...OFF, ring, querySample: 1, dnstapSample: 1 });
  const record = createRecord();
  let spent = 0;
  for (let done = 0; done < count; done += BURST) {
    for (let i = 0; i < BURST; i++) asks(responder, done + i);
    const began = process.cpuUsage();
    for (let place = reader.next(); place >= 0; place = reader.next()) {
      readRecord(reader, place, record);
      exporter.take(record);
      reader.release();
    }
    exporter.flush();
    spent += nanosecondsEach(began, 1);
  }
  return spent / count;
}

benchTap(Number(process.argv[2] ?? 500_000));
