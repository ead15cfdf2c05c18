/**
 * A year in the life of a secondary zone, simulated: primaries that lag, flap and lose messages, partitions, restarts, and a time of day
 * that is set wrong by hours. The zone is driven as the server does it. A model beside it says what RFC 1035 §3.3.13 and RFC
 * 7314 §4 ask for; both are compared at every event.
 */
import { PrimaryRest } from '../../../src/transfer/in/primary-rest.js';
import { type RefreshFacts, type RefreshStep, ZoneRefresh } from '../../../src/transfer/in/zone-refresh.js';
import { randomFrom } from '../../zone/random-zone.js';

const YEAR = 365 * 86_400;
const WALL = 1_780_000_000;
const HOUR = 3600;
const DAY = 86_400;
export const TIMES = { refresh: HOUR, retry: 600, expire: 3 * DAY };
/** Seconds that a question, and a transfer, may take: convergence may take so much longer than REFRESH. */
const SLACK = 180;
/** Seconds: what is stored has no fractions. */
const GRAIN = 2;

interface SimulatedPrimary {
  readonly name: string;
  serial: number;
  isUp: boolean;
  isReachable: boolean;
  /** Part of its messages that is lost. */
  loss: number;
  /** It is a secondary itself, and tells when its version expires. */
  readonly isRelay: boolean;
  /** When a relay last heard of its own primary. */
  heardAt: number;
}

interface Model {
  serial: number | undefined;
  expiresAt: number;
  stored: { readonly serial: number; readonly checkedWall: number; readonly expiresWall: number } | undefined;
}

/** What a year showed. */
export interface YearReport {
  readonly mistakes: readonly string[];
  readonly rounds: number;
  readonly transfers: number;
  readonly expiries: number;
  readonly restarts: number;
}

export class RefreshYear {
  readonly #random: () => number;
  readonly #events: { at: number; run: () => void }[] = [];
  readonly #primaries: SimulatedPrimary[];
  readonly #rests = new Map<string, PrimaryRest>();
  readonly #mistakes: string[] = [];
  readonly #model: Model = { serial: undefined, expiresAt: Number.NEGATIVE_INFINITY, stored: undefined };
  #now = 0;
  /** How far the time of day is wrong. */
  #wrong = 0;
  #latest = 1;
  #zone: ZoneRefresh;
  #stored: RefreshFacts | undefined;
  #isServed = false;
  /** Raised with each restart: what was under way is lost. */
  #life = 0;
  #isDown = false;
  /** Since when nothing has disturbed the zone and its primaries. */
  #calmSince = 0;
  #rounds = 0;
  #transfers = 0;
  #expiries = 0;
  #restarts = 0;

  constructor(seed: number) {
    this.#random = randomFrom(seed);
    this.#primaries = ['a', 'b', 'c'].slice(0, 1 + this.#below(3)).map((name) => ({
      name,
      serial: 1,
      isUp: true,
      isReachable: true,
      loss: 0,
      isRelay: this.#chance(0.3),
      heardAt: 0,
    }));
    this.#zone = this.#start();
  }

  run(): YearReport {
    this.#wake();
    this.#every(2 * DAY, () => this.#publish());
    for (const primary of this.#primaries) {
      this.#every(6 * DAY, () =>
        this.#disturb(
          () => (primary.isUp = false),
          DAY * this.#random(),
          () => (primary.isUp = true),
        ),
      );
      this.#every(5 * DAY, () =>
        this.#disturb(
          () => (primary.loss = 0.3),
          2 * DAY,
          () => (primary.loss = 0),
        ),
      );
      this.#every(20 * DAY, () => this.#flap(primary));
      this.#every(HOUR, () => primary.isUp && (primary.heardAt = this.#now));
    }
    this.#every(15 * DAY, () => this.#partition());
    this.#every(10 * DAY, () => this.#restart());
    this.#every(12 * DAY, () => (this.#wrong += (this.#random() - 0.5) * 10 * HOUR));
    while (this.#now < YEAR) {
      let first = 0;
      for (let i = 1; i < this.#events.length; i++) if (this.#events[i]!.at < this.#events[first]!.at) first = i;
      const [event] = this.#events.splice(first, 1);
      this.#now = event!.at;
      event!.run();
      this.#judge();
    }
    const [rounds, transfers] = [this.#rounds, this.#transfers];
    return { mistakes: this.#mistakes, rounds, transfers, expiries: this.#expiries, restarts: this.#restarts };
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #chance(part: number): boolean {
    return this.#random() < part;
  }

  #after(seconds: number, run: () => void): void {
    this.#events.push({ at: this.#now + seconds, run });
  }

  /** Again and again, at random times that are `mean` seconds apart. */
  #every(mean: number, run: () => void): void {
    this.#after(2 * mean * this.#random(), () => {
      run();
      this.#every(mean, run);
    });
  }

  get #wall(): number {
    return Math.floor(WALL + this.#now + this.#wrong);
  }

  #disturb(begin: () => void, seconds: number, end: () => void): void {
    begin();
    this.#calmSince = Number.POSITIVE_INFINITY;
    this.#after(seconds, () => {
      end();
      this.#calm();
    });
  }

  /** Notes that everything is in order again, if it is. */
  #calm(): void {
    const isCalm =
      !this.#isDown && this.#primaries.every(({ isUp, isReachable, loss }) => isUp && isReachable && loss === 0);
    this.#calmSince = isCalm ? this.#now : Number.POSITIVE_INFINITY;
  }

  #publish(): void {
    this.#latest += 1 + this.#below(3);
    const { primaries, serial } = { primaries: this.#primaries, serial: this.#latest };
    // Primaries get it at different times, as their own primary reaches them.
    for (const primary of primaries)
      this.#after(this.#chance(0.7) ? this.#random() * 60 : this.#random() * 5 * HOUR, () => {
        if (serial <= primary.serial) return;
        primary.serial = serial;
        primary.heardAt = this.#now;
        this.#calm();
        if (primary.isUp && primary.isReachable && !this.#chance(0.3)) this.#notify(primary);
      });
  }

  #notify({ name, serial }: SimulatedPrimary): void {
    if (this.#isDown) return;
    this.#rest(name).reached();
    this.#zone.notify(name, this.#chance(0.5) ? serial : undefined, this.#now);
    this.#schedule();
  }

  #flap(primary: SimulatedPrimary): void {
    for (let i = 0; i < 40; i++)
      this.#after(i * 300 * this.#random(), () =>
        this.#disturb(
          () => (primary.isUp = false),
          200 * this.#random(),
          () => (primary.isUp = true),
        ),
      );
  }

  /** Nothing gets through for up to eight days: longer than EXPIRE. */
  #partition(): void {
    const set = (isReachable: boolean) => () => {
      for (const primary of this.#primaries) primary.isReachable = isReachable;
    };
    this.#disturb(set(false), (this.#chance(0.5) ? 1 : 8) * DAY * this.#random(), set(true));
  }

  #restart(): void {
    if (this.#isDown) return;
    this.#isDown = true;
    this.#isServed = false;
    this.#life++;
    this.#restarts++;
    this.#calmSince = Number.POSITIVE_INFINITY;
    this.#after(this.#chance(0.8) ? 60 : this.#random() * DAY, () => {
      this.#isDown = false;
      this.#zone = this.#start();
      this.#calm();
      this.#wake();
    });
  }

  #start(): ZoneRefresh {
    const { stored } = this.#model;
    if (stored !== undefined) {
      const passed = Math.max(0, this.#wall - stored.checkedWall);
      this.#model.expiresAt = this.#now + stored.expiresWall - stored.checkedWall - passed;
    }
    this.#isServed = this.#stored !== undefined;
    const names = this.#primaries.map(({ name }) => name);
    return new ZoneRefresh(names, this.#stored, { now: this.#now, wall: this.#wall }, { random: this.#random });
  }

  #rest(name: string): PrimaryRest {
    const rest = this.#rests.get(name) ?? new PrimaryRest(this.#random);
    this.#rests.set(name, rest);
    return rest;
  }

  #schedule(): void {
    const life = this.#life;
    const at = this.#zone.dueAt;
    if (at === Number.POSITIVE_INFINITY) return;
    this.#after(Math.max(0, at - this.#now), () => {
      if (life === this.#life && !this.#isDown) this.#wake();
    });
  }

  /** What the server does when a zone is due. */
  #wake(): void {
    if (this.#zone.expire(this.#now)) {
      this.#isServed = false;
      this.#expiries++;
    }
    const before = this.#zone.isBusy;
    const step = this.#zone.next(this.#now);
    if (step !== undefined) this.#rounds++;
    if (step !== undefined) this.#take(step);
    else if (!before) this.#schedule();
  }

  #take(step: RefreshStep): void {
    const life = this.#life;
    const then = (seconds: number, end: () => RefreshStep | undefined): void =>
      this.#after(seconds, () => {
        if (life !== this.#life) return;
        const next = end();
        if (next !== undefined) this.#take(next);
        else this.#ended();
      });
    const primary = this.#primaries.find(({ name }) => name === step.primary)!;
    const rest = this.#rest(primary.name);
    if (rest.isResting(this.#now)) {
      then(0, () => this.#zone.failed('connection', this.#now));
      return;
    }
    // The version may expire while this goes on.
    this.#schedule();
    const isLost = !primary.isUp || !primary.isReachable || this.#chance(primary.loss);
    if (isLost) {
      then(10, () => {
        rest.failed(this.#now);
        return this.#zone.failed('connection', this.#now);
      });
      return;
    }
    if (step.kind === 'soa') then(0.1, () => this.#answer(primary));
    else then(1 + 30 * this.#random(), () => this.#transfer(primary));
  }

  #expireOf(primary: SimulatedPrimary): number | undefined {
    return primary.isRelay ? Math.max(0, Math.round(TIMES.expire - (this.#now - primary.heardAt))) : undefined;
  }

  #answer(primary: SimulatedPrimary): RefreshStep | undefined {
    const expire = this.#expireOf(primary);
    const model = this.#model;
    if (primary.serial === model.serial)
      model.expiresAt = Math.max(model.expiresAt, this.#now + (expire ?? TIMES.expire));
    this.#rest(primary.name).reached();
    const step = this.#zone.answered({ serial: primary.serial, expire }, this.#now);
    if (model.serial !== undefined && !this.#zone.isExpired) this.#isServed = true;
    return step;
  }

  #transfer(primary: SimulatedPrimary): RefreshStep | undefined {
    const expireOption = this.#expireOf(primary);
    const { serial } = primary;
    if (this.#model.serial !== undefined && serial < this.#model.serial)
      this.#mistakes.push(`${this.#now}: serial ${serial} after ${this.#model.serial}`);
    const seconds = expireOption ?? TIMES.expire;
    this.#transfers++;
    this.#isServed = true;
    this.#model.serial = serial;
    this.#model.expiresAt = this.#now + seconds;
    this.#model.stored = { serial, checkedWall: this.#wall, expiresWall: this.#wall + seconds };
    const step = this.#zone.transferred({ serial, ...TIMES, expireOption, isNew: true }, this.#now);
    this.#stored = this.#zone.facts({ now: this.#now, wall: this.#wall });
    return step;
  }

  /** A round has ended: what it found out is stored. */
  #ended(): void {
    const facts = this.#zone.facts({ now: this.#now, wall: this.#wall });
    if (facts !== undefined && this.#zone.failures === 0) {
      this.#stored = facts;
      const { serial, expiresAt } = this.#model;
      this.#model.stored = {
        serial: serial!,
        checkedWall: this.#wall,
        expiresWall: this.#wall + expiresAt - this.#now,
      };
    }
    this.#schedule();
  }

  /** Compares the zone with the model. */
  #judge(): void {
    if (this.#isDown || this.#mistakes.length > 10) return;
    const { serial, expiresAt } = this.#model;
    if (serial === undefined) return;
    const isValid = this.#now < expiresAt;
    if (this.#isServed !== isValid && Math.abs(this.#now - expiresAt) > GRAIN)
      this.#mistakes.push(`${this.#now}: ${this.#isServed ? 'served' : 'not served'}, expires at ${expiresAt}`);
    const best = Math.max(...this.#primaries.map((primary) => primary.serial));
    const isLate = this.#now > this.#calmSince + TIMES.refresh + SLACK;
    if (isLate && (serial !== best || !this.#isServed))
      this.#mistakes.push(`${this.#now}: serial ${serial}, ${best} is there since ${this.#calmSince}`);
  }
}
