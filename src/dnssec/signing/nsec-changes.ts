/** How the chain of NSEC records changes with the names of a zone (RFC 4035 §2.3). */
import { Type } from '../../protocol/iana.js';
import { nsecRdata } from './chain-records.js';
import { changedLinks, type OldChain } from './changed-links.js';
import { loweredName, sortKey } from './names.js';
import type { RrsetChanges } from './rrset-changes.js';
import { bitmapTypes, type NameState, type ZoneChange } from './zone-change.js';

/** Changes the records of `names` and of their neighbours; `ttl` in seconds. */
export function changeNsec(change: ZoneChange, rrsets: RrsetChanges, names: readonly Uint8Array[], ttl: number): void {
  const { view } = change;
  const added: Uint8Array[] = [];
  const removed: Uint8Array[] = [];
  const changed: Uint8Array[] = [];
  for (const name of names) {
    const [was, is] = [isInChain(change.before(name)), isInChain(change.after(name))];
    if (is) (was ? changed : added).push(name);
    else if (was) removed.push(name);
  }
  const chain: OldChain<Uint8Array> = {
    key: sortKey,
    before: (name) => view.nsecBefore(name),
    after: (name) => loweredName(view.rrset(name, Type.NSEC)!.rdata[0]!),
  };
  const signers = rrsets.keys.zoneSigners;
  for (const { entry, next } of changedLinks(chain, added, removed, changed)) {
    const types = [...bitmapTypes(change.after(entry)), Type.RRSIG, Type.NSEC];
    const after = { ttl, rdata: [nsecRdata(next, types)] };
    const before = view.rrset(entry, Type.NSEC);
    rrsets.change(entry, Type.NSEC, { before, after }, view.signatures(entry, Type.NSEC), signers, true);
  }
  for (const name of removed) {
    const before = view.rrset(name, Type.NSEC);
    rrsets.change(name, Type.NSEC, { before, after: undefined }, view.signatures(name, Type.NSEC), [], true);
  }
}

function isInChain({ types, isOccluded }: NameState): boolean {
  return !isOccluded && types.length > 0;
}
