/**
 * The records of a catalog zone that is produced here (RFC 9432 §4), and their changes when the members change. Labels stay as long as
 * their members do: the zone itself keeps them. A new label is made of the zone's name, so that a server that lost its state does not make
 * all consumers drop and transfer everything.
 */
import { createHash } from 'node:crypto';
import { AdotdError, ErrorCode } from '../../errors.js';
import type { Changes, ZoneView } from '../../image/changes/zone-view.js';
import { load } from '../../image/load.js';
import { base32hexToText } from '../../protocol/base32hex.js';
import { Type } from '../../protocol/iana.js';
import { labelCount, labelToText, nameFromText, nameKey } from '../../protocol/name.js';
import { type RunRecord, runOf } from '../../zone/changes/record-run.js';
import { type CatalogMember, SCHEMA_VERSION } from './catalog-members.js';

/** A zone that a catalog should have. */
export interface WantedMember extends Omit<CatalogMember, 'label'> {
  /** The label wanted, such as that of another catalog: the same one lets consumers keep its content (§4.3.1). */
  readonly label?: string | undefined;
}

/** TTLs have no meaning in a catalog (§4.1). */
const TTL = 0;
/** Labels between the apex and member nodes. */
const MEMBER_DEPTH = 2;
/** Octets of a hash that make a label: 128 bits, 26 characters. */
const LABEL_OCTETS = 16;
/** Seconds: EXPIRE of a produced catalog. A guess: a consumer may be away for four weeks and goes on where it was. */
const CATALOG_EXPIRE = 2_419_200;

/** The image of the catalog zone `apex` (presentation format) without members. */
export function producedCatalog(apex: string, serial: number): Uint8Array {
  const soa = `invalid. invalid. ${serial} 3600 600 ${CATALOG_EXPIRE} ${TTL}`;
  const text = `$TTL ${TTL}\n@ SOA ${soa}\n@ NS invalid.\nversion TXT "${SCHEMA_VERSION}"\n`;
  const source = { file: apex, bytes: Buffer.from(text), origin: nameFromText(apex) };
  const { image, diagnostics } = load(source, { now: 0 });
  if (image === undefined)
    throw new AdotdError(ErrorCode.ZONE_INVALID, `the catalog ${apex}: ${diagnostics.list[0]?.message}`);
  return image;
}

/** The changes that give a catalog zone these members and no others; undefined: none are needed. */
export function catalogChanges(view: ZoneView, members: readonly WantedMember[]): Changes | undefined {
  const present = presentRecords(view);
  const labels = labelled(presentLabels(view.apex, present.values()), members);
  const added: RunRecord[] = [];
  for (const record of wantedRecords(view.apex, labels)) if (!present.delete(keyOf(record))) added.push(record);
  if (present.size + added.length === 0) return undefined;
  return { removed: runOf([...present.values()]), added: runOf(added) };
}

/** The records below the apex, but for those of DNSSEC, by their keys. */
function presentRecords(view: ZoneView): Map<string, RunRecord> {
  const present = new Map<string, RunRecord>();
  for (const owner of view.namesBelow(view.apex))
    for (const type of view.types(owner)) {
      if (type === Type.RRSIG || type === Type.NSEC) continue;
      for (const { ttl, rdata } of view.rrset(owner, type)) {
        const record = { owner, type, ttl, rdata };
        present.set(keyOf(record), record);
      }
    }
  return present;
}

/** The labels of members by their zones. */
function presentLabels(apex: Uint8Array, records: Iterable<RunRecord>): Map<string, string> {
  const labels = new Map<string, string>();
  const depth = labelCount(apex) + MEMBER_DEPTH;
  for (const { owner, type, rdata } of records) {
    if (type !== Type.PTR || labelCount(owner) !== depth || !isBelowZones(owner)) continue;
    labels.set(nameKey(rdata), labelToText(owner, 0).toLowerCase());
  }
  return labels;
}

/** Whether the second label is `zones`. */
function isBelowZones(owner: Uint8Array): boolean {
  return labelToText(owner, 1 + owner[0]!).toLowerCase() === 'zones';
}

/** The key of a record. Letter case does not count in the owner, nor in RDATA that is a name. */
function keyOf({ owner, type, rdata }: RunRecord): string {
  const content = type === Type.PTR ? nameKey(rdata) : Buffer.from(rdata).toString('base64');
  return `${nameKey(owner)} ${type} ${content}`;
}

/** `members`: by their labels. */
function* wantedRecords(apex: Uint8Array, members: ReadonlyMap<string, WantedMember>): Generator<RunRecord, void> {
  const record = (name: string, type: number, rdata: Uint8Array): RunRecord => ({
    owner: nameFromText(name, apex),
    type,
    ttl: TTL,
    rdata,
  });
  yield record('version', Type.TXT, textRdata(SCHEMA_VERSION));
  for (const [label, { zone, groups, coo }] of members) {
    const node = `${label}.zones`;
    yield record(node, Type.PTR, nameFromText(zone));
    for (const group of groups) yield record(`group.${node}`, Type.TXT, textRdata(group));
    if (coo !== undefined) yield record(`coo.${node}`, Type.PTR, nameFromText(coo));
  }
}

function textRdata(text: string): Uint8Array {
  const octets = Buffer.from(text, 'utf8');
  return Uint8Array.of(octets.length, ...octets);
}

/** The members by their labels: those that have one keep it. `present`: the labels by zone. */
function labelled(present: ReadonlyMap<string, string>, members: readonly WantedMember[]): Map<string, WantedMember> {
  const labels = new Map<string, WantedMember>();
  const without: WantedMember[] = [];
  for (const member of members) {
    const label = present.get(member.zone);
    if (label === undefined) without.push(member);
    else labels.set(label, member);
  }
  for (const member of without) labels.set(newLabel(member, labels), member);
  return labels;
}

/** A label that is free: the one wanted, or one made of the zone's name. */
function newLabel({ zone, label }: WantedMember, taken: ReadonlyMap<string, unknown>): string {
  if (label !== undefined && !taken.has(label)) return label;
  for (let attempt = 0; ; attempt++) {
    const hash = createHash('sha256')
      .update(attempt === 0 ? zone : `${zone} ${attempt}`)
      .digest();
    const made = base32hexToText(hash, 0, LABEL_OCTETS).toLowerCase();
    if (!taken.has(made)) return made;
  }
}
