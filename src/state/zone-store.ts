/**
 * The durable store of zones: the last two generations of each zone's records, the differences since the older one, and small facts. The
 * stored data do not depend on the layout of images; images are a cache beside them.
 *
 * NOT here: the meaning of a zone's facts, and compiling the stored records.
 */
import { AdotdError, ErrorCode } from '../errors.js';
import { isImage } from '../image/catalog.js';
import { EntryType } from './entry.js';
import { prepareFolder } from './folder.js';
import { type FolderLock, lockFolder } from './folder-lock.js';
import { ImageCache } from './image-cache.js';
import { type Head, headFields, type KeptZone, newZone, prune, type Snapshot } from './kept-zone.js';
import { Ledger } from './ledger.js';
import type { Place } from './ledger-files.js';
import { serialOf } from './run-pieces.js';
import { StoredTable, tableOf } from './stored-table.js';
import { OWN_FIELDS, removeUnused, removeValue, valueId, valueOctets } from './stored-value.js';
import {
  describe,
  journalOf,
  type OpenOptions,
  type StoredContent,
  type StoredZone,
  type Unreadable,
  type ZoneCommit,
} from './stored-zone.js';
import { Tidying } from './tidying.js';
import { type PreparedChange, ZoneChanges } from './zone-change.js';
import { changedFacts, encodeFacts, type StoredFacts } from './zone-facts.js';
import { ZoneIndex } from './zone-index.js';
import { ZoneReader } from './zone-reader.js';

/** Characters of the note about a loss. */
const MAX_REASON = 1000;
const NOTHING = new Uint8Array(0);

export class ZoneStore {
  readonly #folder: string;
  readonly #lock: FolderLock;
  readonly #ledger: Ledger;
  readonly #index: ZoneIndex;
  readonly #images: ImageCache;
  readonly #reader: ZoneReader;
  readonly #changes: ZoneChanges;
  readonly #report: (text: string) => void;
  readonly #tidying: Tidying;

  private constructor(folder: string, lock: FolderLock, ledger: Ledger, index: ZoneIndex, options: OpenOptions) {
    const { report } = options;
    this.#folder = folder;
    this.#lock = lock;
    this.#ledger = ledger;
    this.#index = index;
    this.#report = report;
    this.#images = new ImageCache(folder, ledger, index, report);
    this.#reader = new ZoneReader(folder, ledger, this.#images);
    this.#changes = new ZoneChanges(folder, index, options.makeRun);
    this.#tidying = new Tidying(ledger, index, options);
  }

  /**
   * Opens the state folder, or makes it. Rejects with ADOTD_STATE, which names path and remedy, when the folder cannot be used, another
   * server uses it, or a newer version wrote it. Damage is no reason to reject: it is reported, and concerns the zones that it hits.
   */
  static async open(folder: string, options: OpenOptions): Promise<ZoneStore> {
    prepareFolder(folder);
    const lock = await lockFolder(folder);
    try {
      const index = new ZoneIndex();
      const ledger = await Ledger.open(folder, (place) => index.take(place));
      index.settle(ledger, options.report);
      const store = new ZoneStore(folder, lock, ledger, index, options);
      await store.#settle();
      return store;
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** Notes the losses of the ledger, and tidies up. */
  async #settle(): Promise<void> {
    const { damage } = this.#ledger;
    for (const { path, reason } of damage) this.#report(`state ${path}: ${reason}`);
    const losses = damage.filter(({ isLoss }) => isLoss);
    if (losses.length === 0 && this.loss !== undefined)
      this.#report(
        `state ${this.#folder}: a loss of an earlier start is not settled: ${this.#index.lossText()}: ${this.loss}`,
      );
    if (losses.length > 0) {
      // New changes may get the numbers of lost ones, and an image may be of a lost change.
      this.#images.clear();
      const reason = losses.map(({ path, reason }) => `${path}: ${reason}`).join('; ');
      await Promise.all([this.#mark(this.#index.suspectsOf(this.#ledger.lostUpTo), true), this.#noteLoss(reason)]);
      this.#report(`state ${this.#folder}: changes may be lost: ${this.#index.lossText()}`);
      this.#tidying.start();
      return;
    }
    const values = [...this.#index.zones.values()].flatMap(({ contents, differences }) => [
      ...contents.values(),
      ...differences.values(),
    ]);
    removeUnused(this.#folder, new Set(values.map(valueId)));
    this.#images.removeOthers(this.#index.zones.keys());
  }

  /** A description of the loss that is not settled; undefined: there is none. */
  get loss(): string | undefined {
    const { loss } = this.#index;
    if (loss === undefined || loss.entry.isRemoval) return undefined;
    return loss.entry.name;
  }

  /** All zones that are stored, in no order. */
  zones(): readonly StoredZone[] {
    return [...this.#index.zones.values()].filter(({ durable }) => !durable.isRemoved).map(describe);
  }

  /** One zone, by zoneKey(). */
  zone(zone: string): StoredZone | undefined {
    const kept = this.#index.zones.get(zone);
    return kept === undefined || kept.durable.isRemoved ? undefined : describe(kept);
  }

  /**
   * The content of a zone as it was acknowledged last; undefined when none was stored. It is never an older one: the cached image, or the
   * older generation with the differences since, makes up for damaged parts, or the zone is unreadable. The content has been checked
   * against its checksums. A zone that may have been lost is unreadable too, until a generation is stored for it.
   */
  async read(zone: string): Promise<StoredContent | Unreadable | undefined> {
    for (;;) {
      const kept = this.#index.zones.get(zone);
      const { head, isRemoved } = kept?.durable ?? newZone(zone).durable;
      const { loss } = this;
      if (loss !== undefined && (kept?.durable.head.isSuspect ?? true))
        return { kind: 'unreadable', reason: `a change of ${zone} may be lost: ${loss}` };
      if (kept === undefined || isRemoved || head.newest === undefined) return undefined;
      const damage: string[] = [];
      const content = await this.#reader.readVersion(kept, head, damage);
      // A change that came meanwhile may have removed the values that it replaced.
      if (kept.durable.head !== head && damage.length > 0) continue;
      this.#noteDamage(zone, damage);
      return content ?? { kind: 'unreadable', reason: `${zone} cannot be read: ${damage.join('; ')}` };
    }
  }

  /** The records of the zone's file as last loaded, as a run; undefined when there are none. Rejects with ADOTD_STATE when they are damaged. */
  async readSource(zone: string): Promise<Uint8Array | undefined> {
    const kept = this.#index.zones.get(zone);
    if (kept === undefined || kept.durable.isRemoved || kept.durable.head.source === 0) return undefined;
    const damage: string[] = [];
    const run = await this.#reader.content(kept, kept.durable.head.source, damage);
    this.#noteDamage(zone, damage);
    if (run === undefined)
      throw new AdotdError(ErrorCode.STATE, `the file of ${zone} as last loaded: ${damage.join('; ')}`);
    return run;
  }

  /**
   * Stores a change of a zone as a whole. Fulfilled when it is on disk; changes that wait at the same time wait for one fdatasync. Changes
   * of one zone take effect in the order of the calls. Rejects with ADOTD_STATE when it cannot be stored, and with ADOTD_CHANGE_SERIAL
   * when the differences do not lead from the stored version to the generation; then nothing of it is stored.
   */
  async commit(zone: string, change: ZoneCommit): Promise<void> {
    const kept = this.#zone(zone);
    const { turn } = kept;
    let done!: () => void;
    kept.turn = new Promise((resolve) => {
      done = resolve;
    });
    let prepared: PreparedChange;
    let appended: Promise<void>;
    try {
      await turn;
      prepared = await this.#changes.prepare(kept, change);
      appended = this.#append(kept, prepared, true);
    } finally {
      done();
    }
    await appended;
    const { generation } = change;
    if (generation !== undefined && isImage(generation)) this.#keepImage(kept, prepared.head, generation);
  }

  /**
   * Changes facts of a zone, also of one that has no content yet. Fulfilled when they are written. That outlives the end of the process;
   * only with `isDurable` is it on disk, too, and outlives a loss of power. Rejects with ADOTD_STATE.
   */
  async note(zone: string, change: Partial<StoredFacts>, isDurable = false): Promise<void> {
    const kept = this.#zone(zone);
    const { turn } = kept;
    await turn;
    const { pending } = kept;
    const facts = changedFacts(pending.facts, change);
    if (facts === pending.facts && !pending.isRemoved) return;
    const { head } = pending;
    await this.#append(kept, { head, facts, contents: [], differences: [], isRemoved: false }, isDurable);
  }

  /**
   * Notes the image of the stored version, such as one that was made of stored records: it is written to the cache some time later, at the
   * latest by close(). An image of another serial is left out.
   */
  keepImage(zone: string, image: Uint8Array): void {
    const kept = this.#index.zones.get(zone);
    if (kept === undefined || kept.durable.isRemoved) return;
    const { head } = kept.durable;
    if (serialOf(image, NOTHING) === head.serial) this.#keepImage(kept, head, image);
  }

  /** A named table for small values of others. */
  table(name: string): StoredTable {
    return new StoredTable(name, this.#ledger, this.#index, () => this.#tidying.afterWrite());
  }

  /** Names of the tables that have values. */
  tables(): string[] {
    return [...new Set(Array.from(this.#index.values.keys(), tableOf))];
  }

  /**
   * Settles losses: zones that are not known any more count as never stored, the others count as they are stored. Returns the zones that
   * may have been changed since. Rejects with ADOTD_STATE.
   */
  async acceptLoss(): Promise<readonly string[]> {
    if (this.loss === undefined) return [];
    const suspects = this.#index.suspects();
    await Promise.all([this.#mark(suspects, false), this.#noteLoss('', true)]);
    return suspects.map(({ zone }) => zone);
  }

  /** Writes everything that waits, also the images, and releases the folder. */
  async close(): Promise<void> {
    await Promise.all(Array.from(this.#index.zones.values(), ({ turn }) => turn));
    await this.#images.close();
    await this.#tidying.done;
    await this.#ledger.close();
    await this.#lock.release();
  }

  #zone(zone: string): KeptZone {
    let kept = this.#index.zones.get(zone);
    if (kept === undefined) {
      kept = newZone(zone, this.loss !== undefined);
      this.#index.zones.set(zone, kept);
    }
    return kept;
  }

  #keepImage(kept: KeptZone, head: Head, image: Uint8Array): void {
    const { newest, last, serial } = head;
    if (newest === undefined || kept.durable.head !== head || kept.durable.isRemoved) return;
    this.#images.keep(kept.zone, { image, generation: newest.id, number: last, serial });
  }

  async #noteLoss(reason: string, isSettled = false): Promise<void> {
    const entry = { type: EntryType.LOSS, isRemoval: isSettled, name: reason.slice(0, MAX_REASON), fields: [] };
    await new Promise<void>((resolve, reject) => {
      this.#index.loss = this.#ledger.append(entry, NOTHING, true, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Marks zones of which a change may be lost, or takes the mark away. */
  async #mark(zones: readonly KeptZone[], isSuspect: boolean): Promise<void> {
    const none = { contents: [], differences: [] };
    await Promise.all(
      zones.map((kept) => {
        const { head, facts, isRemoved } = kept.durable;
        return this.#append(kept, { head: { ...head, isSuspect }, facts, isRemoved, ...none }, false);
      }),
    );
  }

  /** Reports damage, and has a generation stored with the next change. */
  #noteDamage(zone: string, damage: readonly string[]): void {
    if (damage.length === 0) return;
    this.#index.damaged.add(zone);
    this.#report(`state of ${zone}: ${damage.join('; ')}`);
  }

  /** Appends all entries of a change, the head last: with it the change takes effect. */
  #append(kept: KeptZone, change: PreparedChange, isDurable: boolean): Promise<void> {
    const { zone } = kept;
    const { head, facts, isRemoved } = change;
    const contents = change.contents.map(({ fields, payload }) =>
      this.#ledger.append({ type: EntryType.CONTENT, isRemoval: false, name: zone, fields }, payload, false, ignore),
    );
    const before = head.last - change.differences.length;
    const differences = change.differences.map(({ value, difference: { from, to } }, i) => {
      const fields = [...value.fields, before + 1 + i, from, to];
      return this.#ledger.append(
        { type: EntryType.DIFFERENCE, isRemoval: false, name: zone, fields },
        value.payload,
        false,
        ignore,
      );
    });
    for (const place of contents) kept.contents.set(valueId(place), place);
    for (const place of differences) kept.differences.set(place.entry.fields[OWN_FIELDS]!, place);
    const entry = { type: EntryType.HEAD, isRemoval: isRemoved, name: zone, fields: headFields(head) };
    return new Promise((resolve, reject) => {
      const place = this.#ledger.append(entry, isRemoved ? NOTHING : encodeFacts(facts), isDurable, (error) => {
        if (error === undefined) {
          this.#applied(kept, next, place);
          return resolve();
        }
        this.#givenUp(kept, [...contents, ...differences]);
        reject(error);
      });
      const next: Snapshot = { head, facts, isRemoved };
      const isFresh = head.newest?.number === head.last;
      kept.journalOctets = isFresh ? 0 : differences.reduce((sum, each) => sum + valueOctets(each), kept.journalOctets);
      kept.pending = next;
    });
  }

  /** A change is on disk. */
  #applied(kept: KeptZone, next: Snapshot, place: Place): void {
    const old = kept.durable.head;
    kept.durable = next;
    kept.place = place;
    const { head, isRemoved } = next;
    if (head.newest !== old.newest) this.#index.damaged.delete(kept.zone);
    if (isRemoved) this.#images.remove(kept.zone);
    if (isRemoved || head.newest !== old.newest || head.older !== old.older || head.source !== old.source)
      for (const { entry } of prune(kept)) removeValue(this.#folder, entry.fields);
    this.#tidying.afterWrite();
  }

  /** A change could not be written, and so none that waited behind it. */
  #givenUp(kept: KeptZone, places: readonly Place[]): void {
    kept.pending = kept.durable;
    for (const place of places) {
      const [map, number] =
        place.entry.type === EntryType.CONTENT
          ? [kept.contents, valueId(place)]
          : [kept.differences, place.entry.fields[OWN_FIELDS]!];
      if (map.get(number) === place) map.delete(number);
      removeValue(this.#folder, place.entry.fields);
    }
    kept.journalOctets = journalOf(kept).octets;
  }
}

function ignore(): void {}
