/** The catalog zones that are produced here (RFC 9432 §4): their members are the zones whose policies say so. */

import { messageOf } from '../../errors.js';
import type { Changes, ZoneView } from '../../image/changes/zone-view.js';
import type { Log } from '../../observe/log.js';
import { catalogChanges, type WantedMember } from '../../transfer/catalog/produced-catalog.js';

/** The place of a zone in a produced catalog, by its policy. */
export interface Membership {
  /** The catalog, as zoneKey() writes it. */
  readonly zone: string;
  readonly group: string | undefined;
  /** The catalog that the member is going to, as zoneKey() writes it. */
  readonly owner: string | undefined;
}

/** The parts of the server that produced catalogs need. */
interface ProducerParts {
  /** The keys of all zones that the server has, those that cannot be loaded among them. */
  readonly zones: () => Iterable<string>;
  /** undefined: the zone is no member. */
  readonly membershipOf: (zone: string) => Membership | undefined;
  /** Makes an empty catalog zone where there is none yet. */
  readonly open: (catalog: string) => Promise<void>;
  /** Stops serving a catalog zone that is not produced any more. */
  readonly close: (catalog: string) => Promise<void>;
  /** Changes a catalog zone. */
  readonly change: (catalog: string, make: (view: ZoneView) => Changes | undefined) => Promise<unknown>;
  readonly log: Log;
}

export class ProducedCatalogs {
  readonly #parts: ProducerParts;
  #catalogs: readonly string[] = [];
  #isWanted = false;
  #running: Promise<void> | undefined;
  #isClosed = false;

  constructor(parts: ProducerParts) {
    this.#parts = parts;
  }

  /** Produces these catalogs, as zoneKey() writes them. */
  async configure(catalogs: readonly string[]): Promise<void> {
    const gone = this.#catalogs.filter((catalog) => !catalogs.includes(catalog));
    this.#catalogs = catalogs;
    await this.#running;
    for (const catalog of gone) await this.#parts.close(catalog);
    await this.update();
  }

  /**
   * Brings the catalogs up to date; to be called when zones come or go, and when policies change. Calls that come meanwhile are done
   * together. Never throws.
   */
  update(): Promise<void> {
    this.#isWanted = true;
    this.#running ??= this.#run();
    return this.#running;
  }

  /** Fulfilled when nothing is under way any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    await Promise.resolve();
    while (this.#isWanted && !this.#isClosed) {
      this.#isWanted = false;
      const members = this.#members();
      for (const catalog of this.#catalogs) await this.#produce(catalog, members.get(catalog) ?? []);
    }
    this.#running = undefined;
  }

  #members(): Map<string, WantedMember[]> {
    const members = new Map<string, WantedMember[]>(this.#catalogs.map((catalog) => [catalog, []]));
    for (const zone of this.#parts.zones()) {
      const membership = this.#parts.membershipOf(zone);
      if (membership === undefined || zone === membership.zone) continue;
      const { group, owner } = membership;
      members.get(membership.zone)?.push({ zone, groups: group === undefined ? [] : [group], coo: owner });
    }
    return members;
  }

  async #produce(catalog: string, members: readonly WantedMember[]): Promise<void> {
    const { open, change, log } = this.#parts;
    try {
      await open(catalog);
      await change(catalog, (view) => catalogChanges(view, members));
    } catch (error) {
      log.error({ err: error, catalog }, `the catalog ${catalog} stays as it was: ${messageOf(error)}`);
    }
  }
}
