/**
 * Signs zones of the server: has their keys, says how each version is signed, and has a new one made when a state of a key can move, when
 * signatures are due, when the parent has changed, or when somebody gives a command.
 */
import type { Config } from '../../config/schema.js';
import type { SigningKey } from '../../dnssec/keys/signing-key.js';
import { costOfCompromise } from '../../dnssec/rollover/describe.js';
import { frozen } from '../../dnssec/rollover/events.js';
import type { KeyRole, ZoneKeys } from '../../dnssec/rollover/key-state.js';
import { AdotdError, ErrorCode, messageOf } from '../../errors.js';
import { imageFacts } from '../../image/image-facts.js';
import type { SigningFacts } from '../../observe/metrics/signing-facts.js';
import { type EffectivePolicy, zonePolicyOf } from '../zone-policy.js';
import type { SigningSummary } from '../zones/zone-outcome.js';
import type { DnssecPolicy } from './dnssec-policy.js';
import { KeyFiles } from './key-files.js';
import { lookAtParent } from './parent/look-at-parent.js';
import { denialOf } from './parent/parent-look.js';
import { type AskParent, ParentServers } from './parent/parent-servers.js';
import {
  failedAgain,
  firstDue,
  isVersionDue,
  lookTime,
  newRunning,
  nextTime,
  noteServed,
  type RunningSigning,
} from './running-signing.js';
import { type ImportedKey, keysToRoll, type RollOrder, withDsSeen, withRoll, withStart } from './signing-commands.js';
import { figuresOf, problemsOf, SigningTally, summaryOf } from './signing-figures.js';
import type { SignedZones, SigningOptions } from './signing-parts.js';
import { SigningSchedule } from './signing-schedule.js';
import { type DnssecStatus, statusOf } from './signing-status.js';
import { type SigningTable, SigningZone } from './signing-zone.js';
import type { StoredSigning } from './stored-signing.js';
import type { SigningPlan, ZoneSigners } from './zone-signers.js';

/** Name of the table in the state. */
const TABLE = 'dnssec';
/** Zones whose signatures are looked at in a second, after a start. A guess: 10,000 zones take 100 s. */
const LOOKED_AT = 100;

export class ZoneSigning implements ZoneSigners {
  readonly #options: SigningOptions;
  readonly #files: KeyFiles;
  readonly #table: SigningTable;
  readonly #zones = new Map<string, RunningSigning>();
  readonly #parents: ParentServers;
  readonly #ask: AskParent;
  readonly #schedule: SigningSchedule;
  readonly #tally = new SigningTally();
  #policyOf: (zone: string) => Pick<EffectivePolicy, 'dnssec'>;
  #keeper: SignedZones | undefined;

  private constructor(config: Config, options: SigningOptions) {
    const { state, folder, clock, log, owner } = options;
    this.#options = options;
    this.#files = new KeyFiles(folder, owner);
    this.#table = state.table(TABLE);
    this.#policyOf = options.policyOf ?? zonePolicyOf(config);
    this.#parents = new ParentServers(config, clock, log);
    this.#ask = options.askParent ?? this.#parents.ask;
    this.#schedule = new SigningSchedule(clock, {
      next: (zone) => this.#nextOf(zone),
      work: (zone) => this.#work(zone),
      setBack: (seconds) =>
        log.warn(
          { seconds },
          `the clock was set back by ${seconds} s: no state of a key moves before it has caught up`,
        ),
    });
  }

  /** Reads what is stored; a zone whose part is damaged stays as it is, and is said in the log. Throws ADOTD_STATE. */
  static open(config: Config, options: SigningOptions): ZoneSigning {
    const signing = new ZoneSigning(config, options);
    for (const zone of signing.#table.keys()) {
      const { damage } = signing.#zone(zone).signing;
      if (damage !== undefined) options.log.error({ err: damage, zone }, damage.message);
    }
    return signing;
  }

  /** From now on zones are signed when they have to be. */
  begin(keeper: SignedZones): void {
    this.#keeper = keeper;
    keeper.onPublished((zone) => {
      if (!this.isSigner(zone) || this.#zone(zone).next !== undefined) return;
      noteServed(this.#zone(zone), this.#now());
      this.#schedule.touch(zone);
    });
    const now = this.#now();
    let count = 0;
    for (const { zone } of keeper.all()) {
      if (!this.isSigner(zone)) continue;
      this.#zone(zone).signaturesDue = now + Math.floor(count++ / LOOKED_AT);
      this.#schedule.touch(zone);
    }
  }

  /** Follows a configuration that is in force from now on. */
  configure(config: Config): void {
    if (this.#options.policyOf === undefined) this.#policyOf = zonePolicyOf(config);
    this.#parents.configure(config);
    const served = Array.from(this.#keeper?.all() ?? [], ({ zone }) => zone);
    for (const zone of new Set([...this.#zones.keys(), ...served])) this.#again(zone);
  }

  async close(): Promise<void> {
    this.#parents.close();
    await this.#schedule.close();
  }

  /** Fulfilled when what is being done now is done. */
  settled(): Promise<void> {
    return this.#schedule.settled();
  }

  isSigner(zone: string): boolean {
    return this.#policy(zone) !== undefined || (this.#zones.get(zone)?.signing.isBound ?? false);
  }

  async plan(zone: string, content: Uint8Array): Promise<SigningPlan | undefined> {
    const running = this.#zone(zone);
    const now = this.#now();
    try {
      const { largestTtl } = imageFacts(content);
      return await running.signing.plan(this.#policy(zone), largestTtl, denialOf(running.look, now));
    } catch (error) {
      // The keeper passes on to #resign() what is thrown here.
      if (!running.isResigning) this.#failed(running, error);
      throw error;
    }
  }

  async published(zone: string, plan: SigningPlan): Promise<void> {
    const running = this.#zone(zone);
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

  /** The states of a zone's keys; undefined: it is none of zones(). */
  keysOf(zone: string): ZoneKeys | undefined {
    return this.#isKnown(zone) ? this.#zone(zone).signing.kept.keys : undefined;
  }

  /** Zones that are signed here, are to be, or once were. */
  zones(): Iterable<string> {
    const served = Array.from(this.#keeper?.all() ?? [], ({ zone }) => zone);
    return [...new Set([...this.#zones.keys(), ...served])].filter((zone) => this.#isKnown(zone));
  }

  /** A few words of status(); undefined: it is none of zones(). */
  summary(zone: string): SigningSummary | undefined {
    return this.#isKnown(zone) ? summaryOf(this.#zone(zone), this.#policy(zone)) : undefined;
  }

  /** For metrics. */
  get figures(): SigningFacts {
    return figuresOf(this.#running(), (zone) => this.#policy(zone), this.#tally);
  }

  /** A line for each zone that cannot be signed. */
  get problems(): readonly string[] {
    return problemsOf(this.#running());
  }

  /** undefined: it is none of zones(). */
  status(zone: string): DnssecStatus | undefined {
    if (!this.#isKnown(zone)) return undefined;
    const { signing, failure, look, signaturesDue, next } = this.#zone(zone);
    const now = this.#now();
    return statusOf(signing, {
      policy: this.#policy(zone),
      failure: failure && messageOf(failure.error),
      look,
      signaturesDue,
      next,
      now,
    });
  }

  /**
   * Replaces keys. Of compromised ones it returns what that costs, one sentence each. Like all commands, it is stored and has taken effect
   * when it is fulfilled; what cannot be signed then is tried again. Rejects with ADOTD_DNSSEC_KEY, ADOTD_ZONE_STATE and ADOTD_STATE.
   */
  async roll(zone: string, order: RollOrder): Promise<readonly string[]> {
    const { signing } = this.#known(zone);
    const { kept } = signing;
    const keys = keysToRoll(kept, zone, order);
    await this.#command(zone, (now) => withRoll(now, zone, order));
    const policy = this.#policy(zone) ?? kept.policy;
    if (order.compromised !== true || policy === undefined) return [];
    return keys.map((key) => costOfCompromise(key, policy.rollover, kept.keys.current.zone.at(-1) ?? 0));
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

  /** Allows a first key although the zone was signed before: there is no DS record. */
  start(zone: string): Promise<void> {
    return this.#command(zone, (kept) => withStart(kept, zone));
  }

  /** Takes over the keys that a zone was signed with elsewhere, before a policy has it signed here; or brings back lost files. */
  async importKeys(zone: string, keys: readonly ImportedKey[]): Promise<void> {
    await this.#zone(zone).signing.importKeys(keys);
    await this.#effect(zone);
  }

  /** All keys with their private parts. Throws ADOTD_DNSSEC_KEY when one cannot be had. */
  exportKeys(zone: string): readonly { readonly id: string; readonly role: KeyRole; readonly key: SigningKey }[] {
    const { signing } = this.#known(zone);
    return signing.kept.keys.keys.map(({ id, role }) => ({ id, role, key: signing.keyOf(id) }));
  }

  #now(): number {
    return this.#options.clock.seconds();
  }

  #policy(zone: string): DnssecPolicy | undefined {
    return this.#policyOf(zone).dnssec;
  }

  #zone(zone: string): RunningSigning {
    let running = this.#zones.get(zone);
    if (running === undefined) {
      const { clock, log } = this.#options;
      const signing = new SigningZone(zone, { files: this.#files, table: this.#table, clock, log });
      running = newRunning(signing);
      this.#zones.set(zone, running);
    }
    return running;
  }

  /** What runs, of zones(). */
  #running(): RunningSigning[] {
    return [...this.#zones.values()].filter(({ signing }) => this.#isKnown(signing.zone));
  }

  #isKnown(zone: string): boolean {
    return this.isSigner(zone) || (this.#zones.get(zone)?.signing.kept.keys.keys.length ?? 0) > 0;
  }

  #known(zone: string): RunningSigning {
    if (this.#isKnown(zone)) return this.#zone(zone);
    const remedy = 'give it a policy with dnssec';
    throw new AdotdError(ErrorCode.ZONE_STATE, `zone ${zone} is not signed here: ${remedy}`);
  }

  async #command(zone: string, make: (kept: StoredSigning) => StoredSigning): Promise<void> {
    await this.#known(zone).signing.change(make);
    await this.#effect(zone);
  }

  /** Has what was stored take effect. What cannot be signed now is tried again. */
  async #effect(zone: string): Promise<void> {
    await this.#resign(this.#zone(zone));
    this.#schedule.touch(zone);
  }

  /** Looks at a zone anew: what has failed may be possible now. */
  #again(zone: string): void {
    if (!this.#isKnown(zone)) return;
    const running = this.#zone(zone);
    const now = this.#now();
    if (running.failure !== undefined) running.failure = { ...running.failure, retryAt: now };
    if (running.look !== undefined) running.look = { ...running.look, silent: 0 };
    this.#schedule.touch(zone);
  }

  #nextOf(zone: string): number | undefined {
    const running = this.#zone(zone);
    running.next = this.#isServed(zone) ? nextTime(running, this.#policy(zone), this.#now()) : undefined;
    return running.next;
  }

  #isServed(zone: string): boolean {
    return this.isSigner(zone) && this.#keeper?.get(zone)?.state === 'served';
  }

  /** Does what is due for a zone. Never rejects. */
  async #work(zone: string): Promise<void> {
    const running = this.#zone(zone);
    if (!this.#isServed(zone)) return;
    const { clock, log } = this.#options;
    const lookAt = lookTime(running, this.#policy(zone));
    const policy = this.#policy(zone) ?? running.signing.kept.policy;
    if (policy !== undefined && lookAt !== undefined && lookAt <= this.#now()) {
      try {
        running.look = await lookAtParent(running.signing, running.look, policy, { ask: this.#ask, clock, log });
      } catch (error) {
        this.#failed(running, error);
        return;
      }
    }
    const { signaturesDue = Number.POSITIVE_INFINITY, failure } = running;
    const now = this.#now();
    if (failure !== undefined || signaturesDue <= now || isVersionDue(running, this.#policy(zone), now))
      await this.#resign(running);
  }

  async #resign(running: RunningSigning): Promise<void> {
    const { zone } = running.signing;
    const keeper = this.#keeper;
    if (keeper === undefined || !this.#isServed(zone)) return;
    running.isResigning = true;
    try {
      const now = this.#now();
      const { nextDue: due } = await this.#tally.timed(() => keeper.resign(zone));
      running.signaturesDue = due && Math.max(due, now + 1);
      running.resigned = now;
      running.failure = undefined;
    } catch (error) {
      this.#failed(running, error);
    } finally {
      running.isResigning = false;
    }
  }

  /** Notes why a zone could not be signed. It is said once. */
  #failed(running: RunningSigning, error: unknown): void {
    const { zone, damage } = running.signing;
    const { failure } = running;
    running.failure = failedAgain(failure, error, this.#now());
    this.#tally.failures++;
    this.#schedule.touch(zone);
    const text = messageOf(error);
    if (damage !== undefined || (failure !== undefined && messageOf(failure.error) === text)) return;
    const kept = 'what is served stays as it is, and it is tried again';
    this.#options.log.error({ err: error, zone }, `${zone} cannot be signed: ${text}; ${kept}`);
  }
}
