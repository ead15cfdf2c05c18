/** The update section (RFC 2136 §2.5, §3.3 and §3.4), with the rules for CNAME and DNAME of RFC 2181 §10.1 and RFC 6672 §5.2. */
import type { PendingView } from '../../image/changes/pending-view.js';
import { rdataKey } from '../../image/changes/record-keys.js';
import { isApex, type ZoneView } from '../../image/changes/zone-view.js';
import { Class, Rcode, Type } from '../../protocol/iana.js';
import { labelCount, nameToText, suffixAt } from '../../protocol/name.js';
import { readU32 } from '../../protocol/octets.js';
import { isMetaType, typeToText } from '../../protocol/rdata/table.js';
import { isLaterSerial } from '../../protocol/serial.js';
import { goesWithCname } from '../../zone/check-names.js';
import { describe, type Refusal } from './refusal.js';
import type { UpdateRecord } from './update-message.js';
import { isReserved, type Permissions } from './update-policy.js';

/** A TTL with the highest bit set counts as 0 (RFC 2181 §8). */
const MAX_TTL = 0x7fffffff;
/** Octets from the serial to the end of SOA RDATA (RFC 1035 §3.3.13). */
const SOA_SERIAL = 20;
/** RFC 1035 §3.4.2; its RDATA begins with an address and a protocol, in five octets. */
const WKS = 11;
const WKS_KEY = 5;

/** Whether the client may make all changes (§3.3), and whether they are well formed (§3.4.1). Undefined: both. */
export function judgeChanges(
  view: ZoneView,
  changes: readonly UpdateRecord[],
  permissions: Permissions,
): Refusal | undefined {
  let malformed: Refusal | undefined;
  for (const change of changes) {
    const mistake = mistakeIn(change, view);
    if (mistake === undefined && !isAllowed(view, change, permissions))
      return { rcode: Rcode.REFUSED, reason: refusedText(change) };
    malformed ??= mistake;
  }
  return malformed;
}

function refusedText(change: UpdateRecord): string {
  if (isReserved(change.type))
    return `the server makes what has type ${typeToText(change.type)}; UPDATE does not change it`;
  return `the policy does not let this client change ${describe(change)}`;
}

/** §3.4.1.3. */
function mistakeIn({ owner, type, class: classNumber, ttl, rdata }: UpdateRecord, view: ZoneView): Refusal | undefined {
  const malformed = (reason: string): Refusal => ({
    rcode: Rcode.FORMERR,
    reason: `change of ${describe({ owner, type })} ${reason}`,
  });
  if (suffixAt(owner, 0, view.apex, labelCount(view.apex)) < 0)
    return { rcode: Rcode.NOTZONE, reason: `change: ${nameToText(owner)} is not in ${nameToText(view.apex)}` };
  const isMeta = isMetaType(type);
  if (classNumber === Class.IN) return isMeta ? malformed('has a type that no record has') : undefined;
  if (classNumber !== Class.ANY && classNumber !== Class.NONE)
    return malformed(`has class ${classNumber}, expected IN, ANY or NONE`);
  if (ttl !== 0) return malformed(`has TTL ${ttl}, expected 0`);
  if (classNumber === Class.ANY && rdata.length > 0) return malformed('has RDATA, expected none');
  if (isMeta && (classNumber === Class.NONE || type !== Type.ANY)) return malformed('has a type that no record has');
  return undefined;
}

function isAllowed(view: ZoneView, change: UpdateRecord, permissions: Permissions): boolean {
  const { owner, type } = change;
  if (type !== Type.ANY) return permissions.allows(owner, type);
  return permissions.allowsName(owner) && deletable(view, owner).every((one) => permissions.allows(owner, one));
}

/** The types at a name that "delete all RRsets" deletes: not SOA and NS at the apex (§3.4.2.3), and not the server's own. */
function deletable(view: ZoneView, owner: Uint8Array): number[] {
  const isGuarded = isApex(view, owner);
  return view
    .types(owner)
    .filter((type) => !isReserved(type) && !(isGuarded && (type === Type.SOA || type === Type.NS)));
}

/** Makes the changes, which judgeChanges() has accepted, one after the other (§3.4.2). Some have no effect. */
export function makeChanges(view: PendingView, changes: readonly UpdateRecord[]): void {
  for (const change of changes) {
    if (change.class === Class.IN) add(view, change);
    else if (change.class === Class.NONE) removeRecord(view, change);
    else if (change.type === Type.ANY)
      for (const type of deletable(view, change.owner)) view.removeRrset(change.owner, type);
    else if (!isGuarded(view, change)) view.removeRrset(change.owner, change.type);
  }
}

/** §3.4.2.3: these RRsets of the apex are not deleted. */
function isGuarded(view: ZoneView, { owner, type }: UpdateRecord): boolean {
  return (type === Type.SOA || type === Type.NS) && isApex(view, owner);
}

/** §3.4.2.2. */
function add(view: PendingView, { owner, type, ttl, rdata }: UpdateRecord): void {
  const types = view.types(owner);
  if (type === Type.CNAME && !types.every(goesWithCname)) return;
  if (types.includes(Type.CNAME) && !goesWithCname(type)) return;
  if (type === Type.SOA && !isNewer(view, owner, rdata)) return;
  if (type === Type.CNAME || type === Type.DNAME || type === Type.SOA) view.removeRrset(owner, type);
  if (type === WKS) removeSameService(view, owner, rdata);
  view.add(owner, type, { ttl: ttl > MAX_TTL ? 0 : ttl, rdata });
}

/** Whether an SOA record has a later serial than the zone's, and its owner. */
function isNewer(view: ZoneView, owner: Uint8Array, rdata: Uint8Array): boolean {
  const [soa] = view.rrset(owner, Type.SOA);
  return soa !== undefined && isLaterSerial(serialOf(soa.rdata), serialOf(rdata));
}

function serialOf(rdata: Uint8Array): number {
  return readU32(rdata, rdata.length - SOA_SERIAL);
}

function removeSameService(view: PendingView, owner: Uint8Array, rdata: Uint8Array): void {
  const key = (octets: Uint8Array): Uint8Array => octets.subarray(0, WKS_KEY);
  for (const record of view.rrset(owner, WKS))
    if (Buffer.compare(key(record.rdata), key(rdata)) === 0) view.remove(owner, WKS, record.rdata);
}

/** §3.4.2.4: the SOA record and the last NS record of the apex stay. */
function removeRecord(view: PendingView, { owner, type, rdata }: UpdateRecord): void {
  if (isApex(view, owner)) {
    if (type === Type.SOA) return;
    const [first, ...others] = type === Type.NS ? view.rrset(owner, type) : [];
    if (first !== undefined && others.length === 0 && rdataKey(type, first.rdata) === rdataKey(type, rdata)) return;
  }
  view.remove(owner, type, rdata);
}
