/** Asks the secondaries of zones, again and again, until all of them show the versions that somebody waits for. */
import { messageOf } from '../../errors.js';
import type { Log } from '../../observe/log.js';
import { isLaterSerial } from '../../protocol/serial.js';
import type { Clock, Timer } from '../../session/clock.js';
import type { SecondarySerials } from './secondary-serials.js';

/** Milliseconds between two questions: each time twice as long, within these bounds. A guess. */
const FIRST_PAUSE = 500;
const LAST_PAUSE = 60_000;

/** Somebody who waits for versions of zones. */
interface WaitsForSecondaries {
  /** By zone, the serials that its secondaries are to have. */
  unconfirmed(): ReadonlyMap<string, readonly number[]>;
  /** All secondaries of a zone have answered; `isShown`: whether all of them have a serial, or a later one. */
  confirmed(zone: string, isShown: (serial: number) => boolean): Promise<void>;
}

interface QuestionsParts {
  readonly waiting: readonly WaitsForSecondaries[];
  readonly secondaries: Pick<SecondarySerials, 'ask'>;
  /** The version of a zone that is served; undefined: none. */
  imageOf(zone: string): Uint8Array | undefined;
  /** Called when secondaries were asked. */
  asked(): void;
  readonly clock: Clock;
  readonly log: Log;
}

export class SecondaryQuestions {
  readonly #parts: QuestionsParts;
  readonly #timer: Timer;
  #asking: Promise<void> | undefined;
  /** The serials that were waited for when the timer was set, and milliseconds until the next question. */
  #next = { what: '', pause: FIRST_PAUSE, isSet: false };
  /** By zone, the secondaries that lag. */
  readonly #behind = new Map<string, readonly string[]>();
  #isClosed = false;

  constructor(parts: QuestionsParts) {
    this.#parts = parts;
    this.#timer = parts.clock.timer(() => {
      this.#next = { ...this.#next, isSet: false };
      this.#asking ??= this.#askAll();
    });
  }

  /** The secondaries of a zone that did not have the awaited serials when they were last asked, and why not. */
  behind(zone: string): readonly string[] {
    return this.#behind.get(zone) ?? [];
  }

  /** To be called when other serials may be waited for. */
  changed(): void {
    const what = JSON.stringify([...this.#serials()]);
    const isSame = what === this.#next.what;
    // A question that is to come is not put off.
    if (this.#asking !== undefined || this.#isClosed || (isSame && this.#next.isSet)) return;
    const isSet = what !== '[]';
    this.#next = { what, pause: isSame ? this.#next.pause : FIRST_PAUSE, isSet };
    if (isSet) this.#timer.set(this.#next.pause);
    else this.#timer.clear();
  }

  /** Fulfilled when no question is under way any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer.clear();
    await this.#asking;
  }

  #serials(): Map<string, number[]> {
    const all = new Map<string, number[]>();
    for (const waiting of this.#parts.waiting)
      for (const [zone, serials] of waiting.unconfirmed()) all.set(zone, [...(all.get(zone) ?? []), ...serials]);
    return all;
  }

  async #askAll(): Promise<void> {
    const { log, asked } = this.#parts;
    try {
      for (const [zone, serials] of this.#serials()) await this.#ask(zone, serials);
    } catch (error) {
      log.error({ err: error }, `secondaries cannot be asked for signals of DNS over TLS: ${messageOf(error)}`);
    }
    this.#asking = undefined;
    this.#next = { ...this.#next, pause: Math.min(LAST_PAUSE, this.#next.pause * 2) };
    this.changed();
    asked();
  }

  async #ask(zone: string, serials: readonly number[]): Promise<void> {
    const { waiting, secondaries, imageOf, log } = this.#parts;
    const image = imageOf(zone);
    const answers = image === undefined ? [] : await secondaries.ask(zone, image);
    const has = ({ serial }: (typeof answers)[number], wanted: number): boolean =>
      serial !== undefined && !isLaterSerial(serial, wanted);
    const lagging = answers.filter((one) => !serials.every((wanted) => has(one, wanted)));
    const behind = lagging.map(({ who, serial, reason }) => `${who}: ${reason ?? `serial ${serial}`}`);
    if (behind.length > 0 && behind.join() !== this.behind(zone).join())
      log.info(
        { zone, behind },
        `keys wait until all secondaries of ${zone} show their TLSA records: ${behind.join('; ')}`,
      );
    this.#behind.set(zone, behind);
    for (const one of waiting) await one.confirmed(zone, (wanted) => answers.every((answer) => has(answer, wanted)));
  }
}
