/**
 * Counts of messages, by transport. Each worker has an array and increments it without atomics. Measured: 3 ns each, against 11 ns for
 * an atomic one; a message takes 16 ns in all (test/bench/count.ts). Readers add up the arrays of the workers. Hot file: counting
 * a message allocates nothing.
 */
import { type Facts, Kind, Limited, type Outcome, Transport } from '../../answer/facts.js';
import { Opcode } from '../../protocol/iana.js';
import type { SessionEnd, SessionEvent, SessionPath } from '../../session/session-end.js';
import type { TransportEvent } from '../../transport/transport.js';
import { edeIndex, TYPE_INDEX, TYPE_LABELS } from './counted-names.js';
import {
  ANSWERS_AT,
  COUNTER_WORDS,
  EDES_AT,
  ENDS,
  ENDS_AT,
  EVENTS_AT,
  FLAG_WORDS,
  FLAGS_AT,
  Flag,
  KINDS,
  LIMITED_AT,
  OPCODES_AT,
  RCODES,
  REQUEST_SIZES_AT,
  RESPOND_TIMES_AT,
  RESPONSE_SIZES_AT,
  SESSION_EVENTS_AT,
  SESSION_TIMES_AT,
  TRANSPORT_WORDS,
  TYPES_AT,
} from './counter-layout.js';
import {
  type HistogramValue,
  histogramWords,
  observe,
  RESPOND_TIMES,
  readHistogram,
  SESSION_TIMES,
  SIZES,
  sizeBucket,
} from './histogram-buckets.js';

export { COUNTER_WORDS };

/** Where a histogram of sizes has its sum. */
const SIZE_SUM = SIZES.length + 1;
const IPV6_LENGTH = 16;

export class Counters {
  readonly words: Float64Array;

  /** `words`: COUNTER_WORDS, over shared memory when another thread is to read them. */
  constructor(words: Float64Array = new Float64Array(COUNTER_WORDS)) {
    this.words = words;
  }

  /** The sum of `arrays` (COUNTER_WORDS each), in memory of its own. */
  static sum(arrays: readonly Float64Array[]): Counters {
    const words = new Float64Array(COUNTER_WORDS);
    for (const array of arrays) {
      for (let at = 0; at < COUNTER_WORDS; at++) words[at]! += array[at]!;
    }
    return new Counters(words);
  }

  /** Counts one message; `asked`, `answered`: octets of the request and of the response, 0 or less when there is none. */
  count(facts: Facts, outcome: Outcome, asked: number, answered: number): void {
    const words = this.words;
    const at = facts.transport * TRANSPORT_WORDS;
    words[at + REQUEST_SIZES_AT + sizeBucket(asked)]!++;
    words[at + REQUEST_SIZES_AT + SIZE_SUM]! += asked;
    const { kind, ede } = outcome;
    let flags = facts.clientLength === IPV6_LENGTH ? Flag.IPV6 : 0;
    if (answered > 0) {
      flags |= outcome.truncated | (outcome.edns << 1) | (outcome.dnssecOk << 2) | (outcome.wildcard << 3);
      words[at + ANSWERS_AT + kind * RCODES + Math.min(outcome.rcode, RCODES - 1)]!++;
      words[at + RESPONSE_SIZES_AT + sizeBucket(answered)]!++;
      words[at + RESPONSE_SIZES_AT + SIZE_SUM]! += answered;
      if (ede >= 0) words[at + EDES_AT + edeIndex(ede)]!++;
    } else {
      words[at + ANSWERS_AT + Kind.DROPPED * RCODES]!++;
    }
    words[at + FLAGS_AT + flags]!++;
    if (outcome.limited !== Limited.NONE) words[at + LIMITED_AT + outcome.limited]!++;
    if (kind === Kind.DROPPED) return;
    if (outcome.opcode === Opcode.QUERY) words[at + TYPES_AT + TYPE_INDEX[outcome.qtype]!]!++;
    else words[at + OPCODES_AT + outcome.opcode]!++;
  }

  /** Counts the seconds that respond() took, for some messages only (timed-responder.ts). */
  respondTook(transport: Transport, seconds: number): void {
    observe(this.words, transport * TRANSPORT_WORDS + RESPOND_TIMES_AT, RESPOND_TIMES, seconds);
  }

  /** Counts what happened outside of an answer. */
  event(event: TransportEvent): void {
    this.words[EVENTS_AT + event]!++;
  }

  /** Counts what happened to a session. */
  sessionEvent(event: SessionEvent): void {
    this.words[SESSION_EVENTS_AT + event]!++;
  }

  /** Counts a session that was closed. */
  sessionClosed(path: SessionPath, end: SessionEnd, milliseconds: number): void {
    this.words[ENDS_AT + path * ENDS + end]!++;
    observe(this.words, SESSION_TIMES_AT + path * histogramWords(SESSION_TIMES), SESSION_TIMES, milliseconds / 1000);
  }

  /** Messages answered or dropped, on all transports. */
  get messages(): number {
    let sum = 0;
    for (const transport of Object.values(Transport)) sum += this.flagged(transport, 0);
    return sum;
  }

  /** Messages of a transport that had all of these flags (values of Flag, added up). */
  flagged(transport: Transport, flags: number): number {
    let sum = 0;
    for (let combination = 0; combination < FLAG_WORDS; combination++) {
      if ((combination & flags) === flags) sum += this.#word(transport, FLAGS_AT + combination);
    }
    return sum;
  }

  /** Messages of a transport by kind of answer. */
  kind(transport: Transport, kind: Kind): number {
    let sum = 0;
    for (let rcode = 0; rcode < RCODES; rcode++) sum += this.#word(transport, ANSWERS_AT + kind * RCODES + rcode);
    return sum;
  }

  /** Responses of a transport by RCODE. */
  rcode(transport: Transport, rcode: number): number {
    let sum = 0;
    for (let kind = 0; kind < KINDS; kind++) {
      if (kind !== Kind.DROPPED) sum += this.#word(transport, ANSWERS_AT + kind * RCODES + rcode);
    }
    return sum;
  }

  /** Messages of a transport by opcode; those that were dropped have none. */
  opcode(transport: Transport, opcode: number): number {
    if (opcode !== Opcode.QUERY) return this.#word(transport, OPCODES_AT + opcode);
    return TYPE_LABELS.reduce((sum, _, index) => sum + this.type(transport, index), 0);
  }

  /** Queries of a transport by QTYPE: `index` of TYPE_LABELS. */
  type(transport: Transport, index: number): number {
    return this.#word(transport, TYPES_AT + index);
  }

  /** Responses of a transport by extended error: `index` of EDE_LABELS. */
  ede(transport: Transport, index: number): number {
    return this.#word(transport, EDES_AT + index);
  }

  /** Messages of a transport by what the rate limit did. */
  limited(transport: Transport, limited: Limited): number {
    return this.#word(transport, LIMITED_AT + limited);
  }

  requestSizes(transport: Transport): HistogramValue {
    return readHistogram(this.words, transport * TRANSPORT_WORDS + REQUEST_SIZES_AT, SIZES);
  }

  responseSizes(transport: Transport): HistogramValue {
    return readHistogram(this.words, transport * TRANSPORT_WORDS + RESPONSE_SIZES_AT, SIZES);
  }

  /** Seconds, of the messages that were timed. */
  respondTimes(transport: Transport): HistogramValue {
    return readHistogram(this.words, transport * TRANSPORT_WORDS + RESPOND_TIMES_AT, RESPOND_TIMES);
  }

  events(event: TransportEvent): number {
    return this.words[EVENTS_AT + event]!;
  }

  sessionEvents(event: SessionEvent): number {
    return this.words[SESSION_EVENTS_AT + event]!;
  }

  /** Closed sessions, by path and reason. */
  ends(path: SessionPath, end: SessionEnd): number {
    return this.words[ENDS_AT + path * ENDS + end]!;
  }

  /** Seconds that those sessions were open. */
  sessionTimes(path: SessionPath): HistogramValue {
    return readHistogram(this.words, SESSION_TIMES_AT + path * histogramWords(SESSION_TIMES), SESSION_TIMES);
  }

  #word(transport: Transport, at: number): number {
    return this.words[transport * TRANSPORT_WORDS + at]!;
  }
}
