/**
 * Ten years of a zone whose keys are rolled: random policies, TTLs and delays, a parent that is late, restarts that lose what was
 * not stored, clocks that are set or wrong after a start, and commands at random moments. After every change it is found out whether some resolver
 * could be unable to validate.
 */
import { clockSetForward, clockTrusted } from '../../../src/dnssec/rollover/clock-events.js';
import {
  compromised,
  dsConfirmed,
  frozen,
  leaving,
  parentSeen,
  rollAsked,
} from '../../../src/dnssec/rollover/events.js';
import { type KeyRole, NO_KEYS_YET, RECORDS_OF, type ZoneKeys } from '../../../src/dnssec/rollover/key-state.js';
import { publishedIds } from '../../../src/dnssec/rollover/published-keys.js';
import type { RolloverPolicy, WantedKey } from '../../../src/dnssec/rollover/rollover-policy.js';
import { RULES } from '../../../src/dnssec/rollover/rules.js';
import { type Barriers, published, step } from '../../../src/dnssec/rollover/step.js';
import { randomFrom } from '../../zone/random-zone.js';
import { bogusReason, type DnskeySet, Versions } from './caches.js';
import { type Cds, Parent } from './parent.js';

const MINUTE = 60;
const HOUR = 3600;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;
const ALGORITHMS = [8, 13, 14, 15, 16];

export interface Outcome {
  /** What made the zone bogus, with when; undefined: nothing did. */
  readonly bogus: string | undefined;
  /** Whether the zone became insecure without being asked to. */
  readonly insecure: string | undefined;
  /** Keys that were made. */
  readonly keys: number;
  /** Whether the parent had a DS record at some time. */
  readonly wasSecure: boolean;
  /** DS records that changed at the parent. */
  readonly dsChanges: number;
  /** The longest time that a key was on its way, in days. */
  readonly slowest: number;
  /** How often the clock was set. */
  readonly clockSets: number;
}

/** What is less than it should be, for tests of the simulation itself. */
export interface Lacking extends Partial<Barriers> {
  /** Whether a clock that is set forward goes unnoticed. */
  readonly isClockUnwatched?: boolean;
}

interface Event {
  readonly at: number;
  readonly what: 'step' | 'publish' | 'observe' | 'command' | 'poll' | 'crash' | 'clock';
}

class Simulation {
  readonly #random: () => number;
  readonly #barriers: Barriers;
  readonly #isClockWatched: boolean;
  #policy: RolloverPolicy;
  #zoneTtl: number;
  /** The true time. */
  #now = 1_700_000_000;
  /** Seconds by which the clock of the signer is ahead of it. */
  #ahead = 0;
  /** Whether it is ever wrong. */
  readonly #isClockBad: boolean;
  #isDown = false;
  #clockSets = 0;
  /** What is stored: a restart goes on from it. */
  #stored: ZoneKeys = NO_KEYS_YET;
  /** What the signer works with, signed but not published yet; undefined: all is published. */
  #pending: ZoneKeys | undefined;
  #lastShown: string | undefined;
  #shown: Cds | undefined;
  #shownSince = 0;
  #shownBefore: Cds | undefined;
  readonly #parent: Parent;
  readonly #dnskeys = new Versions<DnskeySet>();
  readonly #signers = new Versions<readonly string[]>();
  readonly #algorithms = new Map<string, number>();
  #events: Event[] = [];
  #count = 0;
  #dsChanges = 0;
  #wasSecure = false;
  #bogus: string | undefined;
  #askedToLeave = false;
  #insecure: string | undefined;
  #slowest = 0;

  constructor(seed: number, { rules = RULES, without = new Set(), isClockUnwatched = false }: Lacking) {
    this.#random = randomFrom(seed);
    this.#barriers = { rules, without };
    this.#isClockWatched = !isClockUnwatched;
    const propagation = this.#pick([0, MINUTE, HOUR, DAY, 2 * DAY]);
    const parentPropagation = this.#pick([0, HOUR, DAY, 3 * DAY]);
    const dsTtl = this.#pick([5 * MINUTE, HOUR, DAY, 2 * DAY]);
    this.#policy = {
      keys: this.#wanted(),
      keyTtl: this.#ttl(),
      dsTtl,
      propagation,
      parentPropagation,
      isParentAsked: this.#random() < 0.6,
    };
    this.#zoneTtl = this.#ttl();
    this.#isClockBad = this.#random() < 0.5;
    this.#parent = new Parent(this.#random, dsTtl, parentPropagation);
    this.#dnskeys.serve({ keys: [], signers: [] }, this.#policy.keyTtl, 0);
    this.#signers.serve([], this.#zoneTtl, 0);
  }

  run(years: number): Outcome {
    const end = this.#now + years * YEAR;
    this.#plan('step', 0);
    this.#plan('observe', this.#random() * DAY);
    this.#plan('poll', this.#random() * DAY);
    this.#plan('command', this.#random() * 200 * DAY);
    this.#plan('crash', this.#random() * 100 * DAY);
    if (this.#isClockBad) this.#plan('clock', this.#random() * 400 * DAY);
    while (this.#now < end && this.#bogus === undefined) {
      const event = this.#events[0]!;
      const parentAt = this.#parent.next();
      if (parentAt <= event.at) {
        this.#now = parentAt;
        if (this.#parent.advance(parentAt)) this.#dsChanges++;
        this.#check();
        continue;
      }
      this.#events.shift();
      this.#now = event.at;
      this.#happen(event.what);
    }
    return {
      bogus: this.#bogus,
      insecure: this.#insecure,
      keys: this.#count,
      wasSecure: this.#wasSecure,
      dsChanges: this.#dsChanges,
      slowest: this.#slowest / DAY,
      clockSets: this.#clockSets,
    };
  }

  #happen(what: Event['what']): void {
    switch (what) {
      case 'step':
        this.#step();
        return;
      case 'publish':
        this.#publish();
        return;
      case 'observe':
        this.#observe();
        return;
      case 'poll':
        this.#poll();
        return;
      case 'command':
        this.#command();
        this.#plan('command', this.#random() * 200 * DAY);
        return;
      case 'clock':
        this.#setClock();
        return;
      case 'crash':
        // What was signed and not published is lost; what is stored is not.
        this.#stored = JSON.parse(JSON.stringify(this.#stored)) as ZoneKeys;
        this.#pending = undefined;
        this.#lastShown = undefined;
        this.#drop('publish');
        this.#drop('step');
        this.#plan('step', this.#random() < 0.8 ? this.#random() * HOUR : this.#random() * 30 * DAY);
        this.#plan('crash', this.#random() * 200 * DAY);
        this.#isDown = true;
        // A machine whose clock has no battery begins in the past; a clock that is wrong the other way is not noticed by anybody.
        if (this.#isClockBad && this.#random() < 0.1) {
          this.#ahead = Math.min(this.#ahead, -this.#wrong());
          this.#drop('clock');
          this.#plan('clock', this.#random() * DAY);
        }
    }
  }

  /** The clock becomes wrong, in either direction, or right again. */
  #setClock(): void {
    if (this.#isDown) {
      this.#plan('clock', HOUR);
      return;
    }
    const before = this.#ahead;
    this.#ahead = before === 0 ? this.#wrong() * (this.#random() < 0.5 ? 1 : -1) : 0;
    this.#clockSets++;
    const seconds = this.#ahead - before;
    if (seconds > 0 && this.#isClockWatched) this.#stored = clockSetForward(this.#stored, seconds, this.#clock);
    this.#pending = undefined;
    this.#lastShown = undefined;
    this.#drop('publish');
    this.#drop('step');
    this.#plan('step', this.#random() * HOUR);
    this.#plan('clock', this.#ahead === 0 ? this.#random() * 400 * DAY : this.#random() * 20 * DAY);
  }

  /** By how many seconds a clock is wrong: minutes, or years. */
  #wrong(): number {
    return Math.floor(2 * MINUTE * ((2 * YEAR) / (2 * MINUTE)) ** this.#random());
  }

  /** The time by the clock of the signer. */
  get #clock(): number {
    return this.#now + this.#ahead;
  }

  #step(): void {
    this.#isDown = false;
    if (this.#pending !== undefined) return;
    const isDenied = this.#parent.servers.every((ds) => ds.length === 0);
    const facts = { now: this.#clock, zoneTtl: this.#zoneTtl, isDsDenied: isDenied };
    const makeKey = ({ algorithm }: WantedKey) => {
      const id = `k${++this.#count}`;
      this.#algorithms.set(id, algorithm);
      return { id, tag: this.#count };
    };
    const { keys, next } = step(this.#stored, this.#policy, facts, makeKey, this.#barriers);
    if (!keys.isLeaving && keys.keys.some((key) => key.goal === 'omnipresent' && key.active !== undefined))
      this.#askedToLeave = false;
    // It is stored before it is shown.
    this.#stored = keys;
    this.#plan('step', Math.max(1, Math.min((next ?? Number.POSITIVE_INFINITY) - this.#clock, 20 * DAY)));
    for (const key of keys.keys)
      if (key.goal === 'omnipresent' && key.active !== undefined)
        this.#slowest = Math.max(this.#slowest, key.active - key.created);
    const isPending = keys.keys.some(({ role, records }) =>
      RECORDS_OF[role].some((record) => records[record].state !== 'hidden' && records[record].since === undefined),
    );
    const shown = JSON.stringify([publishedIds(keys), this.#policy.keyTtl, this.#zoneTtl]);
    if (!isPending && shown === this.#lastShown) return;
    this.#lastShown = shown;
    this.#pending = keys;
    this.#plan('publish', this.#random() < 0.8 ? this.#random() * MINUTE : this.#random() * 2 * DAY);
  }

  /** Signs and shows the zone with the keys as they are, and notes when that was. */
  #publish(): void {
    const state = this.#pending;
    if (state === undefined) return;
    this.#pending = undefined;
    const { dnskey, krrsig, zrrsig, ds, isRemoval } = publishedIds(state);
    const end = this.#now + this.#policy.propagation;
    this.#dnskeys.serve({ keys: dnskey, signers: krrsig }, this.#policy.keyTtl, end);
    this.#signers.serve(zrrsig, this.#zoneTtl, end);
    // Where the parent is not asked, people do by hand what the states say.
    const isLeft = this.#policy.isParentAsked
      ? isRemoval
      : ds.length === 0 && state.keys.some(({ records }) => records.ds.state === 'unretentive');
    if (isLeft && !state.isLeaving && !this.#askedToLeave)
      this.#insecure ??= this.#place('the parent is to remove the last DS record, which nobody asked for');
    const cds = isLeft ? 'delete' : ds.length > 0 ? ds : undefined;
    if (JSON.stringify(cds) !== JSON.stringify(this.#shown)) {
      [this.#shownBefore, this.#shown, this.#shownSince] = [this.#shown, cds, this.#now];
    }
    this.#check();
    this.#drop('step');
    // Between showing it and noting that, a crash may come.
    if (this.#random() < 0.9) this.#stored = published(this.#stored, this.#clock);
    else this.#lastShown = undefined;
    this.#plan('step', this.#random() < 0.9 ? 1 : this.#random() * DAY);
  }

  #observe(): void {
    const isWaiting = this.#stored.keys.some(
      ({ records: { ds } }) => ds.state === 'rumoured' || ds.state === 'unretentive',
    );
    const answers = this.#parent.answers(this.#now);
    if (this.#policy.isParentAsked) {
      this.#stored = parentSeen(
        this.#stored,
        this.#clock,
        answers.map((ds) => ds && (({ id }) => ds.includes(id))),
        this.#policy.parentPropagation,
      );
      if (this.#random() < 0.05) this.#confirmWrongly();
    } else if (answers.every((ds) => ds !== undefined)) {
      this.#confirm(answers);
    }
    this.#plan('observe', isWaiting ? this.#random() * 2 * DAY : this.#random() * 20 * DAY);
    if (isWaiting && this.#pending === undefined) {
      this.#drop('step');
      this.#plan('step', 1);
    }
  }

  /** Somebody has looked at all servers, and says what is true. */
  #confirm(answers: readonly (readonly string[] | undefined)[]): void {
    for (const { id, records } of this.#stored.keys) {
      const isThere = answers.every((ds) => ds!.includes(id));
      const isGone = answers.every((ds) => !ds!.includes(id));
      if (records.ds.state === 'rumoured' ? isThere : records.ds.state === 'unretentive' && isGone)
        this.#stored = dsConfirmed(this.#stored, id, isThere, this.#clock, false);
    }
  }

  /** A command that must be refused. */
  #confirmWrongly(): void {
    const key = this.#stored.keys[0];
    if (key === undefined) return;
    let isRefused = false;
    try {
      dsConfirmed(this.#stored, key.id, this.#random() < 0.5, this.#clock, true);
    } catch {
      isRefused = true;
    }
    if (!isRefused) this.#bogus = 'a confirmation by hand was accepted although the parent is asked';
  }

  /** The parent reads CDS, from a server that may lag behind. */
  #poll(): void {
    // Who confirms by hand looks once, at a parent that takes no steps back.
    const isLagging =
      this.#policy.isParentAsked && this.#now < this.#shownSince + this.#policy.propagation && this.#random() < 0.5;
    const cds = isLagging ? this.#shownBefore : this.#shown;
    if (cds !== undefined) this.#parent.read(cds, this.#now);
    this.#plan('poll', this.#random() * (this.#random() < 0.5 ? DAY : 10 * DAY));
  }

  #command(): void {
    const chance = this.#random();
    const state = this.#stored;
    // Somebody looks at a clock that is right, and at keys that have seen a later time.
    if (this.#ahead === 0 && state.time > this.#clock) this.#stored = clockTrusted(state, this.#clock);
    else if (chance < 0.3) this.#stored = rollAsked(state, this.#pick(this.#policy.keys).role);
    else if (chance < 0.33 && state.keys.length > 0) this.#stored = compromised(state, this.#pick(state.keys).id);
    else if (chance < 0.4) this.#stored = frozen(state, !state.isFrozen);
    else if (chance < 0.5) {
      this.#stored = leaving(state, !state.isLeaving);
      this.#askedToLeave ||= this.#stored.isLeaving;
    } else if (chance < 0.7) this.#policy = { ...this.#policy, keys: this.#wanted() };
    else if (chance < 0.85) this.#zoneTtl = this.#ttl();
    else this.#policy = { ...this.#policy, keyTtl: this.#ttl() };
    // Whatever changes is shown at once: a step notes the TTLs that were served until now.
    this.#pending = undefined;
    this.#lastShown = undefined;
    this.#drop('publish');
    this.#drop('step');
    this.#plan('step', 0);
  }

  #check(): void {
    const ds = [...new Set(this.#parent.versions.flatMap((one) => one.held(this.#now)).map((one) => one.join()))];
    const [dnskeys, signers] = [this.#dnskeys.held(this.#now), this.#signers.held(this.#now)];
    for (const one of ds) {
      const set = one === '' ? [] : one.split(',');
      if (set.length > 0) this.#wasSecure = true;
      for (const keys of dnskeys)
        for (const signed of signers) {
          const reason = bogusReason(set, keys, signed, (key) => this.#algorithms.get(key)!);
          if (reason === undefined) continue;
          const what = `DS [${set}], DNSKEY [${keys.keys}] signed by [${keys.signers}], zone signed by [${signed}]`;
          this.#bogus ??= this.#place(`${reason}: ${what}`);
        }
    }
  }

  #place(what: string): string {
    return `day ${((this.#now - 1_700_000_000) / DAY).toFixed(2)}: ${what}`;
  }

  #wanted(): RolloverPolicy['keys'] {
    const algorithm = this.#pick(ALGORITHMS);
    const lifetime = (): number | undefined => (this.#random() < 0.5 ? undefined : (20 + this.#random() * 400) * DAY);
    const roles: KeyRole[] = this.#random() < 0.5 ? ['csk'] : ['ksk', 'zsk'];
    return roles.map((role) => ({ role, algorithm, lifetime: lifetime() }));
  }

  #ttl(): number {
    return this.#pick([MINUTE, HOUR, DAY, 7 * DAY]);
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)]!;
  }

  #plan(what: Event['what'], after: number): void {
    const at = this.#now + after;
    const i = this.#events.findIndex((event) => event.at > at);
    this.#events.splice(i < 0 ? this.#events.length : i, 0, { at, what });
  }

  #drop(what: Event['what']): void {
    this.#events = this.#events.filter((event) => event.what !== what);
  }
}

/** Runs the simulation with this seed. */
export function simulate(seed: number, lacking: Lacking = {}, years = 10): Outcome {
  return new Simulation(seed, lacking).run(years);
}
