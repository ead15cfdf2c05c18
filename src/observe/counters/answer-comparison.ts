/**
 * Compares answers over the transports, which should be the same (RFC 9539 §3). For a sample of queries, the answer is made anew as for
 * another transport: inside TLS, or over TCP for a query that came inside TLS.
 * Not compared: OPT and its content; answers that access lists, policies, rate limits or keys (TSIG) have shaped, which may depend on the
 * transport; of a response with TC, all records; and of a response over UDP that a limit on its size may have shortened, all but its answer
 * section.
 */
import {
  type Facts,
  isEncrypted,
  Kind,
  Limited,
  type Outcome,
  Padding,
  Transport,
  UpgradeBit,
} from '../../answer/facts.js';
import { skipName } from '../../answer/request.js';
import type { Responder } from '../../answer/respond.js';
import { Class, Ede, Opcode, Type } from '../../protocol/iana.js';
import { nameToText } from '../../protocol/name.js';
import type { Clock } from '../../session/clock.js';
import type { Log } from '../log.js';
import type { Counters } from './counters.js';

const HEADER = 12;
/** In octet 2 of the header; it depends on the limit of the transport. */
const FLAG_TC = 0x02;
/** Octets that every client takes over UDP. */
const LEAST_LIMIT = 512;
const MAX_MESSAGE = 65_535;
/** Milliseconds between two lines of the log. */
const HOUR = 3_600_000;

/** A message, and where it stands. */
interface Message {
  readonly octets: Uint8Array;
  readonly from: number;
  readonly length: number;
}

export class AnswerComparison {
  readonly #reference: Responder;
  readonly #counters: Pick<Counters, 'compared'>;
  readonly #log: Pick<Log, 'warn'>;
  readonly #clock: Pick<Clock, 'milliseconds'>;
  readonly #room = new Uint8Array(MAX_MESSAGE);
  #toldAt = Number.NEGATIVE_INFINITY;

  /** `reference`: answers nobody; it has no rate limit, and its outcome is its own. */
  constructor(
    reference: Responder,
    counters: Pick<Counters, 'compared'>,
    log: Pick<Log, 'warn'>,
    clock: Pick<Clock, 'milliseconds'>,
  ) {
    this.#reference = reference;
    this.#counters = counters;
    this.#log = log;
    this.#clock = clock;
  }

  /**
   * Compares the response to `request`, if it can be compared; `outcome` is that of the response. When this returns, `facts` are as before.
   */
  compare(request: Message, facts: Facts, response: Message, outcome: Outcome): void {
    if (response.length < HEADER || !isComparable(outcome) || facts.reply !== undefined) return;
    const { transport, padding, upgradeBit, upgradeOnOffer } = facts;
    const other = isEncrypted(transport) ? Transport.TCP : Transport.TLS;
    facts.transport = other;
    facts.padding = Padding.NEVER;
    facts.upgradeBit = UpgradeBit.NEVER;
    facts.upgradeOnOffer = 0;
    const reference = this.#reference;
    const room = this.#room;
    const length = reference.respond(request.octets, request.from, request.length, facts, room, 0, room.length);
    facts.transport = transport;
    facts.padding = padding;
    facts.upgradeBit = upgradeBit;
    facts.upgradeOnOffer = upgradeOnOffer;
    if (length >= HEADER && !isComparable(reference.outcome)) return;
    const isSame =
      length >= HEADER &&
      isSameAnswer(response, outcome, { octets: room, from: 0, length }, reference.outcome, transport);
    this.#counters.compared(transport, isSame);
    if (!isSame) this.#tell(request, transport, other);
  }

  #tell({ octets, from, length }: Message, transport: Transport, other: Transport): void {
    const now = this.#clock.milliseconds();
    if (now - this.#toldAt < HOUR) return;
    this.#toldAt = now;
    const end = skipName(octets, from + HEADER, from + length, from);
    const name = nameToText(octets.slice(from + HEADER, end));
    const [one, two] = [transport, other].map((number) => nameOf(number));
    const fields = { name, query: Buffer.from(octets.subarray(from, from + length)).toString('hex') };
    this.#log.warn(fields, `an answer over ${one} differs from that over ${two}: ${name}; please report this`);
  }
}

function nameOf(transport: Transport): string {
  const names = Object.entries(Transport).map(([name, value]) => [value, name] as const);
  return new Map<number, string>(names).get(transport) ?? '';
}

/** Whether the answer depends on nothing but the zone and the query. */
function isComparable({ opcode, qclass, qtype, kind, ede, signed, limited, rest }: Outcome): boolean {
  if (opcode !== Opcode.QUERY || qclass !== Class.IN || qtype === Type.AXFR || qtype === Type.IXFR) return false;
  if (signed !== 0 || limited !== Limited.NONE || rest !== undefined) return false;
  if (kind === Kind.ERROR || kind === Kind.DROPPED || kind === Kind.SERVER) return false;
  return !(kind === Kind.REFUSED && ede === Ede.PROHIBITED);
}

function isSameAnswer(
  response: Message,
  outcome: Outcome,
  reference: Message,
  expected: Outcome,
  transport: Transport,
): boolean {
  const { octets, from } = response;
  const other = reference.octets;
  const mask = outcome.truncated === 0 ? 0xff : 0xff & ~FLAG_TC;
  const flags =
    ((octets[from + 2]! ^ other[reference.from + 2]!) & mask) | (octets[from + 3]! ^ other[reference.from + 3]!);
  if (flags !== 0 || outcome.rcode !== expected.rcode) return false;
  if (outcome.truncated !== 0) return true;
  const end = bodyEnd(response, outcome);
  const otherEnd = bodyEnd(reference, expected);
  if (transport !== Transport.UDP || otherEnd <= LEAST_LIMIT)
    return end === otherEnd && isSame(response, reference, end);
  const answerEnd = endOfAnswer(reference);
  return (
    answerEnd > 0 &&
    answerEnd <= end &&
    answerCount(response) === answerCount(reference) &&
    isSame(response, reference, answerEnd)
  );
}

/** Octets before the OPT record, which stands last. */
function bodyEnd({ length }: Message, { optAt }: Outcome): number {
  return optAt === 0 ? length : optAt;
}

/** Whether the octets behind the header, up to `end`, are the same. */
function isSame(one: Message, other: Message, end: number): boolean {
  for (let at = HEADER; at < end; at++) if (one.octets[one.from + at] !== other.octets[other.from + at]) return false;
  return true;
}

function answerCount({ octets, from }: Message): number {
  return (octets[from + 6]! << 8) | octets[from + 7]!;
}

/** Octets up to the end of the answer section; 0: there is a mistake in it. The response has one question. */
function endOfAnswer(message: Message): number {
  const { octets, from, length } = message;
  const end = from + length;
  let at = skipName(octets, from + HEADER, end, from) + 4;
  for (let left = answerCount(message); left > 0 && at > 0; left--) {
    const fixed = skipName(octets, at, end, from);
    if (fixed === 0 || fixed + 10 > end) return 0;
    at = fixed + 10 + ((octets[fixed + 8]! << 8) | octets[fixed + 9]!);
  }
  return at <= end ? at - from : 0;
}
