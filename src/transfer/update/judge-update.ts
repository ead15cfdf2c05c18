/**
 * Judges an UPDATE message: the zone gets all changes that it asks for, or none (RFC 2136 §3). Pure: the zone is a view, and the result
 * is a set of changes.
 *
 * NOT here: forwarding by secondaries (§6), the choice of the serial (§3.6), and storing the result (§3.5).
 */

import { counted } from '../../errors.js';
import { PendingView } from '../../image/changes/pending-view.js';
import { ownerKey } from '../../image/changes/record-keys.js';
import { type Changes, isApex, type ZoneView } from '../../image/changes/zone-view.js';
import { Class, Rcode, Type } from '../../protocol/iana.js';
import { nameToText } from '../../protocol/name.js';
import { judgePrerequisites } from './prerequisites.js';
import { describe, type Refusal } from './refusal.js';
import type { UpdateMessage, UpdateRecord } from './update-message.js';
import type { Permissions } from './update-policy.js';
import { judgeChanges, makeChanges } from './update-section.js';

/**
 * Octets of an RRset: with header, question, OPT and TSIG it has to fit into a message (RFC 1035 §4.2.2). Records count as they are
 * in an answer, with a pointer as their owner.
 */
const MAX_RRSET = 64_512;
/** Octets of a record in an answer besides its RDATA. */
const RECORD_FIXED = 12;
/**
 * Most new DNAME records for which the names below each are looked up: that is quick for a new name, else a walk over the zone. A guess.
 */
const FEW_DNAMES = 4;

export interface UpdateVerdict {
  /** Undefined: the answer is NOERROR. */
  readonly refusal?: Refusal;
  /** Undefined: the zone stays as it is. */
  readonly changes?: Changes | undefined;
}

/** Judges an update of the zone of `view`, whose name and class the message has. */
export function judgeUpdate(view: ZoneView, message: UpdateMessage, permissions: Permissions): UpdateVerdict {
  const refusal = judgePrerequisites(view, message.prerequisites) ?? judgeChanges(view, message.changes, permissions);
  if (refusal !== undefined) return { refusal };
  const pending = new PendingView(view);
  makeChanges(pending, message.changes);
  const mistake = mistakeIn(pending, message.changes);
  return mistake === undefined
    ? { changes: pending.changes() }
    : { refusal: { rcode: Rcode.REFUSED, reason: mistake } };
}

/**
 * Why the zone cannot be served as changed; undefined: nothing is known against it. The loader finds all of this too. It is looked for
 * here, so that no other update that is made together with this one suffers.
 */
function mistakeIn(view: ZoneView, changes: readonly UpdateRecord[]): string | undefined {
  const added = changes.filter((change) => change.class === Class.IN);
  const seen = new Set<string>();
  const clear = new Set<string>();
  const redirected: Uint8Array[] = [];
  for (const change of added) {
    const key = describe(change).toLowerCase();
    if (seen.has(key)) continue;
    seen.add(key);
    const records = view.rrset(change.owner, change.type);
    if (records.length === 0) continue;
    const mistake = sizeMistake(change, records) ?? placeMistake(view, change, clear);
    if (mistake !== undefined) return mistake;
    if (change.type === Type.DNAME) redirected.push(change.owner);
  }
  return redirectionMistake(view, redirected);
}

function sizeMistake(change: UpdateRecord, records: readonly { readonly rdata: Uint8Array }[]): string | undefined {
  const octets = records.reduce((sum, { rdata }) => sum + rdata.length + RECORD_FIXED, 0);
  if (octets <= MAX_RRSET) return undefined;
  return `${describe(change)} would have ${counted(octets, 'octet')}, more than fit into a message; at most ${MAX_RRSET}`;
}

/**
 * `clear`: keys of names without a DNAME at or above them; new ones are added. Compressed owners of one message have many labels in common,
 * and each name above them is looked at once.
 */
function placeMistake(view: ZoneView, change: UpdateRecord, clear: Set<string>): string | undefined {
  const { owner, type } = change;
  if (type === Type.DS && isApex(view, owner))
    return `a DS record at the apex ${nameToText(owner)}; it belongs into the zone above (RFC 4035 §2.4)`;
  for (let above = owner; !isApex(view, above); ) {
    above = above.subarray(above[0]! + 1);
    const key = ownerKey(above);
    if (clear.has(key)) break;
    if (view.rrset(above, Type.DNAME).length > 0)
      return `${describe(change)} would be below the DNAME of ${nameToText(above)} (RFC 6672 §2.4)`;
    clear.add(key);
  }
  return undefined;
}

/** Whether names with records are below the owners of new DNAME records. One walk over the zone does for many of them. */
function redirectionMistake(view: ZoneView, owners: readonly Uint8Array[]): string | undefined {
  const keys = new Set(owners.map(ownerKey));
  const tops = owners.length > FEW_DNAMES ? [view.apex] : owners;
  for (const top of tops)
    for (const name of view.namesBelow(top))
      for (let above = name; !isApex(view, above); ) {
        above = above.subarray(above[0]! + 1);
        if (keys.has(ownerKey(above)))
          return `a DNAME at ${nameToText(above)} would be above ${nameToText(name)}, which has records (RFC 6672 §2.4)`;
      }
  return undefined;
}
