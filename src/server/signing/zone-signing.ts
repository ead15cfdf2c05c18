/**
 * Signs the zones of the server that are known (known-zones.ts): says how each version is signed, and has a new one made when a state of a
 * key can move, when signatures are due, when the parent has changed, or when somebody gives a command.
 */
import type { Config } from '../../config/schema.js';
import type { SigningKey } from '../../dnssec/keys/signing-key.js';
import { frozen } from '../../dnssec/rollover/events.js';
import type { KeyRole } from '../../dnssec/rollover/key-state.js';
import type { ApexKeys } from '../../dnssec/signing/apex-keys.js';
import { AdotdError, ErrorCode, messageOf } from '../../errors.js';
import { imageFacts } from '../../image/image-facts.js';
import { KnownZones } from './known-zones.js';
import { DelegationLooks } from './parent/delegation-looks.js';
import { denialOf, hasDs } from './parent/parent-look.js';
import { askParent } from './parent/parent-servers.js';
import { RemoteServers } from './remote-servers.js';
import {
  earlyText,
  failedAgain,
  firstDue,
  isVersionDue,
  lookTime,
  nextTime,
  noteServed,
  type RunningSigning,
  signersTime,
  warnOnce,
} from './running-signing.js';
import type { GivenKeys } from './signers/foreign-keys.js';
import { type AskSigners, askSigners, lookAtSigners } from './signers/signers-look.js';
import {
  type ImportedKey,
  keysToRoll,
  type RollOrder,
  type RollOutcome,
  rollOutcome,
  withClock,
  withDsSeen,
  withRoll,
  withStart,
} from './signing-commands.js';
import type { SignedZones, SigningOptions } from './signing-parts.js';
import { SigningSchedule } from './signing-schedule.js';
import { policyInForce, policyOrLast, signingWishes } from './signing-wish.js';
import { KeyFiles } from './stored/key-files.js';
import { SIGNING_TABLE, type StoredSigning } from './stored/stored-signing.js';
import { clockSetText, WatchedClock } from './watched-clock.js';
import type { SignedWork, SigningPlan, ZoneSigners } from './zone-signers.js';

/** Zones whose signatures are looked at in a second, after a start. A guess: 10,000 zones take 100 s. */
const LOOKED_AT = 100;

export class ZoneSigning implements ZoneSigners {
  readonly known: KnownZones;
  readonly #options: SigningOptions;
  readonly #looks: DelegationLooks;
  /** Of parents, and of other signers. */
  readonly #servers: RemoteServers;
  readonly #askSigners: AskSigners;
  readonly #schedule: SigningSchedule;

  private constructor(config: Config, options: SigningOptions) {
    const { state, folder, log, owner } = options;
    const clock = new WatchedClock(options.clock, (seconds) => queueMicrotask(() => this.#clockSet(seconds)));
    this.#options = { ...options, clock };
    const parts = { files: new KeyFiles(folder, owner), table: state.table(SIGNING_TABLE), clock, log };
    this.known = new KnownZones(parts, options.wishOf ?? signingWishes(config));
    this.#servers = new RemoteServers(config, clock, log);
    this.#looks = new DelegationLooks(config, {
      ...this.#options,
      askParent: options.askParent ?? askParent(this.#servers),
      served: (zone) => this.known.keeper?.get(zone)?.image,
    });
    this.#askSigners = options.askSigners ?? askSigners(this.#servers);
    const work = { next: (zone: string) => this.#nextOf(zone), work: (zone: string) => this.#work(zone) };
    this.#schedule = new SigningSchedule(clock, work);
  }

  /** Reads the stored states. A zone whose state is damaged stays as it is, with an error in the log. Throws ADOTD_STATE. */
  static open(config: Config, options: SigningOptions): ZoneSigning {
    const signing = new ZoneSigning(config, options);
    for (const { zone, damage } of signing.known.readStored())
      if (damage !== undefined) options.log.error({ err: damage, zone }, damage.message);
    return signing;
  }

  /** From now on zones are signed when they have to be. */
  begin(keeper: SignedZones): void {
    this.known.keeper = keeper;
    keeper.onPublished((zone) => {
      if (!this.isSigner(zone) || this.known.get(zone).next !== undefined) return;
      noteServed(this.known.get(zone), this.#now());
      this.#schedule.touch(zone);
    });
    for (const running of this.#examine()) {
      warnOnce(running, this.known.wishOf(running.signing.zone), this.#options.log);
      running.watchedFrom = running.signaturesDue ?? 0;
      this.#schedule.touch(running.signing.zone);
    }
  }

  /** Has the signatures of all zones looked at, a few zones at a time. */
  #examine(): RunningSigning[] {
    const now = this.#now();
    const signed = Array.from(this.known.keeper?.all() ?? [], ({ zone }) => zone).filter((zone) => this.isSigner(zone));
    return signed.map((zone, count) => {
      const running = this.known.get(zone);
      running.signaturesDue = now + Math.floor(count / LOOKED_AT);
      this.#schedule.touch(zone);
      return running;
    });
  }

  /** The clock was set by `seconds`: less than 0 is back. */
  #clockSet(seconds: number): void {
    const { log } = this.#options;
    this.known.tally.clockSets[seconds < 0 ? 'back' : 'forward']++;
    log.warn({ seconds }, clockSetText(seconds));
    this.#examine();
    // The times that are noted of their keys have moved with the clock, and are stored.
    for (const zone of seconds > 0 ? this.known.names() : []) {
      const running = this.known.get(zone);
      if (running.signing.damage !== undefined) continue;
      running.signing.change((kept) => kept).catch((error: unknown) => this.#failed(running, error));
    }
  }

  /** Follows a configuration that is in force from now on. */
  configure(config: Config): void {
    if (this.#options.wishOf === undefined) this.known.wishOf = signingWishes(config);
    this.#looks.configure(config);
    this.#servers.configure(config);
    for (const zone of this.known.names()) this.#again(zone);
  }

  async close(): Promise<void> {
    this.#looks.close();
    this.#servers.close();
    await this.#schedule.close();
  }

  /** Fulfilled when the work under way is done. */
  settled(): Promise<void> {
    return this.#schedule.settled();
  }

  isSigner(zone: string): boolean {
    return this.known.isSigner(zone);
  }

  foreignOf(zone: string): ApexKeys | undefined {
    const { signing } = this.known.get(zone);
    return signing.foreign(policyInForce(signing.kept, this.known.wishOf(zone)));
  }

  async plan(zone: string, content: Uint8Array, given?: GivenKeys): Promise<SigningPlan | undefined> {
    const running = this.known.get(zone);
    const now = this.#now();
    try {
      const { largestTtl } = imageFacts(content);
      const wish = this.known.wishOf(zone);
      const plan = await running.signing.plan(wish, largestTtl, denialOf(running, wish.dnssec, now), given);
      if (given !== undefined) {
        // Whether there are DS records of other keys depends on the keys of other signers.
        if (running.signing.kept.keys.keys.length === 0) running.look = undefined;
        // A version that has other keys of other signers only may not be made now.
        this.#schedule.touch(zone);
      }
      return plan;
    } catch (error) {
      // The keeper passes this error on to #resign().
      const isRefused = given !== undefined && error instanceof AdotdError && error.code === ErrorCode.ZONE_INVALID;
      if (!running.isResigning && !isRefused) this.#failed(running, error);
      throw error;
    }
  }

  signed(work: SignedWork): void {
    this.known.tally.signed(work);
  }

  async published(zone: string, plan: SigningPlan): Promise<void> {
    const running = this.known.get(zone);
    const news = await running.signing.published(plan);
    const { log } = this.#options;
    for (const text of news) log.info({ zone }, `${zone} ${text}`);
    if (running.failure !== undefined) log.info({ zone }, `${zone} is signed again`);
    // The first signatures: none has to be renewed before that.
    if (running.signaturesDue === undefined && plan.keys.zoneSigners.length > 0)
      running.signaturesDue = firstDue(plan.policy, this.#now());
    else if (running.failure === undefined && news.length === 0 && running.next !== undefined) return;
    running.failure = undefined;
    this.#schedule.touch(zone);
  }

  /**
   * Replaces keys. Like every command, it is fulfilled when it is stored and has taken effect; signing that fails then is tried again.
   * Rejects with ADOTD_DNSSEC_KEY, ADOTD_ZONE_STATE and ADOTD_STATE.
   */
  async roll(zone: string, order: RollOrder): Promise<RollOutcome> {
    const { signing } = this.known.expect(zone);
    const { kept } = signing;
    const keys = keysToRoll(kept, zone, order);
    await this.#command(zone, (now) => withRoll(now, zone, order));
    const rollover = policyOrLast(kept, this.known.wishOf(zone))?.rollover;
    return rollOutcome(signing.kept, zone, { ...order, keys }, rollover, this.#now());
  }

  /** Somebody has seen that all servers of the parent have the DS record of a key, or have it no more. */
  dsSeen(zone: string, id: string, isThere: boolean): Promise<void> {
    const now = this.#now();
    return this.#command(zone, (kept) => withDsSeen(kept, zone, id, isThere, now));
  }

  /** Stops all states of the zone's keys, or lets them move again. Signatures are renewed all the same. */
  freeze(zone: string, isFrozen: boolean): Promise<void> {
    return this.#command(zone, (kept) => ({ ...kept, keys: frozen(kept.keys, isFrozen) }));
  }

  /**
   * Makes all signatures anew, by the clock as it is now. `isClockRight`: the clock is right, although it was set back. Fulfilled with the
   * number of signatures; rejects when they cannot be made.
   */
  async sign(zone: string, isClockRight: boolean): Promise<number> {
    const running = this.known.expect(zone);
    if (!this.known.isServed(zone)) throw new AdotdError(ErrorCode.ZONE_STATE, `zone ${zone} is not served`);
    await running.signing.change((kept) => withClock(kept, zone, this.#now(), isClockRight));
    const made = await this.#resign(running, true);
    this.#schedule.touch(zone);
    if (running.failure !== undefined) throw running.failure.error;
    return made;
  }

  /** Allows a first key although the zone was signed before: there is no DS record. */
  start(zone: string): Promise<void> {
    return this.#command(zone, (kept) => withStart(kept, zone, this.known.wishOf(zone).dnssec !== undefined));
  }

  /** Takes over keys that signed the zone elsewhere, before a policy has it signed here; or brings back lost files, or newer keys. */
  async importKeys(zone: string, keys: readonly ImportedKey[]): Promise<void> {
    const running = this.known.get(zone);
    const { look, signing } = running;
    await signing.importKeys(keys, ({ dnskey }) => look?.isForeign === true && hasDs(look.ds, dnskey, signing.apex));
    running.look = undefined;
    await this.#effect(zone);
  }

  /** All keys with their private parts. Throws ADOTD_DNSSEC_KEY when one cannot be had. */
  exportKeys(zone: string): readonly { readonly id: string; readonly role: KeyRole; readonly key: SigningKey }[] {
    const { signing } = this.known.expect(zone);
    return signing.kept.keys.keys.map(({ id, role }) => ({ id, role, key: signing.keyOf(id) }));
  }

  #now(): number {
    return this.#options.clock.seconds();
  }

  async #command(zone: string, make: (kept: StoredSigning) => StoredSigning): Promise<void> {
    await this.known.expect(zone).signing.change(make);
    await this.#effect(zone);
  }

  /** Has the stored state take effect. A zone that cannot be signed now is tried again. */
  async #effect(zone: string): Promise<void> {
    await this.#resign(this.known.get(zone));
    this.#schedule.touch(zone);
  }

  /** Looks at a zone anew: work that has failed may be possible now. */
  #again(zone: string): void {
    const running = this.known.get(zone);
    warnOnce(running, this.known.wishOf(zone), this.#options.log);
    if (running.failure !== undefined) running.failure = { ...running.failure, retryAt: this.#now() };
    // Other resolvers may be there now, or somebody has mended the parent and does not want to wait.
    if (running.look?.isByResolver || running.look?.isForeign) running.look = undefined;
    if (running.look !== undefined) running.look = { ...running.look, silent: 0 };
    running.signersLook = undefined;
    this.#schedule.touch(zone);
  }

  #nextOf(zone: string): number | undefined {
    const running = this.known.get(zone);
    running.next = this.known.isServed(zone) ? nextTime(running, this.known.wishOf(zone), this.#now()) : undefined;
    return running.next;
  }

  /** Does the work that is due for a zone. Never rejects. */
  async #work(zone: string): Promise<void> {
    const running = this.known.get(zone);
    if (!this.known.isServed(zone)) return;
    try {
      await this.#lookAround(running);
    } catch (error) {
      this.#failed(running, error);
      return;
    }
    const { signaturesDue = Number.POSITIVE_INFINITY, failure } = running;
    const now = this.#now();
    if (failure !== undefined || signaturesDue <= now || isVersionDue(running, this.known.wishOf(zone), now))
      await this.#resign(running);
  }

  /** Looks at the parent and at the other signers, where that is due. Rejects with the errors of the state. */
  async #lookAround(running: RunningSigning): Promise<void> {
    const { signing } = running;
    const wish = this.known.wishOf(signing.zone);
    const policy = policyOrLast(signing.kept, wish);
    if (policy === undefined) return;
    const isDue = (time: number | undefined): boolean => time !== undefined && time <= this.#now();
    if (isDue(lookTime(running, wish))) await this.#looks.look(running, policy);
    if (!isDue(signersTime(running, wish))) return;
    const asking = { ...this.#options, ask: this.#askSigners };
    running.signersLook = await lookAtSigners(signing, running.signersLook, policy, asking);
  }

  /** Returns the number of signatures that were made. Never rejects. */
  async #resign(running: RunningSigning, isAnew = false): Promise<number> {
    const { zone } = running.signing;
    const { keeper } = this.known;
    if (keeper === undefined || !this.known.isServed(zone)) return 0;
    running.isResigning = true;
    try {
      const now = this.#now();
      const { nextDue: due, made, early } = await keeper.resign(zone, isAnew);
      if (early > 0) this.#options.log.warn({ zone, early }, earlyText(zone, early));
      running.signaturesDue = due && Math.max(due, now + 1);
      running.resigned = now;
      running.failure = undefined;
      return made;
    } catch (error) {
      this.#failed(running, error);
      return 0;
    } finally {
      running.isResigning = false;
    }
  }

  /** Notes why a zone could not be signed. The reason is logged once. */
  #failed(running: RunningSigning, error: unknown): void {
    const { zone, damage } = running.signing;
    const { failure } = running;
    running.failure = failedAgain(failure, error, this.#now());
    this.known.tally.failures++;
    this.#schedule.touch(zone);
    const text = messageOf(error);
    if (damage !== undefined || (failure !== undefined && messageOf(failure.error) === text)) return;
    const kept = 'what is served stays as it is, and it is tried again';
    this.#options.log.error({ err: error, zone }, `${zone} cannot be signed: ${text}; ${kept}`);
  }
}
