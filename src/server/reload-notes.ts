/** The problems that the last reload of each kind has found, and the counts of reloads. */
import { NO_RELOADS, type ReloadFacts, type ReloadKind } from '../observe/metrics/server-facts.js';
import type { Clock } from '../session/clock.js';

export class ReloadNotes {
  readonly #clock: Clock;
  /** Mistakes of the last attempt of each kind. */
  readonly #problems = new Map<ReloadKind, readonly string[]>();
  readonly #facts = new Map<ReloadKind, ReloadFacts>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Notes the mistakes of an attempt; `sound`: there are none besides `problems`. */
  note(kind: ReloadKind, problems: readonly string[], sound = true): void {
    this.#problems.set(kind, problems);
    this.count(kind, sound && problems.length === 0);
  }

  /** Counts an attempt whose mistakes are known elsewhere. */
  count(kind: ReloadKind, well: boolean): void {
    const { succeeded, failed, lastSuccess } = this.#of(kind);
    this.#facts.set(kind, {
      succeeded: succeeded + (well ? 1 : 0),
      failed: failed + (well ? 0 : 1),
      lastSuccess: well ? this.#clock.seconds() : lastSuccess,
    });
  }

  /** The mistakes of the last attempts, a line for each. */
  get problems(): readonly string[] {
    return [...this.#problems.values()].flat();
  }

  /** For the metrics. */
  get facts(): Readonly<Record<ReloadKind, ReloadFacts>> {
    return {
      zones: this.#of('zones'),
      certificates: this.#of('certificates'),
      ticket_keys: this.#of('ticket_keys'),
      client_cas: this.#of('client_cas'),
      config: this.#of('config'),
    };
  }

  #of(kind: ReloadKind): ReloadFacts {
    return this.#facts.get(kind) ?? NO_RELOADS;
  }
}
