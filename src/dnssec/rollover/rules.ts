/**
 * The rules that the keys' states keep at every moment, so that no resolver finds the zone bogus, whichever versions of its
 * RRsets it holds. A state is moved only when the rules that hold before also hold after it. Taken together they say: the
 * parent never points to a key that some cache cannot know, and cached RRsets are signed for each algorithm that the parent
 * or the DNSKEY RRset promises (RFC 4035 §2.2, RFC 6840 §5.11).
 */
import { type KeyProgress, type KeyRecord, RECORDS_OF, type RecordState } from './key-state.js';

/** A rule: its name, and whether it is kept by these keys. `isLeaving`: the zone is to be unsigned. */
export interface Rule {
  readonly name: string;
  isKept(keys: readonly KeyProgress[], isLeaving: boolean): boolean;
}

const stateOf = (key: KeyProgress, record: KeyRecord): RecordState => key.records[record].state;
const has = (key: KeyProgress, record: KeyRecord, state: RecordState): boolean =>
  RECORDS_OF[key.role].includes(record) && stateOf(key, record) === state;
const isAbsent = (key: KeyProgress, record: KeyRecord): boolean =>
  !RECORDS_OF[key.role].includes(record) || stateOf(key, record) === 'hidden';
/** A change that is not published yet comes after all others. */
const since = (key: KeyProgress, record: KeyRecord): number => key.records[record].since ?? Number.POSITIVE_INFINITY;

/**
 * Whether every cache with RRsets of the zone has this kind of record of one of these keys: one key has it everywhere, or one key
 * took over from another, whose record may still be held.
 */
function isEverywhere(keys: readonly KeyProgress[], record: KeyRecord): boolean {
  if (keys.some((key) => has(key, record, 'omnipresent'))) return true;
  const earlier = keys.filter((key) => has(key, record, 'unretentive'));
  const later = keys.filter((key) => has(key, record, 'rumoured'));
  return earlier.some((old) => later.some((young) => since(young, record) <= since(old, record)));
}

/** Whether a resolver may find a DS record for the zone. */
function isSecure(keys: readonly KeyProgress[]): boolean {
  return keys.some((key) => !isAbsent(key, 'ds'));
}

function algorithmsOf(keys: readonly KeyProgress[], record: KeyRecord): Set<number> {
  return new Set(keys.filter((key) => !isAbsent(key, record)).map(({ algorithm }) => algorithm));
}

export const RULES: readonly Rule[] = [
  {
    // The zone does not become insecure unless that is asked for.
    name: 'a DS record at all times',
    isKept: (keys, isLeaving) => isLeaving || isEverywhere(keys, 'ds'),
  },
  {
    // Otherwise a resolver with the DS record of one key could hold a DNSKEY RRset without it.
    name: 'the key of each DS record in every DNSKEY RRset',
    isKept: (keys) => keys.every((key) => isAbsent(key, 'ds') || has(key, 'dnskey', 'omnipresent')),
  },
  {
    name: 'the signature of each key with a DS record over every DNSKEY RRset',
    isKept: (keys) => keys.every((key) => isAbsent(key, 'ds') || has(key, 'krrsig', 'omnipresent')),
  },
  {
    // For each algorithm that the parent names; the keys that signed are in every DNSKEY RRset.
    name: 'signatures of known keys for each algorithm of DS records',
    isKept: (keys) =>
      [...algorithmsOf(keys, 'ds')].every((algorithm) => {
        const known = keys.filter((key) => key.algorithm === algorithm && has(key, 'dnskey', 'omnipresent'));
        return isEverywhere(known, 'zrrsig');
      }),
  },
  {
    // Validators may insist on a signature for each algorithm of the DNSKEY RRset (RFC 4035 §2.2).
    name: 'signatures for each algorithm of the DNSKEY RRset',
    isKept: (keys) =>
      !isSecure(keys) ||
      [...algorithmsOf(keys, 'dnskey')].every((algorithm) =>
        isEverywhere(
          keys.filter((key) => key.algorithm === algorithm),
          'zrrsig',
        ),
      ),
  },
];
