/**
 * When a secondary zone is checked, from which primary it is transferred, and when it expires (RFC 1034 §4.3.5, RFC 1035 §3.3.13,
 * RFC 1996, RFC 7314). A state machine without sockets and timers: the caller asks for the next step, takes it, and says how it
 * ended. A round asks the primaries in order, all of them: one that answers with our serial does not hide another that is ahead.
 *
 * `now` is in seconds on a clock that no change of the time of day moves, and that goes on while the machine sleeps. Times of day
 * are only in the facts that are stored. Not here: how often a primary that cannot be reached is tried again (primary-rest.ts).
 */
import { isLaterSerial } from '../../protocol/serial.js';
import { HeardNotify } from './heard-notify.js';
import type { SoaAnswer, SoaTimes } from './soa-answer.js';
import { TransferFault } from './transfer-error.js';

/** The stored facts about the version that is served, so that a restart goes on where the server stopped. */
export interface RefreshFacts extends SoaTimes {
  /** The remote that gave it. */
  readonly origin: string | undefined;
  /** Seconds since 1970: when a primary last confirmed it. */
  readonly checkedAt: number;
  /** Seconds since 1970: when it expires. */
  readonly expiresAt: number;
}

/** The next step of a round. */
export type RefreshStep =
  | { readonly kind: 'soa'; readonly primary: string }
  | {
      readonly kind: 'transfer';
      readonly primary: string;
      /** IXFR from this serial; undefined: AXFR. */
      readonly serial: number | undefined;
    };

/** The facts about an adopted transfer; `isNew` is false when the primary answered that it has no newer version. */
interface TransferredFacts extends SoaTimes {
  readonly isNew: boolean;
  /** Seconds (RFC 7314). */
  readonly expireOption: number | undefined;
}

/** Both clocks, in seconds. */
export interface Times {
  readonly now: number;
  /** Since 1970. */
  readonly wall: number;
}

/** Seconds from the end of a round to the beginning of the next, when NOTIFY asked for it or the version is about to expire. A guess. */
const ROUND_GAP = 0.5;
/** The least seconds between rounds: with fewer, SOA records could make us ask without pause. A guess; Knot has 2. */
const LEAST_WAIT = 1;
/** Seconds between tries to get a zone for the first time, doubled up to the last. Guesses. */
const FIRST_RETRY = 2;
const LONGEST_FIRST_RETRY = 300;
/** The part of a time by which it may be shortened, so that zones that were loaded together do not stay together. */
const JITTER = 0.1;

/** Faults of an IXFR that a transfer of the whole zone may be without. */
const MISTAKES_OF_IXFR: readonly TransferFault[] = [
  TransferFault.RCODE,
  TransferFault.PROTOCOL,
  TransferFault.TOO_LARGE,
  TransferFault.MISFIT,
];

interface Version extends SoaTimes {
  readonly origin: string | undefined;
  checkedAt: number;
  expiresAt: number;
}

/** The results of a round so far. */
interface Round {
  readonly left: string[];
  /** The primary that is asked. */
  primary: string;
  /** IXFR was asked for. */
  isIxfr: boolean;
  isConfirmed: boolean;
  readonly isFull: boolean;
}

/** Limits in seconds, and chance. */
interface RefreshOptions {
  /** Time over which first checks are spread; a zone without a version is checked at once. Default 0. */
  readonly spread?: number;
  /** The least and the longest time between two rounds, as long as the version does not expire sooner. Default: 1, and no limit. */
  readonly least?: number;
  readonly longest?: number;
  /** From 0 up to 1. */
  readonly random?: (() => number) | undefined;
}

export class ZoneRefresh {
  readonly #random: () => number;
  #least: number;
  #longest: number;
  #primaries: readonly string[];
  #version: Version | undefined;
  #isExpired = false;
  #round: Round | undefined;
  #nextAt: number;
  #endedAt = Number.NEGATIVE_INFINITY;
  /** A check is due after the round: NOTIFY came during it. */
  #again = false;
  #isFull = false;
  /** Asked first in the next round: it sent NOTIFY. */
  #preferred: string | undefined;
  readonly #heard = new HeardNotify();
  #failures = 0;

  /** `primaries`: names of remotes in the order in which they are asked. `facts`: of the stored version that is served. */
  constructor(
    primaries: readonly string[],
    facts: RefreshFacts | undefined,
    { now, wall }: Times,
    options: RefreshOptions = {},
  ) {
    const { spread = 0, least = LEAST_WAIT, longest = Number.POSITIVE_INFINITY, random = Math.random } = options;
    this.#primaries = primaries;
    this.#random = random;
    this.#least = least;
    this.#longest = longest;
    this.#nextAt = now;
    if (facts === undefined) return;
    // A clock that was set back must not make a version younger than it was when it was stored.
    const passed = Math.max(0, wall - facts.checkedAt);
    const expiresAt = now + facts.expiresAt - facts.checkedAt - passed;
    this.#version = { ...facts, checkedAt: now - passed, expiresAt };
    this.#nextAt = now + random() * Math.min(spread, Math.max(0, expiresAt - now) / 2);
  }

  /** When next() has a step, or the version expires. Infinity during a round of a zone that cannot expire. */
  get dueAt(): number {
    const expiresAt =
      this.#version === undefined || this.#isExpired ? Number.POSITIVE_INFINITY : this.#version.expiresAt;
    return this.#round === undefined ? Math.min(this.#nextAt, expiresAt) : expiresAt;
  }

  /** When the next round begins; undefined during one. */
  get nextAt(): number | undefined {
    return this.#round === undefined ? this.#nextAt : undefined;
  }

  /** When the version expires; undefined: there is none. */
  get expiresAt(): number | undefined {
    return this.#version?.expiresAt;
  }

  /** When a primary last confirmed the version; undefined: there is none. */
  get checkedAt(): number | undefined {
    return this.#version?.checkedAt;
  }

  /** The primary's serial of the version; undefined: there is none. */
  get serial(): number | undefined {
    return this.#version?.serial;
  }

  /** The remote that gave the version. */
  get origin(): string | undefined {
    return this.#version?.origin;
  }

  get isExpired(): boolean {
    return this.#isExpired;
  }

  get isBusy(): boolean {
    return this.#round !== undefined;
  }

  /** Rounds in a row in which no primary confirmed the version. */
  get failures(): number {
    return this.#failures;
  }

  /** The facts to be stored about the version. */
  facts({ now, wall }: Times): RefreshFacts | undefined {
    if (this.#version === undefined) return undefined;
    const { serial, refresh, retry, expire, origin, checkedAt, expiresAt } = this.#version;
    const dayOf = (at: number): number => Math.round(wall + at - now);
    return { serial, refresh, retry, expire, origin, checkedAt: dayOf(checkedAt), expiresAt: dayOf(expiresAt) };
  }

  /** The primaries have changed. A round goes on with those that are left. */
  setPrimaries(primaries: readonly string[], now: number): void {
    const isNew = primaries.some((name) => !this.#primaries.includes(name));
    this.#primaries = primaries;
    if (isNew) this.#nextAt = Math.min(this.#nextAt, now);
  }

  /** Other limits hold from the next round on, in seconds. */
  setLimits({ least, longest }: Required<Pick<RefreshOptions, 'least' | 'longest'>>): void {
    this.#least = least;
    this.#longest = longest;
  }

  /**
   * The settings of a primary have changed: a zone that failed is tried at once, and one that went well within `spread` seconds. A round
   * that goes on is followed by another.
   */
  reconsider(spread: number, now: number): void {
    if (this.#round !== undefined) this.#again = true;
    const isWell = this.#failures === 0 && this.#version !== undefined && !this.#isExpired;
    this.#failures = 0;
    this.#nextAt = Math.min(this.#nextAt, isWell ? now + this.#random() * spread : now);
  }

  /** Whether the version has expired just now; true once. From then on it must not be served (RFC 1035 §3.3.13). */
  expire(now: number): boolean {
    if (this.#version === undefined || this.#isExpired || now < this.#version.expiresAt) return false;
    this.#isExpired = true;
    return true;
  }

  /**
   * NOTIFY came from a primary. `serial`: of the SOA record in it, which is a hint (RFC 1996 §3.7); nothing is done when we have that
   * version or a later one. Several of them make one check; one that comes during a round makes another check after the round (§4.4).
   * Returns whether there will be a check.
   */
  notify(primary: string, serial: number | undefined, now: number): boolean {
    const version = this.#isExpired ? undefined : this.#version;
    if (serial !== undefined && version !== undefined && !isLaterSerial(version.serial, serial)) return false;
    this.#preferred = primary;
    this.#heard.hear(primary, serial);
    if (this.#round !== undefined) this.#again = true;
    else this.#nextAt = Math.min(this.#nextAt, Math.max(now, this.#endedAt + ROUND_GAP));
    return true;
  }

  /** A check is wanted at once. `isFull`: the zone is transferred whole, whatever the serial is. */
  request(isFull: boolean, now: number): void {
    this.#isFull ||= isFull;
    if (this.#round !== undefined) this.#again = true;
    else this.#nextAt = Math.min(this.#nextAt, now);
  }

  /** Begins a round when one is due. */
  next(now: number): RefreshStep | undefined {
    if (this.#round !== undefined || now < this.#nextAt) return undefined;
    const preferred = this.#primaries.filter((name) => name === this.#preferred);
    const left = [...new Set([...preferred, ...this.#primaries])];
    this.#round = { left, primary: '', isIxfr: false, isConfirmed: false, isFull: this.#isFull };
    this.#preferred = undefined;
    this.#isFull = false;
    this.#again = false;
    return this.#ask(now);
  }

  /** The primary answered the question for its SOA record. A version that had expired may be valid again after it. */
  answered({ serial, expire }: SoaAnswer, now: number): RefreshStep | undefined {
    const round = this.#running();
    const version = this.#version;
    if (version === undefined || round.isFull || isLaterSerial(version.serial, serial)) return this.#transfer(round);
    if (serial === version.serial) this.#confirm(expire, now);
    this.#heard.settle(round.primary, serial);
    return this.#ask(now);
  }

  /** The transferred version is served, and stored. */
  transferred(facts: TransferredFacts, now: number): RefreshStep | undefined {
    const round = this.#running();
    if (facts.isNew) {
      const { serial, refresh, retry, expire, expireOption } = facts;
      const expiresAt = now + (expireOption ?? expire);
      this.#version = { serial, refresh, retry, expire, origin: round.primary, checkedAt: now, expiresAt };
      this.#isExpired = false;
      round.isConfirmed = true;
    } else if (facts.serial === this.#version?.serial) {
      this.#confirm(facts.expireOption, now);
    }
    this.#heard.settle(round.primary, facts.serial);
    return this.#ask(now);
  }

  /** The step failed. After an IXFR that cannot be used, the same primary is asked for the whole zone. */
  failed(fault: TransferFault, now: number): RefreshStep | undefined {
    const round = this.#running();
    if (!round.isIxfr || !MISTAKES_OF_IXFR.includes(fault)) return this.#ask(now);
    round.isIxfr = false;
    return { kind: 'transfer', primary: round.primary, serial: undefined };
  }

  #running(): Round {
    if (this.#round === undefined) throw new Error('a step of a refresh has ended that had not begun');
    return this.#round;
  }

  /** IXFR only from the primary that gave the version: serials of others may stand for other content. */
  #transfer(round: Round): RefreshStep {
    const version = this.#version;
    round.isIxfr = version !== undefined && version.origin === round.primary && !round.isFull;
    return { kind: 'transfer', primary: round.primary, serial: round.isIxfr ? version?.serial : undefined };
  }

  /**
   * A primary has the version that is here. Its expiry begins anew, and one that has expired is served again. If that primary is a
   * secondary itself, its own expiry counts, but never shortens the time that is left (RFC 7314 §4).
   */
  #confirm(expireOption: number | undefined, now: number): void {
    const version = this.#version!;
    const expiresAt = Math.max(version.expiresAt, now + (expireOption ?? version.expire));
    if (expiresAt <= now) return;
    version.checkedAt = now;
    version.expiresAt = expiresAt;
    this.#isExpired = false;
    this.#running().isConfirmed = true;
  }

  /** Goes on to the next primary, or ends the round. */
  #ask(now: number): RefreshStep | undefined {
    const round = this.#running();
    let primary = round.left.shift();
    while (primary !== undefined && !this.#primaries.includes(primary)) primary = round.left.shift();
    // A full transfer asked for by hand is done when one primary gave the zone.
    if (primary === undefined || (round.isFull && round.isConfirmed)) return this.#end(round, now);
    round.primary = primary;
    round.isIxfr = false;
    return { kind: 'soa', primary };
  }

  #end({ isConfirmed }: Round, now: number): undefined {
    this.#round = undefined;
    this.#endedAt = now;
    this.#failures = isConfirmed ? 0 : this.#failures + 1;
    const soon = this.#heard.pause() ?? Number.POSITIVE_INFINITY;
    this.#preferred ??= this.#heard.primary;
    const wait = Math.min(soon, this.#wait(isConfirmed, now)) * (1 - JITTER * this.#random());
    this.#nextAt = now + (this.#again ? ROUND_GAP : wait);
    this.#again = false;
  }

  /**
   * Seconds until the next round. A version that is about to expire is checked before that, whatever the limits say: halfway, and after a
   * failure halfway again, so that a lost message does not take the zone away.
   */
  #wait(isConfirmed: boolean, now: number): number {
    const version = this.#version;
    if (version === undefined)
      return Math.min(FIRST_RETRY * 2 ** Math.min(this.#failures - 1, 16), LONGEST_FIRST_RETRY);
    const { refresh, retry, expiresAt } = version;
    const asked = isConfirmed ? refresh : Math.min(retry, refresh);
    const wait = Math.max(this.#least, Math.min(asked, this.#longest));
    const half = Math.max(ROUND_GAP, (expiresAt - now) / 2);
    if (this.#isExpired) return wait;
    return isConfirmed || now + wait >= expiresAt ? Math.min(wait, half) : wait;
  }
}
