/**
 * The catalog zones that are consumed (RFC 9432 §5): their members become secondary zones. The members in force are stored before new ones
 * are served, so that they survive restarts. A catalog that cannot be read changes nothing.
 */
import { counted, messageOf } from '../../errors.js';
import type { Log } from '../../observe/log.js';
import { type CatalogContent, readCatalogMembers } from '../../transfer/catalog/catalog-members.js';
import {
  type CatalogVersion,
  type OwnedMember,
  type OwnerChanges,
  settleOwners,
} from '../../transfer/catalog/catalog-owners.js';

/** A consumed catalog, as configured. */
interface ConsumedCatalog {
  /** As zoneKey() writes it. */
  readonly zone: string;
  /** Names of remotes: the primaries of the catalog and of its members. */
  readonly from: readonly string[];
}

/** The version of a catalog zone that is served. */
interface ServedCatalog {
  readonly image: Uint8Array;
  readonly serial: number;
}

/** A member, and the primaries that it is transferred from. */
export interface MemberZone extends OwnedMember {
  readonly from: readonly string[];
}

/** The secondary zones that members are. */
export interface MemberZones {
  /** Stops serving these zones, and removes their stored data. */
  remove(zones: readonly string[]): Promise<void>;
  /** Serves these zones from their primaries; those that are served already keep their content. */
  put(members: readonly MemberZone[]): void;
}

/** The store of the members in force. */
export interface MemberTable {
  read(): readonly OwnedMember[];
  /** Fulfilled when it is durable. */
  write(put: readonly OwnedMember[], gone: readonly string[]): Promise<void>;
}

/** The parts of the server that consumed catalogs need. */
interface ConsumerParts {
  /** undefined: the catalog was never transferred, or it has expired. */
  readonly servedCatalog: (zone: string) => ServedCatalog | undefined;
  /** Whether a zone is configured otherwise: as a file, a secondary or a catalog. */
  readonly isOurs: (zone: string) => boolean;
  /** Why a zone may not become a member; undefined: it may. */
  readonly refusal: (zone: string) => string | undefined;
  readonly zones: MemberZones;
  readonly table: MemberTable;
  /** Puts policies for groups in force, before these members are served. Never rejects. */
  readonly follow: (members: readonly OwnedMember[]) => Promise<void>;
  readonly log: Log;
}

/** Plain data. */
export interface CatalogStatus {
  /** As zoneKey() writes it. */
  readonly zone: string;
  /**
   * `waiting`: most members would go, and nobody has accepted that. `broken`: it cannot be read. `absent`: it was never transferred,
   * or it has expired. In these states nothing changes.
   */
  readonly state: 'followed' | 'waiting' | 'broken' | 'absent';
  /** Of the version that is served. */
  readonly serial: number | undefined;
  /** Members that are served. */
  readonly members: number;
  /** Members that would go; 0 unless it waits. */
  readonly going: number;
  /** Members that are not served because of other zones. */
  readonly clashes: number;
  /** Why it is broken, members that are not served because of other zones, and oddities; a limited number of lines. */
  readonly lines: readonly string[];
}

/** Names of zones in one line of the log. */
const NAMED = 10;

/** A catalog, and the content that was last read of it. */
interface Reading {
  readonly served: ServedCatalog;
  readonly content: CatalogContent;
}

export class ConsumedCatalogs {
  readonly #parts: ConsumerParts;
  #catalogs: readonly ConsumedCatalog[] = [];
  readonly #readings = new Map<string, Reading>();
  /** The members in force. */
  #owners: ReadonlyMap<string, OwnedMember>;
  /** Catalogs whose version with this serial was accepted. */
  readonly #accepted = new Map<string, number>();
  #changes: OwnerChanges | undefined;
  /** The last line of the log about each catalog, which is not repeated. */
  readonly #said = new Map<string, string>();
  #isWanted = false;
  #running: Promise<void> | undefined;
  #isClosed = false;

  constructor(parts: ConsumerParts) {
    this.#parts = parts;
    this.#owners = new Map(parts.table.read().map((member) => [member.zone, member]));
  }

  /** The members that are in force, by zone. */
  get members(): ReadonlyMap<string, OwnedMember> {
    return this.#owners;
  }

  /**
   * Follows these catalogs, in this order. Members that are in force are served at once, before any catalog is read. Fulfilled when the
   * present content of the catalogs is in force.
   */
  configure(catalogs: readonly ConsumedCatalog[]): Promise<void> {
    const before = new Map(this.#catalogs.map(({ zone, from }) => [zone, from.join()]));
    this.#catalogs = catalogs;
    const moved = catalogs.filter(({ zone, from }) => before.get(zone) !== from.join());
    const zones = new Set(moved.map(({ zone }) => zone));
    this.#put([...this.#owners.values()].filter(({ catalog }) => zones.has(catalog)));
    return this.settle();
  }

  /**
   * Puts the present content of the catalogs in force. To be called when a catalog has changed or expired, and when other zones come or go.
   */
  settle(): Promise<void> {
    this.#isWanted = true;
    this.#running ??= this.#run();
    return this.#running;
  }

  /** Lets members go that are no longer in this catalog. Returns false when none of them waits for that. */
  async accept(zone: string): Promise<boolean> {
    await this.#running;
    const served = this.#parts.servedCatalog(zone);
    if (served === undefined || !this.#changes?.held.has(zone)) return false;
    this.#accepted.set(zone, served.serial);
    await this.settle();
    return true;
  }

  status(): CatalogStatus[] {
    const counts = new Map<string, number>();
    for (const { catalog } of this.#owners.values()) counts.set(catalog, (counts.get(catalog) ?? 0) + 1);
    return this.#catalogs.map(({ zone }) => this.#statusOf(zone, counts.get(zone) ?? 0));
  }

  /** A line for each catalog that is broken, or waits. */
  get problems(): string[] {
    return this.status().flatMap((status) => (isTrouble(status) ? catalogText(status) : []));
  }

  /** Fulfilled when nothing is under way any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    // Others that change something at the same time are heard first.
    await Promise.resolve();
    while (this.#isWanted && !this.#isClosed) {
      this.#isWanted = false;
      try {
        await this.#apply();
      } catch (error) {
        this.#parts.log.error({ err: error }, `catalogs: nothing changes: ${messageOf(error)}`);
      }
    }
    this.#running = undefined;
  }

  async #apply(): Promise<void> {
    const { zones, table, isOurs, refusal } = this.#parts;
    const versions = this.#catalogs.map(({ zone }) => this.#versionOf(zone));
    const changes = settleOwners({ owners: this.#owners, catalogs: versions, isOurs, refusal });
    const { owners, added, removed, reset, changed } = changes;
    const gone = [...removed, ...reset].map(({ zone }) => zone);
    // A crash in between leaves members that are removed once more, or come anew: never one that is served and not in the table.
    if (gone.length > 0) await zones.remove(gone);
    const put = [...owners.values()].filter((member) => this.#owners.get(member.zone) !== member);
    if (put.length + removed.length > 0)
      await table.write(
        put,
        removed.map(({ zone }) => zone),
      );
    this.#owners = owners;
    this.#changes = changes;
    await this.#parts.follow([...owners.values()]);
    this.#put([...added, ...reset, ...changed]);
    this.#report(changes);
  }

  #put(members: readonly OwnedMember[]): void {
    const primaries = new Map(this.#catalogs.map(({ zone, from }) => [zone, from]));
    const zones = members.flatMap((member) => {
      const from = primaries.get(member.catalog);
      return from === undefined ? [] : [{ ...member, from }];
    });
    if (zones.length > 0) this.#parts.zones.put(zones);
  }

  /** Reads a catalog, if it is another version than the last time. */
  #versionOf(zone: string): CatalogVersion {
    const served = this.#parts.servedCatalog(zone);
    if (served === undefined) return { catalog: zone, members: undefined, isAccepted: false };
    const { image, serial } = served;
    let reading = this.#readings.get(zone);
    if (reading === undefined || reading.served.image !== image) {
      reading = { served, content: readCatalogMembers(image) };
      this.#readings.set(zone, reading);
    }
    return { catalog: zone, members: reading.content.members, isAccepted: this.#accepted.get(zone) === serial };
  }

  #statusOf(zone: string, members: number): CatalogStatus {
    const served = this.#parts.servedCatalog(zone);
    const content = served && this.#readings.get(zone)?.content;
    const held = this.#changes?.held.get(zone);
    const broken = content !== undefined && content.members === undefined;
    const state = content === undefined ? 'absent' : broken ? 'broken' : held !== undefined ? 'waiting' : 'followed';
    const clashes = this.#changes?.clashes.get(zone);
    return {
      zone,
      state,
      serial: served?.serial,
      members,
      going: held?.going ?? 0,
      clashes: clashes?.count ?? 0,
      lines: [
        ...(content?.fault === undefined ? [] : [content.fault]),
        ...(clashes?.lines ?? []),
        ...(content?.notes ?? []),
      ],
    };
  }

  /** Logs the changes, and the reasons why a catalog is not followed. */
  #report(changes: OwnerChanges): void {
    const { log } = this.#parts;
    const words = [
      ['added', changes.added],
      ['removed', changes.removed],
      ['reset', changes.reset],
      ['changed', changes.changed],
    ] as const;
    for (const [word, members] of words) {
      if (members.length === 0) continue;
      const names = members.slice(0, NAMED).map(({ zone }) => zone);
      const others = members.length > NAMED ? ` and ${members.length - NAMED} others` : '';
      const text = `catalogs: ${counted(members.length, 'member')} ${word}: ${names.join(', ')}${others}`;
      log.info({ [word]: members.length }, text);
    }
    for (const status of this.status()) this.#reportCatalog(status);
  }

  #reportCatalog(status: CatalogStatus): void {
    const { log } = this.#parts;
    const { zone, going, clashes } = status;
    const text = catalogText(status);
    if ((this.#said.get(zone) ?? '') === text) return;
    this.#said.set(zone, text);
    if (isTrouble(status)) log.error({ catalog: zone, going }, text);
    else if (text !== '') log.warn({ catalog: zone, clashes }, text);
  }
}

function isTrouble({ state }: CatalogStatus): boolean {
  return state === 'waiting' || state === 'broken';
}

/** Why a catalog is not followed, or the oddities in it; empty: it is followed, and nothing is odd. */
function catalogText({ zone, state, going, members, lines }: CatalogStatus): string {
  if (state === 'waiting') {
    const lost = `the catalog ${zone} has lost ${going} of its ${members} members: nothing changes until somebody accepts that`;
    return `${lost}; adotd ctl catalog accept ${zone} lets them go`;
  }
  if (state === 'broken') return `the catalog ${zone} is broken, and nothing changes: ${lines[0]}`;
  return lines.length === 0 ? '' : `the catalog ${zone}: ${lines.join('; ')}`;
}
