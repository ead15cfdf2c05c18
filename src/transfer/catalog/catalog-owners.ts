/**
 * Decides which members of consumed catalogs are served, and what the newest versions of the catalogs change (RFC 9432 §5). Pure;
 * the time it takes grows with the number of members.
 *
 * One table is in force: for each member zone the catalog that owns it, with the member's label, groups and coo as they were
 * last seen there. A catalog that is broken, expired or not there yet counts as if it still had the members that it owns.
 */
import type { CatalogMember } from './catalog-members.js';

/** A member zone that is served, and the catalog that it came from, as nameKey() writes it. Plain data. */
export interface OwnedMember extends CatalogMember {
  readonly catalog: string;
}

/** A consumed catalog, as it is now. */
export interface CatalogVersion {
  /** As nameKey() writes it. */
  readonly catalog: string;
  /** By zone; undefined: it is broken, expired, or was never transferred, and changes nothing. */
  readonly members: ReadonlyMap<string, CatalogMember> | undefined;
  /** Whether somebody has accepted that many members go. */
  readonly isAccepted: boolean;
}

/** Why a version of a catalog waits: members that would go, of those that it owns. */
interface HeldVersion {
  readonly going: number;
  readonly owned: number;
}

/** The changes, and the table that is in force after them. Each zone is in one of the lists at most. */
export interface OwnerChanges {
  readonly owners: ReadonlyMap<string, OwnedMember>;
  readonly added: readonly OwnedMember[];
  /** They go, with all that is stored of them (§5.3). */
  readonly removed: readonly OwnedMember[];
  /** Their unique labels changed: all that is stored of them goes, and they come anew (§5.4). */
  readonly reset: readonly OwnedMember[];
  /** They have another catalog, or other groups, and keep their content (§4.3.1, §4.3.2). */
  readonly changed: readonly OwnedMember[];
  /** Versions that wait to be accepted, by catalog: nothing of them is in force. */
  readonly held: ReadonlyMap<string, HeldVersion>;
  /** Members that are not served because of other zones (§5.2), by catalog. */
  readonly clashes: ReadonlyMap<string, Clashes>;
}

/** The members of one catalog that are not served because of other zones. */
interface Clashes {
  count: number;
  /** A line each; at most MAX_LINES. */
  readonly lines: string[];
}

/** Fewer members may go without being asked about. A guess: as many as an operator removes by hand in one step. */
const FEW = 10;
/** Lines about the clashes of one catalog. */
const MAX_LINES = 20;

/** The table that is in force, and the catalogs as they are now. */
interface SettleParts {
  readonly owners: ReadonlyMap<string, OwnedMember>;
  /** In the order of the configuration: of two catalogs that bring a new zone at once, the first one gets it. */
  readonly catalogs: readonly CatalogVersion[];
  /** Whether a zone is configured here otherwise: as a file, a secondary or a catalog. It is never replaced (§5.2). */
  readonly isOurs: (zone: string) => boolean;
  /** Why a zone that is not served yet may not become a member; undefined: it may. */
  readonly refusal: (zone: string) => string | undefined;
}

/** The changes that the catalogs, as they are now, make to the table in force. Members of catalogs that are not given any more go. */
export function settleOwners(parts: SettleParts): OwnerChanges {
  const { owners, catalogs } = parts;
  const owned = ownedBy(owners);
  const held = new Map<string, HeldVersion>();
  // Each round but the last one finds another version that has to wait; the next one decides again without it.
  for (;;) {
    const inForce = new Map<string, ReadonlyMap<string, CatalogMember>>();
    for (const { catalog, members } of catalogs) {
      const isFrozen = members === undefined || held.has(catalog);
      inForce.set(catalog, isFrozen ? (owned.get(catalog) ?? new Map()) : members);
    }
    const lists = new Settlement(parts, inForce, new Set(held.keys())).run();
    const going = goingMembers(parts, inForce, lists);
    const before = held.size;
    for (const { catalog, isAccepted } of catalogs) {
      const count = going.get(catalog) ?? 0;
      const of = owned.get(catalog)?.size ?? 0;
      if (!isAccepted && count > FEW && count * 2 > of) held.set(catalog, { going: count, owned: of });
    }
    if (held.size === before) return { ...lists, held };
  }
}

/** The members by the catalogs that own them. */
function ownedBy(owners: ReadonlyMap<string, OwnedMember>): Map<string, Map<string, OwnedMember>> {
  const catalogs = new Map<string, Map<string, OwnedMember>>();
  for (const [zone, member] of owners) {
    const members = catalogs.get(member.catalog) ?? new Map<string, OwnedMember>();
    members.set(zone, member);
    catalogs.set(member.catalog, members);
  }
  return catalogs;
}

/**
 * The number of members, by catalog, that lose their stored content because of their own catalog: it dropped them, or gave them another
 * label. The latter counts too, as such a zone is not answered until it is transferred again.
 */
function goingMembers(
  { owners, isOurs }: SettleParts,
  inForce: ReadonlyMap<string, ReadonlyMap<string, CatalogMember>>,
  { removed, reset }: Lists,
): Map<string, number> {
  const going = new Map<string, number>();
  const count = (catalog: string): void => void going.set(catalog, (going.get(catalog) ?? 0) + 1);
  for (const { zone, catalog } of removed) if (!isOurs(zone)) count(catalog);
  for (const { zone, catalog } of reset) {
    const before = owners.get(zone)?.catalog;
    if (before !== undefined && (before === catalog || inForce.get(before)?.has(zone) !== true)) count(before);
  }
  return going;
}

type Lists = Omit<OwnerChanges, 'held'>;

/** Decides on each zone once. */
class Settlement {
  readonly #parts: SettleParts;
  /** The members of each catalog that count. */
  readonly #catalogs: ReadonlyMap<string, ReadonlyMap<string, CatalogMember>>;
  /** Catalogs whose versions wait: their members stay theirs. */
  readonly #held: ReadonlySet<string>;
  readonly #owners = new Map<string, OwnedMember>();
  readonly #added: OwnedMember[] = [];
  readonly #removed: OwnedMember[] = [];
  readonly #reset: OwnedMember[] = [];
  readonly #changed: OwnedMember[] = [];
  readonly #clashes = new Map<string, Clashes>();

  constructor(
    parts: SettleParts,
    catalogs: ReadonlyMap<string, ReadonlyMap<string, CatalogMember>>,
    held: ReadonlySet<string>,
  ) {
    this.#parts = parts;
    this.#catalogs = catalogs;
    this.#held = held;
  }

  run(): Lists {
    for (const member of this.#parts.owners.values()) this.#settle(member);
    for (const [catalog, members] of this.#catalogs) for (const member of members.values()) this.#take(catalog, member);
    return {
      owners: this.#owners,
      added: this.#added,
      removed: this.#removed,
      reset: this.#reset,
      changed: this.#changed,
      clashes: this.#clashes,
    };
  }

  /** Decides about a zone that has an owner. */
  #settle(member: OwnedMember): void {
    const { zone } = member;
    if (this.#parts.isOurs(zone)) {
      this.#removed.push(member);
      return;
    }
    const owner = this.#follow(member);
    const newer = owner === undefined ? undefined : this.#catalogs.get(owner)?.get(zone);
    if (owner === undefined || newer === undefined) {
      const heir = this.#firstWith(zone);
      // A catalog that has it, but was not named as its next owner, gets it anew.
      if (heir === undefined) this.#removed.push(member);
      else this.#keep(heir, this.#reset);
      return;
    }
    const after: OwnedMember = { ...newer, catalog: owner };
    if (newer.label !== member.label) this.#keep(after, this.#reset);
    else if (owner !== member.catalog || !isSameList(newer.groups, member.groups)) this.#keep(after, this.#changed);
    else this.#owners.set(zone, after);
  }

  /**
   * The catalog that the zone belongs to now: the owner, or the one that its coo leads to, if that has the zone. Changes of
   * owner that lead in a circle do not count. undefined: no catalog that may have the zone has it.
   */
  #follow({ zone, catalog, coo }: OwnedMember): string | undefined {
    const own = this.#catalogs.get(catalog)?.get(zone);
    const seen = new Set([catalog]);
    let owner = own === undefined ? undefined : catalog;
    // An owner that has dropped the zone agreed to the catalog that it named last: its coo still holds.
    let next = own === undefined ? coo : own.coo;
    while (next !== undefined && (owner === undefined || !this.#held.has(owner))) {
      if (seen.has(next)) return own === undefined ? undefined : catalog;
      seen.add(next);
      const member = this.#catalogs.get(next)?.get(zone);
      if (member === undefined) break;
      owner = next;
      next = member.coo;
    }
    return owner;
  }

  #firstWith(zone: string): OwnedMember | undefined {
    for (const [catalog, members] of this.#catalogs) {
      const member = members.get(zone);
      if (member !== undefined) return this.#finally({ ...member, catalog });
    }
    return undefined;
  }

  /** A member that is new here, in the form of the catalog that its coo leads to. */
  #finally(member: OwnedMember): OwnedMember {
    const catalog = this.#follow(member) ?? member.catalog;
    return { ...(this.#catalogs.get(catalog)?.get(member.zone) ?? member), catalog };
  }

  /** Takes a member that has no owner yet, or says why not. */
  #take(catalog: string, member: CatalogMember): void {
    const { zone } = member;
    const owner = this.#owners.get(zone)?.catalog;
    // A catalog that has named the owner as the next one may drop the member now.
    if (owner === catalog || (owner !== undefined && owner === member.coo)) return;
    const refusal = owner === undefined ? this.#parts.refusal(zone) : undefined;
    if (owner !== undefined) this.#clash(catalog, `${zone} is a member of ${owner}, which keeps it`);
    else if (this.#parts.isOurs(zone)) this.#clash(catalog, `${zone} is configured here: that zone stays`);
    else if (refusal !== undefined) this.#clash(catalog, `${zone} is not served: ${refusal}`);
    else this.#keep(this.#finally({ ...member, catalog }), this.#added);
  }

  #keep(member: OwnedMember, list: OwnedMember[]): void {
    this.#owners.set(member.zone, member);
    list.push(member);
  }

  #clash(catalog: string, line: string): void {
    let clashes = this.#clashes.get(catalog);
    if (clashes === undefined) this.#clashes.set(catalog, (clashes = { count: 0, lines: [] }));
    clashes.count++;
    if (clashes.lines.length < MAX_LINES) clashes.lines.push(line);
  }
}

function isSameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((text, index) => text === other[index]);
}
