/** The prerequisite section (RFC 2136 §2.4 and §3.2). */
import { ownerKey, rdataKey } from '../../image/changes/record-keys.js';
import type { ZoneView } from '../../image/changes/zone-view.js';
import { Class, Rcode, Type } from '../../protocol/iana.js';
import { labelCount, nameToText, suffixAt } from '../../protocol/name.js';
import { describe, type Refusal } from './refusal.js';
import type { UpdateRecord } from './update-message.js';

/** An RRset that has to be there as it is. */
interface WantedSet {
  readonly record: UpdateRecord;
  readonly rdata: Set<string>;
}

/** The first prerequisite that is malformed or does not hold, in the order of §3.2.5; undefined: all hold. */
export function judgePrerequisites(view: ZoneView, prerequisites: readonly UpdateRecord[]): Refusal | undefined {
  const labels = labelCount(view.apex);
  const wanted = new Map<string, WantedSet>();
  for (const record of prerequisites) {
    const { owner, type } = record;
    if (record.ttl !== 0) return malformed(record, `has TTL ${record.ttl}, expected 0`);
    if (suffixAt(owner, 0, view.apex, labels) < 0) return outside(record, view);
    if (record.class === Class.ANY || record.class === Class.NONE) {
      if (record.rdata.length > 0) return malformed(record, 'has RDATA, expected none');
      const refusal = judge(view, record);
      if (refusal !== undefined) return refusal;
    } else if (record.class === Class.IN) {
      const key = `${type} ${ownerKey(owner)}`;
      const set = wanted.get(key) ?? { record, rdata: new Set() };
      set.rdata.add(rdataKey(type, record.rdata));
      wanted.set(key, set);
    } else {
      return malformed(record, `has class ${record.class}, expected IN, ANY or NONE`);
    }
  }
  for (const { record, rdata } of wanted.values()) {
    const found = view.rrset(record.owner, record.type);
    if (found.length === rdata.size && found.every((one) => rdata.has(rdataKey(record.type, one.rdata)))) continue;
    return { rcode: Rcode.NXRRSET, reason: `prerequisite: the zone has another RRset ${describe(record)}` };
  }
  return undefined;
}

/** Judges a prerequisite without RDATA. */
function judge(view: ZoneView, { owner, type, class: classNumber }: UpdateRecord): Refusal | undefined {
  const isWanted = classNumber === Class.ANY;
  const isName = type === Type.ANY;
  const isThere = isName ? view.exists(owner) : view.rrset(owner, type).length > 0;
  if (isThere === isWanted) return undefined;
  const what = isName ? nameToText(owner) : describe({ owner, type });
  const reason = `prerequisite: the zone has ${isThere ? '' : 'no '}${what}`;
  if (isName) return { rcode: isWanted ? Rcode.NXDOMAIN : Rcode.YXDOMAIN, reason };
  return { rcode: isWanted ? Rcode.NXRRSET : Rcode.YXRRSET, reason };
}

function malformed(record: UpdateRecord, reason: string): Refusal {
  return { rcode: Rcode.FORMERR, reason: `prerequisite ${describe(record)} ${reason}` };
}

function outside({ owner }: UpdateRecord, { apex }: ZoneView): Refusal {
  return { rcode: Rcode.NOTZONE, reason: `prerequisite: ${nameToText(owner)} is not in ${nameToText(apex)}` };
}
