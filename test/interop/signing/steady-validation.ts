/** Asks a validating resolver about zones, again and again, and notes what a resolver must never say while keys are rolled. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Exchange } from '../../differential/exchange.js';
import { buildQuery } from '../../support/message.js';
import { readMessage } from '../../support/message-reader.js';
import type { Peer } from '../../support/peers/server.js';

/** Milliseconds between two rounds of questions: several within a TTL. */
const PAUSE = 200;
const AD = 0x20;

/** Owners below the zone, with types; `?` stands for a label that was never asked for before, which no cache answers. */
const QUESTIONS = [
  ['', 'SOA'],
  ['', 'DNSKEY'],
  ['www.', 'A'],
  ['www.', 'MX'],
  ['alias.', 'A'],
  ['?.', 'A'],
  ['?.wild.', 'TXT'],
  ['ent.', 'A'],
] as const;

export class SteadyValidation {
  readonly #exchange: Exchange;
  readonly #asking: Promise<void>[] = [];
  /** Of each zone, the questions whose last answer was secure. */
  readonly #secure = new Map<string, Set<string>>();
  /** Zones that may become insecure. */
  readonly #released = new Set<string>();
  readonly #faults: string[] = [];
  #answers = 0;
  #isOver = false;

  private constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  static async open(resolver: Peer): Promise<SteadyValidation> {
    return new SteadyValidation(await Exchange.open(resolver));
  }

  /** Answers so far. */
  get answers(): number {
    return this.#answers;
  }

  /** What was wrong so far: answers that were bogus, and secure ones that became insecure. */
  get faults(): readonly string[] {
    return this.#faults;
  }

  /** Begins to ask about a zone; `phase` says, for the list of faults, what happens to it. */
  watch(zone: string, phase: () => string): void {
    this.#secure.set(zone, new Set());
    this.#asking.push(...QUESTIONS.map(([owner, type]) => this.#ask(zone, owner, type, phase)));
  }

  /** From now on, answers about the zone may be insecure. */
  release(zone: string): void {
    this.#released.add(zone);
  }

  /** Whether the last answers to all questions about the zone were secure, or none. */
  isSecure(zone: string): boolean {
    return this.#secure.get(zone)?.size === QUESTIONS.length;
  }
  isInsecure(zone: string): boolean {
    return this.#secure.get(zone)?.size === 0;
  }

  async close(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#asking);
    this.#exchange.close();
  }

  async #ask(zone: string, owner: string, type: string, phase: () => string): Promise<void> {
    const secure = this.#secure.get(zone)!;
    const question = `${owner}${zone} ${type}`;
    for (let round = 0; !this.#isOver; round++) {
      const name = owner.replace('?', `q${round}-${type.toLowerCase()}`) + zone;
      const query = buildQuery({ name, type, rd: true, edns: { dnssecOk: true } });
      const { rcode, bits } = readMessage(await this.#exchange.ask(query, false));
      this.#answers++;
      const isSecure = (bits & AD) !== 0;
      if (rcode !== 0 && rcode !== 3) this.#faults.push(`RCODE ${rcode} for ${name} ${type}: ${phase()}`);
      else if (isSecure) secure.add(question);
      else if (secure.delete(question) && !this.#released.has(zone))
        this.#faults.push(`${name} ${type} became insecure: ${phase()}`);
      await sleep(PAUSE);
    }
  }
}
