/** What the sessions of a thread answer with: one responder, its facts and outcome, and the memory that answers are composed in. */
import { type Facts, type Outcome, UpgradeBit } from '../answer/facts.js';
import type { Responder } from '../answer/respond.js';
import { LENGTH_FIELD, MAX_MESSAGE } from './framing.js';
import type { SessionContext, SessionSettings } from './session-settings.js';

/** Octets that may wait in a session however many there are: what fits in a TLS record. */
const SMALLEST_BUFFER = 16_384;

/** Whom the messages are from. */
interface Client {
  /** 4 or 16 octets. */
  readonly client: Uint8Array;
  readonly clientPort: number;
}

/** What answers depend on that changes with time. */
interface Pressure {
  readonly idleTime: number;
  /** Whether clients are asked to close. */
  readonly shedding: boolean;
  /** Whether the server stops. */
  readonly stopping: boolean;
}

export class Answering {
  readonly facts: Facts;
  readonly outcome: Outcome;
  readonly respond: Responder['respond'];
  readonly count: SessionContext['count'];
  readonly event: SessionContext['event'];
  settings: SessionSettings;
  /** Answers are composed here: as many as may wait, and one more. */
  scratch: Uint8Array;

  readonly #context: SessionContext;
  readonly #pressure: Pressure;

  constructor(context: SessionContext, pressure: Pressure) {
    this.#context = context;
    this.#pressure = pressure;
    this.facts = context.facts;
    this.outcome = context.outcome;
    this.respond = context.respond;
    this.count = context.count;
    this.event = context.event;
    this.settings = context.settings;
    this.scratch = new Uint8Array(scratchOctets(context.settings));
  }

  /** Answers by these settings from the next run of messages on. */
  configure(settings: SessionSettings): void {
    this.settings = settings;
    const octets = scratchOctets(settings);
    if (octets !== this.scratch.length) this.scratch = new Uint8Array(octets);
  }

  /** Octets of answers that may wait in one session now: its share of what may wait in all of them. */
  get writeBuffer(): number {
    const { writeBuffer, writeBufferTotal } = this.settings;
    const share = Math.floor(writeBufferTotal / Math.max(1, this.#context.limits.open));
    return Math.min(writeBuffer, Math.max(SMALLEST_BUFFER, share));
  }

  /** Whether a first message on port 53 may start an upgrade. */
  get mayUpgrade(): boolean {
    return this.settings.upgradeBit !== UpgradeBit.NEVER && !this.#pressure.stopping;
  }

  /** Fills in the facts for a run of messages of a client. */
  introduce({ client, clientPort }: Client): void {
    const { facts } = this;
    facts.client.set(client);
    facts.clientLength = client.length;
    facts.clientPort = clientPort;
    facts.now = this.#context.clock.seconds();
    facts.keepalive = this.#pressure.shedding ? 0 : Math.floor(this.#pressure.idleTime / 100);
  }

  /** Fills in whether the next message may start an upgrade. */
  offer(mayUpgrade: boolean): void {
    this.facts.upgradeOnOffer = mayUpgrade ? 1 : 0;
    this.facts.upgradeBit = mayUpgrade ? this.settings.upgradeBit : UpgradeBit.NEVER;
  }
}

function scratchOctets({ writeBuffer }: SessionSettings): number {
  return writeBuffer + LENGTH_FIELD + MAX_MESSAGE;
}
