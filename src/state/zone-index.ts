/** The result of the ledger's entries: for each zone the newest entry about it, and the values that this entry may refer to. */
import { EntryType } from './entry.js';
import { headOf, type KeptZone, newZone, prune } from './kept-zone.js';
import type { Ledger } from './ledger.js';
import type { Place } from './ledger-files.js';
import { lossText } from './loss-text.js';
import { OWN_FIELDS, valueId, valueOctets } from './stored-value.js';
import { decodeFacts, NO_FACTS, PLAN_FLAG, type StoredFacts } from './zone-facts.js';

export class ZoneIndex {
  readonly zones = new Map<string, KeptZone>();
  /** Values of named tables, by `table NUL key`. */
  readonly values = new Map<string, Place>();
  /** The newest entry that says that something was lost, or that this is settled. */
  loss: Place | undefined;
  /** Images of small zones, by zone. */
  readonly images = new Map<string, Place>();
  /** Zones in which damage was found since a generation was stored last. */
  readonly damaged = new Set<string>();
  /** The largest number of a value. */
  lastId = 0;
  /** By zone, the entry before the newest that has facts. */
  readonly #before = new Map<string, Place>();

  /** Takes an entry of the ledger; they may come in any order. */
  take(place: Place): void {
    const { type, name, sequence, fields } = place.entry;
    const isNewer = (known: Place | undefined): boolean => known === undefined || sequence >= known.entry.sequence;
    if (type === EntryType.HEAD) {
      const kept = this.#zone(name);
      if (!isNewer(kept.place)) return;
      if (kept.place !== undefined) this.#before.set(name, kept.place);
      kept.place = place;
    } else if (type === EntryType.CONTENT || type === EntryType.DIFFERENCE) {
      const kept = this.#zone(name);
      this.lastId = Math.max(this.lastId, valueId(place));
      const [places, number] =
        type === EntryType.CONTENT ? [kept.contents, valueId(place)] : [kept.differences, fields[OWN_FIELDS]!];
      if (isNewer(places.get(number))) places.set(number, place);
    } else if (type === EntryType.TABLE) {
      if (isNewer(this.values.get(name))) this.values.set(name, place);
    } else if (type === EntryType.IMAGE) {
      if (isNewer(this.images.get(name))) this.images.set(name, place);
    } else if (type === EntryType.LOSS && isNewer(this.loss)) this.loss = place;
  }

  /** Works out the zones, once all entries are taken. `report` is told of facts that are damaged. */
  settle(ledger: Ledger, report: (text: string) => void): void {
    for (const kept of this.zones.values()) {
      const { zone, place } = kept;
      if (place === undefined) {
        this.zones.delete(zone);
        continue;
      }
      const { isRemoval } = place.entry;
      const head = headOf(place.entry);
      const facts = isRemoval ? NO_FACTS : this.#factsOf(zone, place, ledger, report);
      kept.durable = kept.pending = { head, facts, isRemoved: isRemoval };
      prune(kept);
      const from = head.newest?.number ?? 0;
      for (const [number, difference] of kept.differences)
        if (number > from && number <= head.last) kept.journalOctets += valueOctets(difference);
    }
    for (const zone of this.images.keys())
      if (this.zones.get(zone)?.durable.isRemoved ?? true) this.images.delete(zone);
    for (const [name, { entry }] of this.values) if (entry.isRemoval) this.values.delete(name);
    this.#before.clear();
  }

  /** The zones of which a change may be lost, and that were not stored again. */
  suspects(): KeptZone[] {
    return [...this.zones.values()].filter(({ durable }) => !durable.isRemoved && durable.head.isSuspect);
  }

  /**
   * The zones that may have lost a change. Each entry about a zone is complete, so a zone whose entry was made after all lost ones has lost
   * nothing; but the keys of a zone that is signed here are in other entries, which may be lost.
   */
  suspectsOf(lostUpTo: number): KeptZone[] {
    const isWhole = ({ place, durable: { facts } }: KeptZone): boolean =>
      place!.entry.sequence > lostUpTo && facts.flags[PLAN_FLAG] === undefined;
    return [...this.zones.values()].filter((kept) => !isWhole(kept));
  }

  lossText(): string {
    const suspects = this.suspects().map(({ zone }) => zone);
    const stored = [...this.zones.values()].filter(({ durable }) => !durable.isRemoved);
    return lossText(suspects, stored.length - suspects.length);
  }

  /** The entries that are of use. */
  live(): Place[] {
    const live = [...this.values.values(), ...this.images.values()];
    if (this.loss !== undefined) live.push(this.loss);
    for (const { durable, place, contents, differences } of this.zones.values()) {
      if (place !== undefined && !durable.isRemoved) live.push(place);
      live.push(...contents.values(), ...differences.values());
    }
    return live;
  }

  /** The zone's record; made when there is none. */
  #zone(name: string): KeptZone {
    let kept = this.zones.get(name);
    if (kept === undefined) {
      kept = newZone(name);
      this.zones.set(name, kept);
    }
    return kept;
  }

  #factsOf(zone: string, place: Place, ledger: Ledger, report: (text: string) => void): StoredFacts {
    const read = (from: Place | undefined): StoredFacts | undefined => {
      const payload = from && ledger.payload(from);
      return payload && decodeFacts(payload);
    };
    const facts = read(place);
    if (facts !== undefined) return facts;
    const aside = `what is there was copied to ${ledger.setAside(place)}`;
    report(`state ${ledger.pathOf(place)}: the timers of ${zone} are damaged, older ones are used; ${aside}`);
    return read(this.#before.get(zone)) ?? NO_FACTS;
  }
}
