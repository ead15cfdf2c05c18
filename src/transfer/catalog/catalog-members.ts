/**
 * Reads the members of a catalog zone (RFC 9432) from its image. NOT here: properties that a later version or an
 * implementation of its own adds (§4.3.3 and records that no clause names): they are passed over (§5.1).
 */
import { counted } from '../../errors.js';
import { ImageRecords } from '../../image/changes/image-records.js';
import { Type } from '../../protocol/iana.js';
import { labelToText, nameKey, nameToText } from '../../protocol/name.js';
import { typeToText } from '../../protocol/rdata/table.js';

/** A member zone as its catalog has it. Plain data. */
export interface CatalogMember {
  /** The zone's name as nameKey() writes it. */
  readonly zone: string;
  /** The member's unique label in presentation format, in lower case (§4.1). */
  readonly label: string;
  /** Its groups (§4.3.2), each once, sorted. */
  readonly groups: readonly string[];
  /** The catalog that may take the zone over (§4.3.1), as nameKey() writes it. */
  readonly coo?: string | undefined;
}

/** The content of a catalog zone. */
export interface CatalogContent {
  /** The members by their zones; undefined: the catalog is broken, and nothing of it may be used (§5.1). */
  readonly members: ReadonlyMap<string, CatalogMember> | undefined;
  /** Why it is broken. The text names the record. */
  readonly fault?: string;
  /** Oddities that do not make the catalog broken, a line each; at most MAX_NOTES. */
  readonly notes: readonly string[];
}

/** The version of the schema that RFC 9432 describes (§4.2.1). */
export const SCHEMA_VERSION = '2';
/** Most members of one catalog. A guess: the largest hosts of zones have a few hundred thousand on a nameserver. */
const MAX_MEMBERS = 1_000_000;
/** Most groups of one member. A guess; further ones are passed over. */
const MAX_GROUPS = 16;
/** Most octets of a group's name: those of one character-string (RFC 1035 §3.3). */
const MAX_GROUP = 255;
/** Characters of a text that a message repeats. */
const SHOWN = 40;
/** Lines about oddities: enough to find the cause, whatever a hostile catalog holds. */
const MAX_NOTES = 20;

/** Labels between the apex and the owners of records: `zones`, the unique label, a property. */
const ZONES_DEPTH = 1;
const MEMBER_DEPTH = 2;
const PROPERTY_DEPTH = 3;

/** A member node in the making. */
interface MemberNode {
  readonly label: string;
  /** Targets of its PTR records. */
  readonly zones: string[];
  readonly groups: Set<string>;
  readonly coo: string[];
}

/** Says why the catalog is broken; never leaves this file. */
class BrokenCatalog extends Error {}

/**
 * The members of the catalog zone of `image`. A catalog is broken by each of these (§4.1, §4.2.1, §4.3.1): no version, several, or another
 * than 2; several PTR records at a member node or its `coo`; a zone at two member nodes; more than `limit` members.
 */
export function readCatalogMembers(image: Uint8Array, limit = MAX_MEMBERS): CatalogContent {
  const reader = new CatalogReader(new ImageRecords(image, false), limit);
  try {
    return { members: reader.read(), notes: reader.notes };
  } catch (error) {
    if (!(error instanceof BrokenCatalog)) throw error;
    return { members: undefined, fault: error.message, notes: reader.notes };
  }
}

class CatalogReader {
  readonly notes: string[] = [];
  readonly #zone: ImageRecords;
  readonly #limit: number;
  readonly #versions: string[] = [];
  readonly #nodes = new Map<string, MemberNode>();

  constructor(zone: ImageRecords, limit: number) {
    this.#zone = zone;
    this.#limit = limit;
  }

  read(): Map<string, CatalogMember> {
    const zone = this.#zone;
    while (zone.next()) {
      if (zone.depth === ZONES_DEPTH && this.#labelAt(ZONES_DEPTH) === 'version') this.#takeVersion();
      else if (zone.depth >= ZONES_DEPTH && this.#labelAt(ZONES_DEPTH) === 'zones') this.#takeBelowZones();
    }
    this.#checkVersion();
    return this.#members();
  }

  /** The label of the owner at this depth below the apex, in lower case. */
  #labelAt(depth: number): string {
    return labelToText(this.#zone.bytes, this.#zone.labelAt(depth)).toLowerCase();
  }

  #takeVersion(): void {
    this.#forEach(Type.TXT, (rdata) => this.#versions.push(textOf(rdata)));
  }

  #takeBelowZones(): void {
    const { depth } = this.#zone;
    if (depth === MEMBER_DEPTH) {
      const { zones } = this.#node();
      this.#forEach(Type.PTR, (rdata) => zones.push(nameKey(rdata)));
      return;
    }
    const property = depth === PROPERTY_DEPTH ? this.#labelAt(PROPERTY_DEPTH) : '';
    if (property === 'group') this.#takeGroups();
    else if (property === 'coo') this.#forEach(Type.PTR, (rdata) => this.#node().coo.push(nameKey(rdata)));
    else if (depth === ZONES_DEPTH || !this.#isExtension())
      this.#forEach(Type.PTR, () =>
        this.#note(`${this.#owner()} PTR is passed over: expected members at one label below zones`),
      );
  }

  /** Whether the owner is below `ext` of a member (§4.3.3). */
  #isExtension(): boolean {
    return this.#labelAt(PROPERTY_DEPTH) === 'ext';
  }

  /** Each is a TXT record; several make the zone a member of several groups. */
  #takeGroups(): void {
    const { groups } = this.#node();
    this.#forEach(Type.TXT, (rdata) => {
      const group = textOf(rdata);
      const length = Buffer.byteLength(group);
      if (length === 0 || length > MAX_GROUP)
        this.#note(`${this.#owner()} TXT has ${length} octets and is passed over: expected 1 to ${MAX_GROUP}`);
      else if (groups.size < MAX_GROUPS) groups.add(group);
      else this.#note(`${this.#owner()} TXT has more than ${MAX_GROUPS} groups: the others are passed over`);
    });
  }

  /** The member node of the owner, which is there or below it. */
  #node(): MemberNode {
    const label = this.#labelAt(MEMBER_DEPTH);
    let node = this.#nodes.get(label);
    if (node === undefined) {
      // A property without its member takes memory too.
      if (this.#nodes.size >= this.#limit)
        throw new BrokenCatalog(`${this.#owner()} is one member too many: expected at most ${this.#limit}`);
      node = { label, zones: [], groups: new Set(), coo: [] };
      this.#nodes.set(label, node);
    }
    return node;
  }

  /** Calls `take` with the RDATA of each of the owner's records of a type. */
  #forEach(type: number, take: (rdata: Uint8Array) => void): void {
    const { records } = this.#zone;
    for (let i = 0; i < records.count; i++) {
      if (records.type[i] !== type) continue;
      const at = records.at[i]!;
      take(records.rdata(i).subarray(at, at + records.length[i]!));
    }
  }

  #owner(): string {
    return nameToText(this.#zone.owner, this.#zone.ownerAt);
  }

  #note(line: string): void {
    if (this.notes.length < MAX_NOTES) this.notes.push(line);
  }

  #checkVersion(): void {
    const name = `version.${rooted(nameToText(this.#zone.apex))} TXT`;
    const [version] = this.#versions;
    const expected = `expected one record, with the text "${SCHEMA_VERSION}" (RFC 9432 §4.2.1)`;
    if (version === undefined) throw new BrokenCatalog(`found no ${name}: ${expected}`);
    if (this.#versions.length > 1)
      throw new BrokenCatalog(`found ${counted(this.#versions.length, 'record')} ${name}: ${expected}`);
    if (version !== SCHEMA_VERSION)
      throw new BrokenCatalog(`found ${name} with the text ${JSON.stringify(version.slice(0, SHOWN))}: ${expected}`);
  }

  #members(): Map<string, CatalogMember> {
    const members = new Map<string, CatalogMember>();
    const below = `zones.${rooted(nameToText(this.#zone.apex))}`;
    for (const { label, zones, groups, coo } of this.#nodes.values()) {
      const [zone] = zones;
      if (zone === undefined) {
        this.#note(`${label}.${below} has properties and no ${typeToText(Type.PTR)} record: it is passed over`);
        continue;
      }
      if (zones.length > 1)
        throw new BrokenCatalog(
          `found ${counted(zones.length, 'record')} ${label}.${below} PTR: expected one (RFC 9432 §4.1)`,
        );
      if (coo.length > 1)
        throw new BrokenCatalog(
          `found ${counted(coo.length, 'record')} coo.${label}.${below} PTR: expected one (RFC 9432 §4.3.1)`,
        );
      const other = members.get(zone);
      if (other !== undefined) {
        const both = `${other.label}.${below} PTR and ${label}.${below} PTR`;
        throw new BrokenCatalog(`found the member ${zone} at ${both}: expected each zone once (RFC 9432 §4.1)`);
      }
      members.set(zone, { zone, label, groups: [...groups].sort(), coo: coo[0] });
    }
    return members;
  }
}

/** The name behind a label and its dot; the root has no more of it. */
function rooted(apex: string): string {
  return apex === '.' ? '' : apex;
}

/** The character-strings of TXT RDATA as one text. */
function textOf(rdata: Uint8Array): string {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < rdata.length; at += 1 + rdata[at]!) parts.push(rdata.subarray(at + 1, at + 1 + rdata[at]!));
  return Buffer.concat(parts).toString('utf8');
}
