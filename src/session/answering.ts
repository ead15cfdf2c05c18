/** The means by which all sessions of a thread answer: one responder, its facts and outcome, and memory to compose answers in. */
import { type Facts, type Outcome, UpgradeBit } from '../answer/facts.js';
import type { HandOff } from '../answer/hand-off/hand-off.js';
import type { Responder } from '../answer/respond.js';
import { LENGTH_FIELD, MAX_MESSAGE } from './framing.js';
import type { SessionCounts } from './session-count.js';
import type { SessionContext, SessionSettings } from './session-settings.js';

/** Octets that may always wait in a session, however many sessions there are: as many as fit in a TLS record. */
const SMALLEST_BUFFER = 16_384;

/** The sender of the messages. */
export interface Client {
  /** 4 or 16 octets. */
  readonly client: Uint8Array;
  readonly clientPort: number;
  /** As in Facts. */
  readonly xot: boolean;
  readonly certificate: Uint8Array | undefined;
}

/** The state of all sessions, which answers tell of. */
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
  readonly handOff: HandOff;
  /** Told of answers that could not be sent. */
  readonly mistake: SessionContext['mistake'];
  /** Where sessions are counted. */
  readonly counts: SessionCounts;
  settings: SessionSettings;
  /** Memory for as many answers as may wait, and for one more. */
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
    this.handOff = context.handOff;
    this.mistake = context.mistake;
    this.counts = context;
    this.settings = context.settings;
    this.scratch = createScratch(scratchOctets(context.settings));
  }

  /** Answers by these settings from the next run of messages on. */
  configure(settings: SessionSettings): void {
    this.settings = settings;
    const octets = scratchOctets(settings);
    if (octets !== this.scratch.length) this.scratch = createScratch(octets);
  }

  /** Octets of answers that may wait in one session now: its share of the total. */
  get writeBuffer(): number {
    const { writeBuffer, writeBufferTotal } = this.settings;
    const share = Math.floor(writeBufferTotal / Math.max(1, this.#context.limits.open));
    return Math.min(writeBuffer, Math.max(SMALLEST_BUFFER, share));
  }

  /** Whether a first message on port 53 may start an upgrade. */
  get mayUpgrade(): boolean {
    return this.settings.upgradeBit !== UpgradeBit.NEVER && !this.#pressure.stopping;
  }

  /** Seconds since 1970. */
  get now(): number {
    return this.#context.clock.seconds();
  }

  /** Fills in the facts for a run of messages of a client. */
  introduce({ client, clientPort, xot, certificate }: Client): void {
    const { facts } = this;
    facts.client.set(client);
    facts.clientLength = client.length;
    facts.clientPort = clientPort;
    facts.xot = xot;
    facts.certificate = certificate;
    facts.now = this.#context.clock.seconds();
    facts.keepalive = this.#pressure.shedding ? 0 : Math.floor(this.#pressure.idleTime / 100);
  }

  /** Fills in whether the next message may start an upgrade. */
  offer(mayUpgrade: boolean): void {
    this.facts.upgradeOnOffer = mayUpgrade ? 1 : 0;
    this.facts.upgradeBit = mayUpgrade ? this.settings.upgradeBit : UpgradeBit.NEVER;
  }
}

/** Shared memory, so that it never moves: the system can take answers where they were composed. */
function createScratch(octets: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(octets));
}

function scratchOctets({ writeBuffer }: SessionSettings): number {
  return writeBuffer + LENGTH_FIELD + MAX_MESSAGE;
}
