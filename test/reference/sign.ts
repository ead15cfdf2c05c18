/**
 * Zones as a signer leaves them, but with signatures by nobody: RRSIGs over all authoritative RRsets, and an NSEC or
 * NSEC3 chain. An authoritative server does not verify, so answers from them are as good for comparing.
 */
import { createHash } from 'node:crypto';
import { rdataFromText, typeName } from '../support/rdata.js';
import { compareNames, isWithin, keyOf, type Name, textOf } from './names.js';
import { nsec3Label } from './proofs.js';
import { DS, isCut, makeZone, NS, NSEC, NSEC3, NSEC3PARAM, RRSIG, type Rr, rrset, typesAt, type Zone } from './zone.js';

export type Signing = 'unsigned' | 'nsec' | 'nsec3' | 'opt-out';

const DNSKEY = 48;
/** Seconds: TTL of NSEC and NSEC3 records. */
const DENIAL_TTL = 300;

/** Adds the records of a signer. `salt`: octets of NSEC3's salt; `iterations`: 0 … 150. */
export function sign(records: readonly Rr[], signing: Signing, salt = '', iterations = 0): Rr[] {
  if (signing === 'unsigned') return [...records];
  const { apex } = makeZone(records);
  const all: Rr[] = [...records, record(apex, 300, DNSKEY, '257 3 13 AAAA')];
  const flags = signing === 'opt-out' ? 1 : 0;
  const parameters = `1 0 ${iterations} ${salt || '-'}`;
  if (signing !== 'nsec') all.push(record(apex, 0, NSEC3PARAM, parameters));
  const zone = makeZone(all);
  const chain = signing === 'nsec' ? nsecChain(zone) : nsec3Chain(zone, flags, salt, iterations);
  return [...all, ...chain, ...signaturesOver(zone, [...all, ...chain])];
}

function record(owner: Name, ttl: number, type: number, text: string): Rr {
  return { owner, ttl, type, rdata: rdataFromText(type, text.split(' ')) };
}

/** Whether the name lies below a cut: the zone does not sign data there. */
function isOccluded(zone: Zone, name: Name): boolean {
  return name.some((_label, i) => i > 0 && isWithin(name.slice(i), zone.apex) && isCut(zone, name.slice(i)));
}

/** Names that own authoritative data, in canonical order; a cut is one of them. */
function authoritativeNames(zone: Zone): Name[] {
  const names = [...zone.records.values()].map((records) => records[0]?.owner ?? zone.apex);
  return names.filter((name) => !isOccluded(zone, name)).sort(compareNames);
}

/** Types that a bitmap lists: at a cut only those of the parent's side. */
function listed(zone: Zone, name: Name): number[] {
  return typesAt(zone, name).filter((type) => !isCut(zone, name) || type === NS || type === DS);
}

function nsecChain(zone: Zone): Rr[] {
  const names = authoritativeNames(zone);
  return names.map((name, i) => {
    const types = [...listed(zone, name), RRSIG, NSEC].map(typeName).join(' ');
    return record(name, DENIAL_TTL, NSEC, `${textOf(names[(i + 1) % names.length] ?? name)} ${types}`);
  });
}

function nsec3Chain(zone: Zone, flags: number, salt: string, iterations: number): Rr[] {
  const insecure = (name: Name): boolean => isCut(zone, name) && rrset(zone, name, DS).length === 0;
  const names = new Map<string, Name>();
  for (const name of authoritativeNames(zone)) {
    if (flags === 1 && insecure(name)) continue;
    for (let i = 0; i <= name.length - zone.apex.length; i++) names.set(keyOf(name.slice(i)), name.slice(i));
  }
  const octets = Buffer.from(salt, 'hex');
  const labels = [...names.values()].map((name) => ({ name, label: nsec3Label(name, octets, iterations) }));
  labels.sort((a, b) => (a.label < b.label ? -1 : 1));
  return labels.map(({ name, label }, i) => {
    const own = listed(zone, name);
    const types = [...own, ...(own.length > 0 && !insecure(name) ? [RRSIG] : [])].map(typeName);
    const next = labels[(i + 1) % labels.length]?.label ?? label;
    const text = ['1', String(flags), String(iterations), salt || '-', next, ...types].join(' ');
    return record([label, ...zone.apex], DENIAL_TTL, NSEC3, text);
  });
}

function signaturesOver(zone: Zone, all: readonly Rr[]): Rr[] {
  const rrsets = new Map<string, Rr>();
  for (const rr of all) {
    const atCut = isCut(zone, rr.owner) && rr.type !== DS && rr.type !== NSEC;
    if (!atCut && !isOccluded(zone, rr.owner)) rrsets.set(`${keyOf(rr.owner)} ${rr.type}`, rr);
  }
  return [...rrsets].map(([key, rr]) => {
    const labels = rr.owner.length - (rr.owner[0] === '*' ? 1 : 0);
    const signature = createHash('sha256').update(key).digest('base64');
    const text = `${typeName(rr.type)} 13 ${labels} ${rr.ttl} 20600101000000 20200101000000 1 ${textOf(zone.apex)} ${signature}`;
    return record(rr.owner, rr.ttl, RRSIG, text);
  });
}
