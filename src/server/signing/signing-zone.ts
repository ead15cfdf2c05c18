/**
 * The keys of one zone: their states move here, and are stored before anything is made of them. After a crash, the stored state is enough
 * to go on.
 */
import { createHash } from 'node:crypto';
import type { SigningKey } from '../../dnssec/keys/signing-key.js';
import { clockSetForward } from '../../dnssec/rollover/clock-events.js';
import type { ZoneKeys } from '../../dnssec/rollover/key-state.js';
import { keySetOf } from '../../dnssec/rollover/published-keys.js';
import { isPending, published, step } from '../../dnssec/rollover/step.js';
import { stepsBetween } from '../../dnssec/rollover/step-text.js';
import { type ApexKeys, checkForeign, isWithoutKeys, ownRecords, withoutKeys } from '../../dnssec/signing/apex-keys.js';
import type { KeySet } from '../../dnssec/signing/signing-policy.js';
import { AdotdError, ErrorCode, messageOf } from '../../errors.js';
import type { Log } from '../../observe/log.js';
import { nameFromText } from '../../protocol/name.js';
import type { StoredTable } from '../../state/stored-table.js';
import type { DnssecPolicy } from './dnssec-policy.js';
import { KeyMaker, type MadeKey } from './key-maker.js';
import { foreignAfter, type GivenKeys, keysOfStored, type StoredForeign } from './signers/foreign-keys.js';
import { held, withForeign } from './signers/shared-zone.js';
import { type ImportedKey, withImport } from './signing-commands.js';
import { policyInForce, policyOrLast, type SigningWish, withWish } from './signing-wish.js';
import type { KeyFiles } from './stored/key-files.js';
import {
  decodeSigning,
  dnskeyOf,
  encodeSigning,
  NOTHING_STORED,
  type StoredSigning,
  significant,
} from './stored/stored-signing.js';
import type { WatchedClock } from './watched-clock.js';
import type { SigningPlan } from './zone-signers.js';

export type SigningTable = Pick<StoredTable, 'keys' | 'get' | 'put'>;

export interface SigningZoneParts {
  readonly files: KeyFiles;
  readonly table: SigningTable;
  readonly clock: Pick<WatchedClock, 'seconds' | 'forward'>;
  readonly log: Log;
}

/** The outcome that plan() would have now. */
interface Outlook {
  /** Whether a state moves, a policy takes effect, or a stored state was not published. */
  readonly isDue: boolean;
  /** Seconds since 1970: when a state may move by time alone; undefined: none does. */
  readonly next: number | undefined;
}

export class SigningZone {
  readonly zone: string;
  /** In wire format. */
  readonly apex: Uint8Array;
  readonly #parts: SigningZoneParts;
  #kept: StoredSigning = NOTHING_STORED;
  #damage: AdotdError | undefined;
  /** The stored state, as significant() has it. */
  #stored: string;
  readonly #keys = new Map<string, SigningKey>();
  readonly #made = new KeyMaker();
  /** Id of the plan that was given out last, and the records of other signers in it. */
  #plan: { readonly id: string; readonly foreign: StoredForeign } | undefined;
  /** Seconds by which the clock had been set forward when that was last looked at. */
  #forward: number;
  /** The changes of keys that are not published yet, in words. */
  #news: string[] = [];
  #tail: Promise<unknown> = Promise.resolve();

  /** Reads the stored state of the zone. */
  constructor(zone: string, parts: SigningZoneParts) {
    this.zone = zone;
    this.apex = nameFromText(zone);
    this.#parts = parts;
    this.#forward = parts.clock.forward;
    try {
      const value = parts.table.get(zone);
      if (value !== undefined) this.#kept = decodeSigning(value, zone);
    } catch (error) {
      if (!(error instanceof AdotdError)) throw error;
      this.#damage = error;
    }
    this.#stored = significant(this.#kept);
  }

  get kept(): StoredSigning {
    return this.#kept;
  }

  /** Why nothing is known of its keys; undefined: they are known. */
  get damage(): AdotdError | undefined {
    return this.#damage;
  }

  /** Whether versions of the zone are the server's own, whatever the configuration says now. */
  get isBound(): boolean {
    const { policy, keys } = this.#kept;
    return this.damage !== undefined || (policy !== undefined && (keys.keys.length > 0 || keys.wasSigned));
  }

  /** The records of other signers in the content; undefined: it can have none. `configured`: the policy that is in force. */
  foreign(configured: DnssecPolicy | undefined): ApexKeys | undefined {
    const all = keysOfStored(this.#kept.foreign.all);
    // They stay until they leave the content, whatever the configuration says: the other signer may still be there.
    const canBe = (configured?.signers.length ?? 0) > 0 || !isWithoutKeys(all);
    return canBe ? all : undefined;
  }

  /**
   * Moves the states, stores them, and says how the zone is to be signed (ZoneSigners.plan). `zoneTtl`: seconds. Records of other signers
   * from the zone's file are stored here; those from other changes are stored when the version is published.
   */
  plan(
    wish: SigningWish,
    zoneTtl: number,
    isDsDenied: boolean | undefined,
    given?: GivenKeys,
  ): Promise<SigningPlan | undefined> {
    return this.#inOrder(async () => {
      this.#mustBeKnown();
      const now = this.#now();
      const policy = policyOrLast(this.#kept, wish);
      if (policy === undefined) return undefined;
      const foreign = this.#foreignAfter(policyInForce(this.#kept, wish), policy, given);
      const before = { ...this.#kept, keys: withForeign(this.#kept.keys, foreign) };
      const facts = { now, zoneTtl, isDsDenied };
      const { rollover } = held(policy, before.keys);
      const { keys, made } = await this.#made.step(withWish(before.keys, wish), rollover, facts);
      for (const { id, key } of made) this.#keys.set(id, key);
      const isCommitted = given?.kind === 'file' || (this.#kept.isUnsigned && keys.keys.length === 0);
      const next = { ...this.#signingOf(keys, policy, made), ...(isCommitted && { foreign }) };
      // This throws when a key cannot be had: then no state must move.
      const set = keySetOf(
        keys,
        (id) => this.#keyOf(id, next.dnskeys),
        this.apex,
        policy.hasCds,
        keysOfStored(foreign.all),
      );
      for (const { id, key } of made) await this.#parts.files.write(id, key);
      await this.#store(next);
      this.#made.taken(made);
      this.#news.push(...stepsBetween(before.keys, keys));
      this.#forget(before.keys, keys);
      if (next.isUnsigned) return undefined;
      const plan = { id: idOf(set, policy), keys: set, policy: policy.signing };
      this.#plan = { id: plan.id, foreign };
      return plan;
    });
  }

  /**
   * Notes that a version by this plan is published. Never rejects: if that cannot be stored now, the version is published once more after a
   * restart. Returns the changes of the keys, in words.
   */
  published({ id }: SigningPlan): Promise<readonly string[]> {
    return this.#inOrder(async () => {
      if (id !== this.#plan?.id) return [];
      const { foreign } = this.#plan;
      const now = this.#now();
      const keys = published(this.#kept.keys, now);
      const next = { ...this.#kept, keys, isUnsigned: keys.keys.length === 0, foreign };
      try {
        await this.#store(next);
      } catch (error) {
        this.#kept = next;
        this.#parts.log.warn({ err: error, zone: this.zone }, `the keys of ${this.zone}: ${messageOf(error)}`);
      }
      return this.#news.splice(0);
    });
  }

  /** Changes the state, and stores it. Rejects with the errors of `make`, and with ADOTD_STATE; then nothing has changed. */
  change(make: (kept: StoredSigning) => StoredSigning): Promise<void> {
    return this.#inOrder(async () => {
      this.#mustBeKnown();
      this.#now();
      await this.#store(make(this.#kept));
    });
  }

  /** Takes over keys that were made elsewhere: their files first, then the state. They replace a stored state that was damaged. */
  importKeys(imported: readonly ImportedKey[], isAtParent: (key: SigningKey) => boolean): Promise<void> {
    return this.#inOrder(async () => {
      const now = this.#now();
      const { kept, files } = withImport(this.#kept, this.zone, imported, now, isAtParent);
      for (const { id, key } of files) await this.#parts.files.write(id, key);
      await this.#store(kept);
      this.#damage = undefined;
      for (const { id, key } of files) this.#keys.set(id, key);
    });
  }

  /** The outcome of plan() if it was called now. Nothing is changed. */
  outlook(wish: SigningWish, isDsDenied: boolean | undefined): Outlook {
    const now = this.#now();
    const kept = this.#kept;
    const policy = policyOrLast(kept, wish);
    if (policy === undefined || this.damage !== undefined) return { isDue: false, next: undefined };
    const facts = { now, zoneTtl: kept.keys.current.zone.at(-1) ?? 0, isDsDenied };
    const state = withWish(withForeign(kept.keys, kept.foreign), wish);
    const { keys, next } = step(state, held(policy, state).rollover, facts, ({ bits }) => ({ id: '', tag: -1, bits }));
    const isOpen = isPending(keys) || (keys.keys.length === 0 && !kept.isUnsigned);
    const isChanged = significant({ ...kept, keys, policy }) !== significant(kept);
    return { isDue: isOpen || isChanged, next };
  }

  /** A key of the zone. Throws ADOTD_DNSSEC_KEY when it cannot be had. */
  keyOf(id: string): SigningKey {
    return this.#keyOf(id, this.#kept.dnskeys);
  }

  /** The time. If the clock was set forward, the noted times move with it; they are stored with the next change. */
  #now(): number {
    const { clock } = this.#parts;
    const now = clock.seconds();
    const seconds = clock.forward - this.#forward;
    if (seconds > 0) this.#kept = { ...this.#kept, keys: clockSetForward(this.#kept.keys, seconds, now) };
    this.#forward = clock.forward;
    return now;
  }

  #keyOf(id: string, dnskeys: StoredSigning['dnskeys']): SigningKey {
    const known = this.#keys.get(id);
    if (known !== undefined) return known;
    const key = this.#parts.files.read({ id, dnskey: dnskeyOf(dnskeys, id) }, this.zone);
    this.#keys.set(id, key);
    return key;
  }

  #signingOf(keys: ZoneKeys, policy: DnssecPolicy, made: readonly MadeKey[]): StoredSigning {
    const all: Record<string, string> = { ...this.#kept.dnskeys };
    for (const { id, key } of made) all[id] = Buffer.from(key.dnskey).toString('base64');
    const dnskeys = Object.fromEntries(keys.keys.map(({ id }) => [id, all[id] ?? '']));
    const { isUnsigned, foreign } = this.#kept;
    return { keys, policy, dnskeys, isUnsigned: isUnsigned && keys.keys.length === 0, foreign };
  }

  /** Throws ADOTD_ZONE_INVALID when a record of another signer is not allowed. */
  #foreignAfter(
    configured: DnssecPolicy | undefined,
    { rollover }: DnssecPolicy,
    given: GivenKeys | undefined,
  ): StoredForeign {
    const { keys, dnskeys, foreign } = this.#kept;
    if (given === undefined || this.foreign(configured) === undefined) return foreign;
    const own = keys.keys.map(({ id }) => dnskeyOf(dnskeys, id));
    const after = foreignAfter(foreign, given, ownRecords(own, this.apex));
    const all = keysOfStored(after.all);
    const added = withoutKeys(all, keysOfStored(foreign.all));
    if (!isWithoutKeys(added) && (configured?.signers.length ?? 0) === 0)
      throw new AdotdError(
        ErrorCode.ZONE_INVALID,
        `zone ${this.zone}: found a new DNSKEY, CDS or CDNSKEY record of another signer, expected none without \`multi_signer\` in its policy of signing`,
      );
    const used = keys.keys.filter(({ goal }) => goal === 'omnipresent');
    const algorithms = rollover.keys.map(({ algorithm }) => ({ algorithm, tag: -1 }));
    checkForeign(this.zone, added, all, used.length > 0 ? keys.keys : algorithms);
    return after;
  }

  async #store(next: StoredSigning): Promise<void> {
    const text = significant(next);
    if (text !== this.#stored) await this.#parts.table.put(this.zone, encodeSigning(next, this.zone));
    this.#stored = text;
    this.#kept = next;
  }

  /** Removes the files of keys that the stored state does not have any more. */
  #forget(before: ZoneKeys, { keys }: ZoneKeys): void {
    const present = new Set(keys.map(({ id }) => id));
    for (const { id } of before.keys) {
      if (present.has(id)) continue;
      this.#keys.delete(id);
      try {
        this.#parts.files.remove(id);
      } catch (error) {
        const text = `the file of a key that has gone cannot be removed: ${messageOf(error)}`;
        this.#parts.log.warn({ err: error, zone: this.zone }, text);
      }
    }
  }

  #mustBeKnown(): void {
    if (this.#damage !== undefined) throw this.#damage;
  }

  #inOrder<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#tail.then(work);
    this.#tail = done.catch(() => undefined);
    return done;
  }
}

/** A hash over the published keys, the signing keys, the kind of chain and the TTL of the keys. The order of keys does not matter. */
function idOf({ dnskey, cds, cdnskey, keySigners, zoneSigners }: KeySet, { signing }: DnssecPolicy): string {
  const { nsec3, keyTtl } = signing;
  const texts = (all: readonly Uint8Array[]): string[] => all.map((one) => Buffer.from(one).toString('base64')).sort();
  const signers = (keys: readonly SigningKey[]): string[] => texts(keys.map((key) => key.dnskey));
  const chain = nsec3 === undefined ? 'nsec' : nsec3.optOut ? 'opt-out' : 'nsec3';
  const all = [texts(dnskey), texts(cds), texts(cdnskey), signers(keySigners), signers(zoneSigners), chain, keyTtl];
  return createHash('sha256').update(JSON.stringify(all)).digest('base64url').slice(0, 22);
}
