/**
 * Counts of messages, by transport. Each worker has an array and increments it without atomics. Measured: 3 ns each, against 11 ns for
 * an atomic one; a message takes 16 ns in all (test/bench/count.ts), and a fifth more for the sketch of clients. Readers add up the
 * arrays of the workers. Hot file: counting a message allocates nothing.
 */
import { type Facts, Kind, Limited, type Outcome, Transport } from '../../answer/facts.js';
import { Opcode } from '../../protocol/iana.js';
import { estimateOf, mergeSketches } from '../../report/hyper-log-log.js';
import { Family, type HandshakeEnd } from '../../session/session-end.js';
import type { TransportEvent } from '../../transport/transport.js';
import { clientHash } from '../clients/client-hash.js';
import { type DayMemory, noteClient } from '../clients/day-clients.js';
import { FOLLOWED_WORDS, FollowedClients } from '../clients/followed-clients.js';
import { REGISTERS, sketchClient } from './client-sketch.js';
import { edeIndex, TYPE_INDEX, TYPE_LABELS } from './counted-names.js';
import * as L from './counter-layout.js';
import { type HistogramValue, observe, RESPOND_TIMES, readHistogram, SIZES, sizeBucket } from './histogram-buckets.js';
import { SessionCounters } from './session-counters.js';

export { COUNTER_WORDS } from './counter-layout.js';

/** Where a histogram of sizes has its sum. */
const SIZE_SUM = SIZES.length + 1;
const IPV6_LENGTH = 16;

export class Counters extends SessionCounters {
  /** The sketches of clients, which stand behind the counts. */
  readonly #sketches: Uint8Array;

  readonly #day: DayMemory | undefined;
  /** Where there is a day. */
  readonly #followed: FollowedClients | undefined;

  /**
   * `words`: COUNTER_WORDS, over shared memory when another thread is to read them. `day`: where the clients of a day are noted; undefined:
   * they are not.
   */
  constructor(words: Float64Array = new Float64Array(L.COUNTER_WORDS), day?: DayMemory) {
    super(words);
    this.#day = day;
    this.#followed = day && new FollowedClients(day.followed, words, L.FOLLOWED_AT);
    this.#sketches = sketchesOf(words);
  }

  /** The sum of `arrays` (COUNTER_WORDS each), in memory of its own. */
  static sum(arrays: readonly Float64Array[]): Counters {
    const words = new Float64Array(L.COUNTER_WORDS);
    for (const array of arrays) {
      for (let at = 0; at < L.SUMMED_WORDS; at++) words[at]! += array[at]!;
      mergeSketches(sketchesOf(words), sketchesOf(array));
    }
    return new Counters(words);
  }

  /** Whether more is recorded than the metrics need. */
  get records(): boolean {
    return this.#day !== undefined;
  }

  /** Counts one message; `asked`, `answered`: octets of the request and of the response, 0 or less when there is none. */
  count(facts: Facts, outcome: Outcome, asked: number, answered: number): void {
    const words = this.words;
    const at = facts.transport * L.TRANSPORT_WORDS;
    words[at + L.REQUEST_SIZES_AT + sizeBucket(asked)]!++;
    words[at + L.REQUEST_SIZES_AT + SIZE_SUM]! += asked;
    sketchClient(this.#sketches, facts.transport * REGISTERS, facts.client, facts.clientLength);
    if (this.#day !== undefined) this.#noteClient(this.#day, facts, outcome, answered);
    const { kind, ede } = outcome;
    let flags = 0;
    if (facts.clientLength === IPV6_LENGTH) {
      flags = L.Flag.IPV6;
      words[at + L.ASKED_BY_IPV6_AT]! += asked;
      if (answered > 0) words[at + L.ANSWERED_TO_IPV6_AT]! += answered;
    }
    if (answered > 0) {
      flags |= outcome.truncated | (outcome.edns << 1) | (outcome.dnssecOk << 2) | (outcome.wildcard << 3);
      words[at + L.ANSWERS_AT + kind * L.RCODES + Math.min(outcome.rcode, L.RCODES - 1)]!++;
      words[at + L.RESPONSE_SIZES_AT + sizeBucket(answered)]!++;
      words[at + L.RESPONSE_SIZES_AT + SIZE_SUM]! += answered;
      if (outcome.padding > 0) {
        words[at + L.PADDING_AT]! += outcome.padding;
        words[at + L.PADDED_AT]!++;
      }
      if (ede >= 0) words[at + L.EDES_AT + edeIndex(ede)]!++;
    } else {
      words[at + L.ANSWERS_AT + Kind.DROPPED * L.RCODES]!++;
    }
    words[at + L.FLAGS_AT + flags]!++;
    if (outcome.limited !== Limited.NONE) words[at + L.LIMITED_AT + outcome.limited]!++;
    if (kind === Kind.DROPPED) return;
    if (outcome.opcode === Opcode.QUERY) words[at + L.TYPES_AT + TYPE_INDEX[outcome.qtype]!]!++;
    else words[at + L.OPCODES_AT + outcome.opcode]!++;
  }

  #noteClient(day: DayMemory, facts: Facts, outcome: Outcome, answered: number): void {
    const hash = clientHash(facts.client, facts.clientLength, day.key);
    noteClient(day, facts.transport, hash);
    // It is not known yet whether the query before STARTTLS counts as one in the clear.
    if (facts.transport === Transport.TCP && outcome.upgrade !== 0) return;
    this.#followed!.asked(hash, facts.transport, answered > 0 ? outcome.truncated : 0, facts.now);
  }

  /** Follows the client of a handshake that has ended, as it is counted; `now`: milliseconds since 1970. */
  followHandshake(end: HandshakeEnd, milliseconds: number, client: Uint8Array, now: number): void {
    if (this.#day === undefined) return;
    this.#followed!.handshakeEnded(clientHash(client, client.length, this.#day.key), end, milliseconds, now);
  }

  /** Counts the seconds that respond() took, for some messages only (timed-responder.ts). */
  respondTook(transport: Transport, seconds: number): void {
    observe(this.words, transport * L.TRANSPORT_WORDS + L.RESPOND_TIMES_AT, RESPOND_TIMES, seconds);
  }

  /** Counts an answer that was compared with the one over another transport. */
  compared(transport: Transport, isSame: boolean): void {
    this.words[transport * L.TRANSPORT_WORDS + L.COMPARED_AT]!++;
    if (!isSame) this.words[transport * L.TRANSPORT_WORDS + L.DIFFERENT_AT]!++;
  }

  /** Counts an event outside of an answer. */
  event(event: TransportEvent): void {
    this.words[L.EVENTS_AT + event]!++;
  }

  /** Begins to count clients anew; returns the sketches until now, one behind the other. */
  takeClients(): Uint8Array {
    const taken = this.#sketches.slice();
    this.#sketches.fill(0);
    return taken;
  }

  /** Adds clients that takeClients() has returned. */
  addClients(sketches: Uint8Array): void {
    mergeSketches(this.#sketches, sketches);
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
    for (let combination = 0; combination < L.FLAG_WORDS; combination++) {
      if ((combination & flags) === flags) sum += this.#word(transport, L.FLAGS_AT + combination);
    }
    return sum;
  }

  /** Messages of a transport by kind of answer. */
  kind(transport: Transport, kind: Kind): number {
    let sum = 0;
    for (let rcode = 0; rcode < L.RCODES; rcode++) sum += this.#word(transport, L.ANSWERS_AT + kind * L.RCODES + rcode);
    return sum;
  }

  /** Responses of a transport by RCODE. */
  rcode(transport: Transport, rcode: number): number {
    let sum = 0;
    for (let kind = 0; kind < L.KINDS; kind++) {
      if (kind !== Kind.DROPPED) sum += this.#word(transport, L.ANSWERS_AT + kind * L.RCODES + rcode);
    }
    return sum;
  }

  /** Messages of a transport by opcode; those that were dropped have none. */
  opcode(transport: Transport, opcode: number): number {
    if (opcode !== Opcode.QUERY) return this.#word(transport, L.OPCODES_AT + opcode);
    return TYPE_LABELS.reduce((sum, _, index) => sum + this.type(transport, index), 0);
  }

  /** Queries of a transport by QTYPE: `index` of TYPE_LABELS. */
  type(transport: Transport, index: number): number {
    return this.#word(transport, L.TYPES_AT + index);
  }

  /** Responses of a transport by extended error: `index` of EDE_LABELS. */
  ede(transport: Transport, index: number): number {
    return this.#word(transport, L.EDES_AT + index);
  }

  /** Messages of a transport by the action of the rate limit. */
  limited(transport: Transport, limited: Limited): number {
    return this.#word(transport, L.LIMITED_AT + limited);
  }

  requestSizes(transport: Transport): HistogramValue {
    return readHistogram(this.words, transport * L.TRANSPORT_WORDS + L.REQUEST_SIZES_AT, SIZES);
  }

  responseSizes(transport: Transport): HistogramValue {
    return readHistogram(this.words, transport * L.TRANSPORT_WORDS + L.RESPONSE_SIZES_AT, SIZES);
  }

  /** Seconds, of the messages that were timed. */
  respondTimes(transport: Transport): HistogramValue {
    return readHistogram(this.words, transport * L.TRANSPORT_WORDS + L.RESPOND_TIMES_AT, RESPOND_TIMES);
  }

  events(event: TransportEvent): number {
    return this.words[L.EVENTS_AT + event]!;
  }

  /** Octets that padding has added to the responses of a transport. */
  padding(transport: Transport): number {
    return this.#word(transport, L.PADDING_AT);
  }

  /** Responses of a transport that were padded. */
  padded(transport: Transport): number {
    return this.#word(transport, L.PADDED_AT);
  }

  /** Answers of a transport that were compared with those over another one, and those that differed. */
  comparisons(transport: Transport): { readonly compared: number; readonly different: number } {
    return { compared: this.#word(transport, L.COMPARED_AT), different: this.#word(transport, L.DIFFERENT_AT) };
  }

  /** Octets of the requests of a transport, DNS messages alone, whose clients have addresses of this family. */
  asked(transport: Transport, family: Family): number {
    const byIpv6 = this.#word(transport, L.ASKED_BY_IPV6_AT);
    return family === Family.IPV6 ? byIpv6 : this.requestSizes(transport).sum - byIpv6;
  }

  /** The same of responses. */
  answered(transport: Transport, family: Family): number {
    const toIpv6 = this.#word(transport, L.ANSWERED_TO_IPV6_AT);
    return family === Family.IPV6 ? toIpv6 : this.responseSizes(transport).sum - toIpv6;
  }

  /** An estimate of how many clients have asked over a transport. */
  clients(transport: Transport): number {
    return estimateOf(this.#sketches.subarray(transport * REGISTERS, (transport + 1) * REGISTERS));
  }

  /** The counts of clients that are followed: FOLLOWED_WORDS. */
  get followed(): Float64Array {
    return this.words.subarray(L.FOLLOWED_AT, L.FOLLOWED_AT + FOLLOWED_WORDS);
  }

  #word(transport: Transport, at: number): number {
    return this.words[transport * L.TRANSPORT_WORDS + at]!;
  }
}

function sketchesOf({ buffer, byteOffset }: Float64Array): Uint8Array {
  const from = L.SUMMED_WORDS * Float64Array.BYTES_PER_ELEMENT;
  return new Uint8Array(buffer, byteOffset + from, L.COUNTER_WORDS * Float64Array.BYTES_PER_ELEMENT - from);
}
