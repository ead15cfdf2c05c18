/** The keys of other signers of a zone (RFC 8901): their sources, and their stored form. */
import { algorithmOf, keyTag } from '../../../dnssec/keys.js';
import type { ForeignKey } from '../../../dnssec/rollover/key-state.js';
import { type ApexKeys, eachList, withKeys, withoutKeys } from '../../../dnssec/signing/apex-keys.js';

/**
 * The records that a new version brings; our own may be among them, and do not count. `content`: all records of the content. `file`: all
 * records of the zone's file; records that came in another way stay. `difference`: the records that go and that come.
 */
export type GivenKeys =
  | { readonly kind: 'content' | 'file'; readonly keys: ApexKeys }
  | { readonly kind: 'difference'; readonly removed: ApexKeys; readonly added: ApexKeys };

/** RDATA in base64. */
interface StoredKeys {
  readonly dnskey: readonly string[];
  readonly cds: readonly string[];
  readonly cdnskey: readonly string[];
}

export interface StoredForeign {
  /** The records of other signers in the zone's content. */
  readonly all: StoredKeys;
  /** Those that its file had when it was loaded last. */
  readonly file: StoredKeys;
}

const NONE: StoredKeys = { dnskey: [], cds: [], cdnskey: [] };
export const NOTHING_FOREIGN: StoredForeign = { all: NONE, file: NONE };

export function keysOfStored(stored: StoredKeys): ApexKeys {
  return eachList((list) => stored[list].map((text) => Buffer.from(text, 'base64')));
}

/** In an order that does not depend on where the records came from. */
function storedKeys(keys: ApexKeys): StoredKeys {
  const texts = (all: readonly Uint8Array[]): string[] => all.map((one) => Buffer.from(one).toString('base64')).sort();
  return { dnskey: texts(keys.dnskey), cds: texts(keys.cds), cdnskey: texts(keys.cdnskey) };
}

/** The records of other signers after a version brought some. `own`: our own records. Where the file has changed, the file wins. */
export function foreignAfter(kept: StoredForeign, given: GivenKeys | undefined, own: ApexKeys): StoredForeign {
  if (given === undefined) return kept;
  const foreign = (keys: ApexKeys): ApexKeys => withoutKeys(keys, own);
  if (given.kind === 'content') return { ...kept, all: storedKeys(foreign(given.keys)) };
  const before = keysOfStored(kept.all);
  const after = (removed: ApexKeys, added: ApexKeys): StoredKeys =>
    storedKeys(withKeys(withoutKeys(before, removed), foreign(added)));
  if (given.kind === 'difference') return { ...kept, all: after(given.removed, given.added) };
  const [last, now] = [keysOfStored(kept.file), foreign(given.keys)];
  return { all: after(withoutKeys(last, now), withoutKeys(now, last)), file: storedKeys(now) };
}

/** The states of the keys that are in the content now: new ones are to be published. */
export function foreignStates(before: readonly ForeignKey[], { dnskey }: StoredKeys): readonly ForeignKey[] {
  return dnskey.map((text) => {
    const known = before.find((key) => key.dnskey === text);
    if (known !== undefined) return known;
    const rdata = Buffer.from(text, 'base64');
    const record = { state: 'rumoured', since: undefined } as const;
    return { dnskey: text, algorithm: algorithmOf(rdata), tag: keyTag(rdata), record };
  });
}
