/**
 * Counts of what was answered, by transport. One array a worker, plain increments: Measured: 3 ns each, against 11 ns for an
 * atomic one. Whoever reads them adds the workers' arrays up.
 */
import { type Facts, Kind, type Outcome, Transport } from '../answer/facts.js';
import { Rcode } from '../protocol/iana.js';
import { SessionEvent } from '../session/manager.js';
import { TransportEvent } from '../transport/transport.js';

const KINDS = Object.keys(Kind).length;
/** RCODEs counted one by one; higher ones, which we never send, share the last. */
const RCODES = 24;

/** Words of one transport: kinds, RCODEs, and four flags. */
const KIND_AT = 0;
const RCODE_AT = KIND_AT + KINDS;
const TRUNCATED = RCODE_AT + RCODES;
const EDNS = TRUNCATED + 1;
const DNSSEC_OK = EDNS + 1;
const WILDCARD = DNSSEC_OK + 1;
const TRANSPORT_WORDS = WILDCARD + 1;

const TRANSPORTS = Object.keys(Transport).length;
const EVENT_AT = TRANSPORTS * TRANSPORT_WORDS;

const SESSION_AT = EVENT_AT + Object.keys(TransportEvent).length;

/** Words that the counters take. */
export const COUNTER_WORDS = SESSION_AT + Object.keys(SessionEvent).length;

export class Counters {
  readonly words: Float64Array;

  /** `words`: COUNTER_WORDS, over shared memory when another thread is to read them. */
  constructor(words: Float64Array = new Float64Array(COUNTER_WORDS)) {
    this.words = words;
  }

  /** What the threads that own `arrays` (COUNTER_WORDS each) have counted so far, added up in memory of its own. */
  static sum(arrays: readonly Float64Array[]): Counters {
    const words = new Float64Array(COUNTER_WORDS);
    for (const array of arrays) {
      for (let at = 0; at < COUNTER_WORDS; at++) words[at]! += array[at]!;
    }
    return new Counters(words);
  }

  /** Counts one message. */
  count(facts: Facts, outcome: Outcome): void {
    const words = this.words;
    const at = facts.transport * TRANSPORT_WORDS;
    words[at + KIND_AT + outcome.kind]!++;
    if (outcome.kind === Kind.DROPPED) return;
    words[at + RCODE_AT + Math.min(outcome.rcode, RCODES - 1)]!++;
    words[at + TRUNCATED]! += outcome.truncated;
    words[at + EDNS]! += outcome.edns;
    words[at + DNSSEC_OK]! += outcome.dnssecOk;
    words[at + WILDCARD]! += outcome.wildcard;
  }

  /** Counts what happened outside of an answer: a value of TransportEvent. */
  event(event: number): void {
    this.words[EVENT_AT + event]!++;
  }

  /** Counts what happened to a session: a value of SessionEvent. */
  sessionEvent(event: number): void {
    this.words[SESSION_AT + event]!++;
  }

  /** Messages answered or dropped, on all transports. */
  get messages(): number {
    let sum = 0;
    for (let t = 0; t < TRANSPORTS; t++) sum += this.#messages(t);
    return sum;
  }

  /** What was counted, by transport and name; zeros are left out. */
  summary(): Record<string, Record<string, number>> {
    const summary: Record<string, Record<string, number>> = {};
    for (const [name, transport] of Object.entries(Transport)) {
      const at = transport * TRANSPORT_WORDS;
      const messages = this.#messages(transport);
      if (messages === 0) continue;
      const group: Record<string, number> = { messages };
      for (const [kind, index] of Object.entries(Kind)) this.#put(group, kind.toLowerCase(), at + KIND_AT + index);
      for (let rcode = 0; rcode < RCODES; rcode++) this.#put(group, rcodeName(rcode), at + RCODE_AT + rcode);
      this.#put(group, 'truncated', at + TRUNCATED);
      this.#put(group, 'edns', at + EDNS);
      this.#put(group, 'do', at + DNSSEC_OK);
      this.#put(group, 'wildcard', at + WILDCARD);
      summary[name.toLowerCase()] = group;
    }
    const events: Record<string, number> = {};
    for (const [name, event] of Object.entries(TransportEvent)) this.#put(events, name.toLowerCase(), EVENT_AT + event);
    for (const [name, event] of Object.entries(SessionEvent)) this.#put(events, name.toLowerCase(), SESSION_AT + event);
    if (Object.keys(events).length > 0) summary.events = events;
    return summary;
  }

  /** The summary on one line: `udp: messages=3 answer=2 …; tcp: …`. */
  text(): string {
    const groups = Object.entries(this.summary()).map(([name, group]) => {
      const counts = Object.entries(group).map(([key, value]) => `${key}=${value}`);
      return `${name}: ${counts.join(' ')}`;
    });
    return groups.length > 0 ? groups.join('; ') : 'nothing was asked yet';
  }

  #messages(transport: number): number {
    let sum = 0;
    for (let kind = 0; kind < KINDS; kind++) sum += this.words[transport * TRANSPORT_WORDS + KIND_AT + kind]!;
    return sum;
  }

  #put(group: Record<string, number>, name: string, at: number): void {
    const value = this.words[at]!;
    if (value > 0) group[name] = value;
  }
}

const RCODE_NAMES = new Map<number, string>(Object.entries(Rcode).map(([name, value]) => [value, name]));

function rcodeName(rcode: number): string {
  return RCODE_NAMES.get(rcode) ?? `RCODE${rcode}`;
}
