/** Describes in words the effects of a step on a zone's keys. */
import { keyKindText } from '../algorithms.js';
import { type KeyProgress, type KeyRecord, RECORDS_OF, type RecordState, type ZoneKeys } from './key-state.js';

type Verbs = Readonly<Record<RecordState, string>>;

const IN_ZONE: Verbs = {
  hidden: 'is in no cache any more',
  rumoured: 'is published',
  omnipresent: 'is known to all resolvers',
  unretentive: 'is published no more',
};
const SIGNATURES: Verbs = {
  hidden: 'are in no cache any more',
  rumoured: 'are published',
  omnipresent: 'are known to all resolvers',
  unretentive: 'are published no more',
};
const AT_PARENT: Verbs = {
  hidden: 'is in no cache any more',
  rumoured: 'may be published by the parent now',
  omnipresent: 'is known to all resolvers',
  unretentive: 'may be removed by the parent now',
};
const TEXTS: Readonly<Record<KeyRecord, readonly [string, Verbs]>> = {
  dnskey: ['the DNSKEY record', IN_ZONE],
  krrsig: ['the signature over the DNSKEY RRset', IN_ZONE],
  zrrsig: ['the signatures over the zone', SIGNATURES],
  ds: ['the DS record', AT_PARENT],
};

/** A line for each key that is other than before: `KSK 12345: the DNSKEY record is published`. */
export function stepsBetween(before: ZoneKeys, after: ZoneKeys): string[] {
  const older = new Map(before.keys.map((key) => [key.id, key]));
  const present = new Set(after.keys.map(({ id }) => id));
  const changed = after.keys.flatMap((key) => {
    const changes = changesOf(older.get(key.id), key);
    return changes.length === 0 ? [] : [`${nameOf(key)}: ${changes.join(', ')}`];
  });
  const gone = before.keys.filter(({ id }) => !present.has(id)).map((key) => `${nameOf(key)}: the key has gone`);
  return [...changed, ...gone];
}

function nameOf({ role, tag }: KeyProgress): string {
  return `${role.toUpperCase()} ${tag}`;
}

function changesOf(older: KeyProgress | undefined, key: KeyProgress): string[] {
  const goals: string[] = [];
  if (older === undefined) goals.push(`the key is new, ${keyKindText(key.algorithm, key.bits)}`);
  else if (older.goal !== key.goal) goals.push('the key is to disappear');
  const records = RECORDS_OF[key.role].flatMap((record) => {
    const [what, verbs] = TEXTS[record];
    const { state } = key.records[record];
    return state === (older?.records[record].state ?? 'hidden') ? [] : [`${what} ${verbs[state]}`];
  });
  return [...goals, ...records];
}
