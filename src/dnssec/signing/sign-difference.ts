/**
 * Signs a change of a zone: from a difference of its content and the older signed version, it makes the difference that leads to the
 * newer signed version. Its cost is that of the signatures for changed RRsets, and of the records of denial for changed names, for
 * their neighbours in the chain, and for names that come to be or cease to be below a zone cut.
 *
 * NOT here: a change that concerns the whole zone, such as other keys; signContent() does that. ZONEMD (sign-digests.ts).
 */
import { decodeBase32hex } from '../../protocol/base32hex.js';
import { Type } from '../../protocol/iana.js';
import { NSEC3_HASH_OCTETS } from '../../protocol/nsec3.js';
import { readU16 } from '../../protocol/octets.js';
import { type Difference, differenceOf } from '../../zone/changes/difference.js';
import { Rrsig } from '../../zone/rrsets.js';
import { denialTtl, isOwnNsec3, NSEC3PARAM, NSEC3PARAM_TTL } from './chain-records.js';
import { sortKey } from './names.js';
import { changeNsec } from './nsec-changes.js';
import { changeNsec3, hashedOwner } from './nsec3-changes.js';
import { RrsetChanges } from './rrset-changes.js';
import { type SigningContext, signersOf } from './signature-maker.js';
import type { SignedView, ViewRrset } from './signed-view.js';
import { isSignersType } from './signers-types.js';
import type { KeySet, SigningPolicy } from './signing-policy.js';
import { isSigned, ZoneChange } from './zone-change.js';

/** An RRset whose signatures are to be renewed. */
export interface DueRrset {
  /** In wire format, in lower case. */
  readonly owner: Uint8Array;
  readonly type: number;
}

interface SignedDifference {
  readonly difference: Difference;
  /** Signatures that were made. */
  readonly made: number;
}

/**
 * `difference`: of the content, with the SOA records of both versions and no records that signing makes. `due`: RRsets whose
 * signatures are looked at, besides those that change. Returns undefined when the whole zone has to be signed: it is not signed
 * yet or any more, other keys sign it, or its chain is to be another one. Throws ADOTD_ZONE_INVALID and ADOTD_DNSSEC_KEY.
 */
export function signDifference(
  view: SignedView,
  difference: Difference,
  context: SigningContext,
  due: readonly DueRrset[] = [],
): SignedDifference | undefined {
  const change = new ZoneChange(view, difference, publishedSets(context.keys, context.policy));
  const soa = change.rrset(view.apex, Type.SOA);
  if (soa.after === undefined || !isSameWhole(view, context, soa)) return undefined;
  const ttl = denialTtl(soa.after.ttl, soa.after.rdata[0]!);
  const rrsets = new RrsetChanges(view.apex, context);
  const names = namesConcerned(change);
  for (const name of names.values()) signName(change, rrsets, name);
  for (const { owner, type } of due) renew(change, rrsets, owner, type);
  const list = [...names.values()];
  if (context.policy.nsec3 === undefined) changeNsec(change, rrsets, list, ttl);
  else changeNsec3(change, rrsets, list, ttl, context.policy.nsec3.optOut);
  const { removed, added, made } = rrsets.finish(difference);
  return { difference: differenceOf(difference.apex, removed, added), made };
}

/** The RRsets at the apex that signing makes. */
function publishedSets(keys: KeySet, policy: SigningPolicy): Map<number, ViewRrset | undefined> {
  const set = (rdata: readonly Uint8Array[], ttl: number): ViewRrset | undefined =>
    rdata.length === 0 ? undefined : { ttl, rdata: [...rdata].sort(Buffer.compare) };
  return new Map([
    [Type.DNSKEY, set(keys.dnskey, policy.keyTtl)],
    [Type.CDS, set(keys.cds, policy.keyTtl)],
    [Type.CDNSKEY, set(keys.cdnskey, policy.keyTtl)],
    [Type.NSEC3PARAM, set(policy.nsec3 === undefined ? [] : [NSEC3PARAM], NSEC3PARAM_TTL)],
  ]);
}

/** Whether the chain stays of its kind, with its TTL, and the same keys sign the zone. */
function isSameWhole(
  view: SignedView,
  { keys, policy }: SigningContext,
  soa: { readonly before: ViewRrset | undefined; readonly after: ViewRrset | undefined },
): boolean {
  const { nsec3 } = policy;
  if (view.denial !== (nsec3 === undefined ? 'NSEC' : 'NSEC3') || soa.before === undefined) return false;
  const chain =
    nsec3 === undefined ? view.rrset(view.apex, Type.NSEC) : view.nsec3Before(new Uint8Array(NSEC3_HASH_OCTETS)).rrset;
  if (chain === undefined || chain.ttl !== denialTtl(soa.after!.ttl, soa.after!.rdata[0]!)) return false;
  if (nsec3 !== undefined && !isOwnNsec3(chain.rdata[0]!, nsec3.optOut)) return false;
  const signers = view
    .signatures(view.apex, Type.SOA)
    .map((rdata) => keyName(readU16(rdata, Rrsig.KEY_TAG), rdata[2]!));
  const wanted = keys.zoneSigners.map(({ tag, algorithm }) => keyName(tag, algorithm));
  return wanted.length > 0 && signers.sort().join() === wanted.sort().join();
}

function keyName(tag: number, algorithm: number): string {
  return `${tag}/${algorithm}`;
}

/** The names whose state may change: those of the difference, and all below one that becomes or ceases to be a cut. */
function namesConcerned(change: ZoneChange): Map<string, Uint8Array> {
  const names = new Map<string, Uint8Array>();
  const flipped: Uint8Array[] = [];
  for (const [key, { name, rrsets }] of change.touched) {
    names.set(key, name);
    if (rrsets.has(Type.NS) || rrsets.has(Type.DNAME)) {
      const [before, after] = [change.before(name), change.after(name)];
      const hasDname = before.types.includes(Type.DNAME) !== after.types.includes(Type.DNAME);
      if (before.isCut !== after.isCut || hasDname) flipped.push(name);
    }
  }
  for (const name of flipped.length === 0 ? [] : change.view.namesBelow(flipped)) names.set(sortKey(name), name);
  return names;
}

/** Signatures over the RRsets of a name, but for those of the chain. */
function signName(change: ZoneChange, rrsets: RrsetChanges, name: Uint8Array): void {
  const { view } = change;
  const [before, after] = [change.before(name), change.after(name)];
  const isApex = name.length === view.apex.length;
  const touched = change.touched.get(sortKey(name))?.rrsets;
  for (const type of new Set([...before.types, ...after.types])) {
    const wasSigned = isSigned(before, type);
    const willBeSigned = isSigned(after, type);
    if (wasSigned === willBeSigned && !touched?.has(type)) continue;
    const sets = change.rrset(name, type);
    const signers = willBeSigned ? signersOf(rrsets.keys, type, isApex) : [];
    rrsets.change(name, type, sets, view.signatures(name, type), signers, isSignersType(type, isApex));
  }
}

/** Renews the signatures of an RRset that does not change, where they are due. */
function renew(change: ZoneChange, rrsets: RrsetChanges, owner: Uint8Array, type: number): void {
  const { view } = change;
  if (type === Type.NSEC3) {
    const hash = new Uint8Array(NSEC3_HASH_OCTETS);
    decodeBase32hex(owner, 1, 1 + owner[0]!, hash, 0);
    const entry = view.nsec3At(hash);
    if (entry === undefined) return;
    const same = { before: entry.rrset, after: entry.rrset };
    rrsets.change(hashedOwner(hash, view.apex), type, same, entry.signatures, rrsets.keys.zoneSigners, true);
    return;
  }
  const sets = change.rrset(owner, type);
  const isApex = owner.length === view.apex.length;
  if (sets.after === undefined || !isSigned(change.after(owner), type)) return;
  const signers = signersOf(rrsets.keys, type, isApex);
  rrsets.change(owner, type, sets, view.signatures(owner, type), signers, isSignersType(type, isApex));
}
