/** What signs zones, without a server: a keeper that signs nothing, a parent that does what CDS asks for, and a clock that stands still. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultConfig } from '../../../src/config/schema.js';
import { DEFAULT_SIGNING_POLICY } from '../../../src/dnssec/signing/signing-policy.js';
import { AdotdError, ErrorCode } from '../../../src/errors.js';
import type { Log } from '../../../src/observe/log.js';
import type { DnssecPolicy } from '../../../src/server/signing/dnssec-policy.js';
import type { ResolverSays } from '../../../src/server/signing/parent/delegation-resolver.js';
import type { DsAnswer } from '../../../src/server/signing/parent/parent-servers.js';
import type { SigningPlan } from '../../../src/server/signing/zone-signers.js';
import { ZoneSigning } from '../../../src/server/signing/zone-signing.js';
import { FakeClock } from '../../support/clock.js';
import { imageOf, ZONE } from '../zones/keeper-support.js';

export const HOUR = 3600;
export const NAME = 'a.test.';

export const POLICY: DnssecPolicy = {
  name: 'default',
  signing: DEFAULT_SIGNING_POLICY,
  rollover: {
    keys: [{ role: 'csk', algorithm: 13, lifetime: undefined }],
    keyTtl: HOUR,
    dsTtl: 2 * HOUR,
    propagation: 600,
    parentPropagation: 1200,
    isParentAsked: false,
  },
  hasCds: true,
  parent: [],
  signers: [],
};
export const ASKED: DnssecPolicy = {
  ...POLICY,
  rollover: { ...POLICY.rollover, isParentAsked: true },
  parent: ['parent'],
};

/** A table whose values outlive the server; its disk is full when the test says so. */
export class MemoryTable {
  readonly values = new Map<string, Uint8Array>();
  isFull = false;
  puts = 0;
  /** Called before a value is stored. */
  before: (() => void) | undefined;
  /** The server dies at the put of this number, before or after the value is stored. */
  death: { readonly put: number; readonly isStored: boolean } | undefined;
  /** Fulfilled when it has died. */
  readonly died: Promise<void>;
  #die: () => void = () => undefined;

  constructor() {
    this.died = new Promise((resolve) => {
      this.#die = resolve;
    });
  }

  keys(): string[] {
    return [...this.values.keys()];
  }

  get(key: string): Uint8Array | undefined {
    return this.values.get(key);
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    this.before?.();
    if (this.isFull) throw new AdotdError(ErrorCode.STATE, 'the disk is full');
    this.puts++;
    const isDeath = this.puts === this.death?.put;
    if (!isDeath || this.death?.isStored) this.values.set(key, value);
    if (!isDeath) return;
    this.#die();
    await new Promise(() => undefined);
  }
}

/** Keeps zones as the keeper does, but signs nothing. */
class FakeKeeper {
  readonly zones = new Map<string, { state: string; image: Uint8Array; plan: SigningPlan | undefined }>();
  /** Plans of the versions that were published, one after the other. */
  readonly versions: SigningPlan[] = [];
  resigned = 0;
  failure: Error | undefined;
  signing: ZoneSigning | undefined;
  nextDue: number | undefined;
  readonly #listeners: ((zone: string) => void)[] = [];
  #tail: Promise<unknown> = Promise.resolve();

  get(zone: string) {
    return this.zones.get(zone);
  }

  *all(): Iterable<{ zone: string }> {
    for (const zone of this.zones.keys()) yield { zone };
  }

  onPublished(listener: (zone: string) => void): void {
    this.#listeners.push(listener);
  }

  /** A zone file is loaded. */
  async load(zone: string, image = imageOf('a.test', ZONE)): Promise<void> {
    this.zones.set(zone, { state: 'served', image, plan: this.zones.get(zone)?.plan });
    if (this.signing?.isSigner(zone)) await this.resign(zone);
    for (const listener of this.#listeners) listener(zone);
  }

  resign(zone: string): Promise<{ nextDue: number | undefined; made: number; early: number }> {
    const done = this.#tail.then(() => this.#resign(zone));
    this.#tail = done.catch(() => undefined);
    return done;
  }

  async #resign(zone: string): Promise<{ nextDue: number | undefined; made: number; early: number }> {
    this.resigned++;
    const kept = this.zones.get(zone)!;
    const plan = await this.signing?.plan(zone, kept.image);
    if (this.failure !== undefined) throw this.failure;
    if (plan === undefined) return { nextDue: undefined, made: 0, early: 0 };
    const made = plan.id === kept.plan?.id ? 0 : 1;
    if (made > 0) this.versions.push(plan);
    kept.plan = plan;
    await this.signing?.published(zone, plan);
    return { nextDue: this.nextDue, made, early: 0 };
  }
}

/** A clock whose time of day may be set. */
class SetClock extends FakeClock {
  /** Seconds. */
  ahead = 0;

  override seconds(): number {
    return super.seconds() + this.ahead;
  }
}

export class SigningBench {
  readonly folder = mkdtempSync(join(tmpdir(), 'adotd-signing-'));
  readonly table = new MemoryTable();
  clock = new SetClock();
  /** Minutes of a step of run(). */
  step = 1;
  #hasDied = false;
  readonly lines: string[] = [];
  /** What each server of the parent says; undefined: it is silent. */
  parent: DsAnswer[] = [[]];
  asked = 0;
  /** What resolvers say, and how often they were asked. */
  resolver: ResolverSays = { kind: 'answer', ds: [] };
  resolved = 0;
  /** The zone that load() loads. */
  zone = NAME;
  policy: DnssecPolicy | undefined = POLICY;
  /** Whether the configuration says so where it has no policy. */
  isOff = true;
  keeper = new FakeKeeper();
  signing: ZoneSigning;

  constructor() {
    this.clock.now = 1_780_000_000_000;
    this.signing = this.#open();
  }

  get now(): number {
    return this.clock.seconds();
  }

  /** The keys that the last version has. */
  get last(): SigningPlan['keys'] {
    return this.keeper.versions.at(-1)!.keys;
  }

  get status() {
    return this.signing.known.status(this.zone)!;
  }

  async load(): Promise<void> {
    const isAlive = await this.survives(this.keeper.load(this.zone));
    if (isAlive) this.signing.begin(this.keeper);
    await this.run(0);
  }

  /** Waits for what is done; false: the server died before it was, and is running again. */
  async survives(work: Promise<unknown>): Promise<boolean> {
    if (this.#hasDied) {
      await work;
      return true;
    }
    let isDone = false;
    await Promise.race([work.then(() => (isDone = true)), this.table.died]);
    if (isDone) return true;
    this.#hasDied = true;
    // Nothing of the dead one goes on: its clock stands still.
    const { now } = this.clock;
    this.clock = new SetClock();
    this.clock.now = now;
    this.#reopen();
    return false;
  }

  /** Forgets all that is in memory, as a crash does; what is published stays. */
  async crash(): Promise<void> {
    await this.signing.close();
    this.#reopen();
    await this.run(0);
  }

  #reopen(): void {
    const { zones, versions } = this.keeper;
    this.keeper = new FakeKeeper();
    for (const [zone, kept] of zones) this.keeper.zones.set(zone, kept);
    this.keeper.versions.push(...versions);
    this.signing = this.#open();
    this.signing.begin(this.keeper);
  }

  /** Goes on for so many hours, step by step. */
  async run(hours: number, each: () => void = () => undefined): Promise<void> {
    const end = this.clock.now + hours * 3_600_000;
    do {
      this.clock.advance(Math.min(this.step * 60_000, end - this.clock.now));
      await this.survives(this.signing.settled());
      each();
    } while (this.clock.now < end);
    this.clock.advance(0);
    await this.survives(this.signing.settled());
  }

  /** The parent does what CDS asks for. */
  obey(): void {
    const { cds } = this.keeper.versions.at(-1)?.keys ?? { cds: [] };
    if (cds.length === 0) return;
    const isRemoval = cds[0]!.length === 5;
    this.parent = this.parent.map(() => (isRemoval ? [] : cds));
  }

  async close(): Promise<void> {
    await this.signing.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #open(): ZoneSigning {
    const line =
      (level: string) =>
      (_: object, text: string): void =>
        void this.lines.push(`${level}: ${text}`);
    const log: Log = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
    const signing = ZoneSigning.open(defaultConfig(), {
      state: { table: () => this.table },
      folder: this.folder,
      clock: this.clock,
      log,
      askParent: async () => {
        this.asked++;
        return this.parent;
      },
      askResolver: async () => {
        this.resolved++;
        return this.resolver;
      },
      wishOf: () => ({ dnssec: this.policy, isOff: this.isOff }),
    });
    this.keeper.signing = signing;
    return signing;
  }
}
