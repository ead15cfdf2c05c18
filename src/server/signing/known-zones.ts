/** The zones that are signed here, are to be, or once were, with their states. zone-signing.ts works on them. */
import type { ZoneKeys } from '../../dnssec/rollover/key-state.js';
import { AdotdError, ErrorCode, messageOf } from '../../errors.js';
import type { SigningFacts } from '../../observe/metrics/signing-facts.js';
import type { SigningSummary } from '../zones/zone-outcome.js';
import { newRunning, type RunningSigning } from './running-signing.js';
import { figuresOf, problemsOf, SigningTally, summaryOf } from './signing-figures.js';
import type { SignedZones } from './signing-parts.js';
import { type DnssecStatus, statusOf } from './signing-status.js';
import { isLeavingNow, isOnlyKept, leavingText, onlyKeptText, type SigningWish } from './signing-wish.js';
import { SigningZone, type SigningZoneParts } from './signing-zone.js';

type WishOf = (zone: string) => SigningWish;

export class KnownZones {
  readonly tally = new SigningTally();
  /** The wishes of the configuration that is in force. */
  wishOf: WishOf;
  /** The keeper of the zones; undefined: there is none yet. */
  keeper: SignedZones | undefined;
  readonly #parts: SigningZoneParts;
  readonly #zones = new Map<string, RunningSigning>();

  constructor(parts: SigningZoneParts, wishOf: WishOf) {
    this.#parts = parts;
    this.wishOf = wishOf;
  }

  /** Reads the stored states of all zones. */
  readStored(): SigningZone[] {
    return this.#parts.table.keys().map((zone) => this.get(zone).signing);
  }

  /** Whether the zone is signed here, is to be, or once was (ZoneSigners.isSigner). */
  isSigner(zone: string): boolean {
    return this.wishOf(zone).dnssec !== undefined || (this.#zones.get(zone)?.signing.isBound ?? false);
  }

  /** Whether it is one of names(): those that have keys only, without a policy, are among them. */
  has(zone: string): boolean {
    return this.isSigner(zone) || (this.#zones.get(zone)?.signing.kept.keys.keys.length ?? 0) > 0;
  }

  /** Whether the zone is signed here, and can be. */
  isServed(zone: string): boolean {
    return this.isSigner(zone) && this.keeper?.get(zone)?.state === 'served';
  }

  /** The state of a zone. The first call for a zone reads its stored state. */
  get(zone: string): RunningSigning {
    let running = this.#zones.get(zone);
    if (running === undefined) {
      running = newRunning(new SigningZone(zone, this.#parts));
      this.#zones.set(zone, running);
    }
    return running;
  }

  /** As get(). Throws ADOTD_ZONE_STATE for zones that are none of names(). */
  expect(zone: string): RunningSigning {
    if (this.has(zone)) return this.get(zone);
    const remedy = 'give it a policy with dnssec';
    throw new AdotdError(ErrorCode.ZONE_STATE, `zone ${zone} is not signed here: ${remedy}`);
  }

  /** Zones that are signed here, are to be, or once were. */
  names(): Iterable<string> {
    const served = Array.from(this.keeper?.all() ?? [], ({ zone }) => zone);
    return [...new Set([...this.#zones.keys(), ...served])].filter((zone) => this.has(zone));
  }

  /** The states of a zone's keys; undefined: it is none of names(). */
  keysOf(zone: string): ZoneKeys | undefined {
    return this.has(zone) ? this.get(zone).signing.kept.keys : undefined;
  }

  /** A few words of status(); undefined: it is none of names(). */
  summary(zone: string): SigningSummary | undefined {
    return this.has(zone) ? summaryOf(this.get(zone), this.wishOf(zone)) : undefined;
  }

  /** undefined: it is none of names(). */
  status(zone: string): DnssecStatus | undefined {
    if (!this.has(zone)) return undefined;
    const { signing, failure, look, signersLook, signaturesDue, next } = this.get(zone);
    const now = this.#parts.clock.seconds();
    return statusOf(signing, {
      wish: this.wishOf(zone),
      failure: failure && messageOf(failure.error),
      look,
      signersLook,
      signaturesDue,
      next,
      now,
    });
  }

  /** For metrics. */
  get figures(): SigningFacts {
    return figuresOf(this.#running(), this.wishOf, this.tally);
  }

  /** A line for each zone that cannot be signed, is bogus, or is signed although the configuration does not say so any more. */
  get problems(): readonly string[] {
    return [...problemsOf(this.#running()), ...this.#onlyKept()];
  }

  /** A line for each zone that is signed although the configuration does not say so any more, and for each that is about to be unsigned. */
  get warnings(): readonly string[] {
    const leaving = this.#running().filter(({ signing: { zone, kept } }) => isLeavingNow(kept, this.wishOf(zone)));
    return [...this.#onlyKept(), ...leaving.map(({ signing }) => leavingText(signing.zone))];
  }

  #onlyKept(): string[] {
    const kept = this.#running().filter(({ signing }) => isOnlyKept(signing.kept, this.wishOf(signing.zone)));
    return kept.map(({ signing }) => onlyKeptText(signing.zone, signing.kept));
  }

  /** The zones of names() whose states are in memory. */
  #running(): RunningSigning[] {
    return [...this.#zones.values()].filter(({ signing }) => this.has(signing.zone));
  }
}
