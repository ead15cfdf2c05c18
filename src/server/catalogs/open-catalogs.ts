/** The catalog zones of a server: those that it consumes, and those that it produces. */
import type { Config } from '../../config/schema.js';
import type { Log } from '../../observe/log.js';
import { zoneKey } from '../../protocol/name.js';
import type { Clock } from '../../session/clock.js';
import type { OwnedMember } from '../../transfer/catalog/catalog-owners.js';
import { producedCatalog } from '../../transfer/catalog/produced-catalog.js';
import { zonePolicyOf } from '../zone-policy.js';
import type { ZoneKeeper } from '../zones/zone-keeper.js';
import { type CatalogStatus, ConsumedCatalogs, type MemberTable, type MemberZones } from './consumed-catalogs.js';
import { isOwnZone, memberRefusal } from './member-refusal.js';
import { ProducedCatalogs } from './produced-catalogs.js';

interface CatalogsParts {
  readonly keeper: ZoneKeeper;
  /** The secondary zones of the server. */
  readonly secondaries: MemberZones;
  readonly table: MemberTable;
  /**
   * Puts the policies for the groups of these members in force; fulfilled with the new configuration, or with undefined when no zone gets
   * another policy. Never rejects.
   */
  readonly follow: (members: readonly OwnedMember[]) => Promise<Config | undefined>;
  readonly clock: Pick<Clock, 'seconds'>;
  readonly log: Log;
}

export class Catalogs {
  readonly #parts: CatalogsParts;
  readonly #consumed: ConsumedCatalogs;
  readonly #produced: ProducedCatalogs;
  #policyOf: ReturnType<typeof zonePolicyOf>;
  /** Keys of the zones that the configuration names as secondaries or consumed catalogs. */
  #configured: ReadonlySet<string> = new Set();
  #catalogs: ReadonlySet<string> = new Set();
  /** Zones that were there when the produced catalogs were last brought up to date. */
  #known = new Set<string>();

  constructor(config: Config, parts: CatalogsParts) {
    const { keeper, secondaries: zones, table, log } = parts;
    this.#parts = parts;
    this.#policyOf = zonePolicyOf(config);
    this.#consumed = new ConsumedCatalogs({
      servedCatalog(zone) {
        const kept = keeper.get(zone);
        return kept?.state === 'served' && kept.image ? { image: kept.image, serial: kept.serial } : undefined;
      },
      isOurs: (zone) => this.#configured.has(zone) || isOwnZone(keeper, zone),
      refusal: (zone) => memberRefusal(keeper, zone, (other) => this.#consumed.members.has(other)),
      zones,
      table,
      follow: async (members) => {
        const next = await parts.follow(members);
        if (next === undefined) return;
        this.#policyOf = zonePolicyOf(next);
        void this.#produced.update();
      },
      log,
    });
    this.#produced = new ProducedCatalogs({
      zones: () => this.#memberCandidates(),
      membershipOf: (zone) => this.#policyOf(zone).catalog,
      open: (catalog) => this.#open(catalog),
      close: (catalog) => keeper.withdraw(catalog),
      change: (catalog, make) => keeper.change(catalog, make),
      log,
    });
    keeper.onPublished((zone) => {
      if (this.#catalogs.has(zone)) void this.#consumed.settle();
      else if (!this.#known.has(zone)) this.zonesChanged();
    });
  }

  /** Follows a configuration. Members that were in force are served at once. Never rejects. */
  async configure(config: Config): Promise<void> {
    const { secondary, catalogs, policies } = config.zones;
    const followed = catalogs.map(({ zone, from }) => ({ zone: zoneKey(zone), from }));
    this.#policyOf = zonePolicyOf(config);
    this.#catalogs = new Set(followed.map(({ zone }) => zone));
    this.#configured = new Set([...secondary.flatMap(({ zones }) => zones.map(zoneKey)), ...this.#catalogs]);
    await this.#consumed.configure(followed);
    await this.#withdrawOrphans();
    await this.#produced.configure([...new Set(policies.flatMap(({ catalog }) => catalog ?? []).map(zoneKey))]);
  }

  /** To be called when zones have come or gone. */
  zonesChanged(): void {
    void this.#consumed.settle();
    void this.#produced.update();
  }

  /** Lets members go that are no longer in their consumed catalog. Returns false when none of them waits for that. */
  accept(zone: string): Promise<boolean> {
    return this.#consumed.accept(zone);
  }

  /** The consumed catalogs. */
  followed(): CatalogStatus[] {
    return this.#consumed.status();
  }

  /** A line for each consumed catalog that is not followed. */
  get problems(): string[] {
    return this.#consumed.problems;
  }

  async close(): Promise<void> {
    await this.#consumed.close();
    await this.#produced.close();
  }

  /** The zones that may be members of produced catalogs. */
  #memberCandidates(): Iterable<string> {
    const zones = [...this.#parts.keeper.all()].filter(({ role }) => role === 'file' || role === 'secondary');
    this.#known = new Set(zones.map(({ zone }) => zone));
    return this.#known;
  }

  /** Stops serving zones that the state had, and that no catalog has brought. */
  async #withdrawOrphans(): Promise<void> {
    const { keeper } = this.#parts;
    const { members } = this.#consumed;
    const orphans = [...keeper.all()].filter(
      ({ zone, role }) => role === 'secondary' && !this.#configured.has(zone) && !members.has(zone),
    );
    await Promise.all(orphans.map(({ zone }) => keeper.withdraw(zone)));
  }

  /** Makes a catalog zone without members, if there is none. */
  async #open(catalog: string): Promise<void> {
    const { keeper, clock } = this.#parts;
    keeper.declare(catalog, 'catalog-produced');
    // The version that is stored, if there is one, is read first: made anew, its serial could go back.
    await keeper.settled(catalog);
    if (keeper.get(catalog)?.image !== undefined) return;
    // Later than any serial that it had before its state was lost.
    const serial = clock.seconds() >>> 0;
    const image = producedCatalog(catalog, serial);
    await keeper.adopt(catalog, { image, differences: undefined, sourceSerial: serial });
  }
}
