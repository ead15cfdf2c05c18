/**
 * The one function that moves the states of keys. Every rollover follows from it: of a ZSK, a KSK, a CSK, an algorithm, a change
 * of policy, and going unsigned. A goal says how a key is to end up. A state moves when it has to, when caches no longer hold
 * the version before, and when the rules that hold before it also hold after it.
 */
import {
  type ForeignKey,
  HIDDEN,
  isPublished,
  isWholly,
  type KeyProgress,
  type KeyRecord,
  RECORDS_OF,
  type RecordProgress,
  type RecordState,
  type ServedTtl,
  type TtlKind,
  type ZoneKeys,
} from './key-state.js';
import type { RolloverPolicy, WantedKey } from './rollover-policy.js';
import { RULES, type Rule } from './rules.js';
import { noteTtls } from './served-ttls.js';
import { endOf, foreignEnd, signersWait, type Wait } from './waits.js';

/** Facts from outside. */
interface Facts {
  /** Seconds since 1970. */
  readonly now: number;
  /** Seconds: the largest TTL in the zone, that of negative answers among them. */
  readonly zoneTtl: number;
  /**
   * Whether there is no DS record: all servers of the parent say so; where they are not asked, resolvers say so, or there can be
   * none. undefined: that is not known.
   */
  readonly isDsDenied: boolean | undefined;
}

/** Makes a key with a tag that is not among `taken`. */
type MakeKey = (wanted: WantedKey, taken: readonly number[]) => Pick<KeyProgress, 'id' | 'tag' | 'bits'>;

interface Step {
  readonly keys: ZoneKeys;
  /** Seconds since 1970: when the next state can move by time alone; undefined: none does. */
  readonly next: number | undefined;
}

/** The barriers that hold states back; tests take some away. */
export interface Barriers {
  readonly rules: readonly Rule[];
  readonly without: ReadonlySet<Wait>;
}

const ALL_BARRIERS: Barriers = { rules: RULES, without: new Set() };

/**
 * Sets goals, and moves all states that can move at `facts.now`. The result is to be signed and published; then published()
 * notes when that was. When the clock is behind a time that was seen before, nothing moves. `barriers` is for tests.
 */
export function step(
  before: ZoneKeys,
  policy: RolloverPolicy,
  facts: Facts,
  makeKey: MakeKey,
  barriers: Barriers = ALL_BARRIERS,
): Step {
  const { now } = facts;
  if (now < before.time) return { keys: before, next: before.time };
  let state: ZoneKeys = { ...before, time: now, ...ttlsAt(before, policy, facts) };
  // States that are not noted as published may have been published before a crash: they are shown again first.
  if (!state.isFrozen && (!isPending(state) || barriers.without.has('publication'))) {
    state = setGoals(state, policy, facts, makeKey);
    state = { ...state, keys: moveAll(state, policy, now, barriers) };
    state = { ...state, foreign: state.foreign.map((key) => knownEverywhere(key, state, policy, now)) };
  }
  const keys = state.keys.map((key) =>
    key.active === undefined && isWholly(key, 'omnipresent') ? { ...key, active: now } : key,
  );
  state = { ...state, keys: keys.filter((key) => key.goal === 'omnipresent' || !isWholly(key, 'hidden')) };
  return { keys: state, next: nextTime(state, policy, now) };
}

/** Notes that a zone with these states was published at `at` (events.ts): until then the version before was served. */
export function published(state: ZoneKeys, at: number): ZoneKeys {
  const now = Math.max(at, state.time);
  const progress = (one: RecordProgress): RecordProgress =>
    one.since === undefined && one.state !== 'hidden' ? { ...one, since: now } : one;
  const keys = state.keys.map((key) => {
    const { dnskey, krrsig, zrrsig, ds } = key.records;
    const records = { dnskey: progress(dnskey), krrsig: progress(krrsig), zrrsig: progress(zrrsig), ds: progress(ds) };
    return { ...key, records };
  });
  const foreign = state.foreign.map((key) => ({ ...key, record: progress(key.record) }));
  const { ttls, current } = state;
  const served = (kind: TtlKind): readonly ServedTtl[] => noteTtls(ttls[kind], current[kind], now);
  return {
    ...state,
    keys,
    foreign,
    time: now,
    ttls: { dnskey: served('dnskey'), zone: served('zone'), ds: served('ds') },
    current: { dnskey: current.dnskey.slice(-1), zone: current.zone.slice(-1), ds: current.ds.slice(-1) },
  };
}

/** The served TTLs; the last one is that of the version that is about to be made. */
function ttlsAt(
  { ttls, current }: ZoneKeys,
  policy: RolloverPolicy,
  { now, zoneTtl }: Facts,
): Pick<ZoneKeys, 'ttls' | 'current'> {
  const delay = policy.propagation + policy.parentPropagation;
  const newest = { dnskey: policy.keyTtl, zone: zoneTtl, ds: policy.dsTtl };
  const own = (kind: TtlKind): readonly number[] => [
    ...current[kind].filter((ttl) => ttl !== newest[kind]),
    newest[kind],
  ];
  const served = { dnskey: own('dnskey'), zone: own('zone'), ds: own('ds') };
  const noted = (kind: TtlKind): readonly ServedTtl[] =>
    noteTtls(ttls[kind], served[kind], now).filter(({ ttl, last }) => last + ttl + delay >= now);
  return { ttls: { dnskey: noted('dnskey'), zone: noted('zone'), ds: noted('ds') }, current: served };
}

/** Whether a state was not published yet. */
export function isPending({ keys, foreign }: ZoneKeys): boolean {
  const isNew = ({ state, since }: RecordProgress): boolean => state !== 'hidden' && since === undefined;
  return (
    keys.some(({ role, records }) => RECORDS_OF[role].some((record) => isNew(records[record]))) ||
    // Keys of other signers are published beside ours only.
    (keys.length > 0 && foreign.some(({ record }) => isNew(record)))
  );
}

function knownEverywhere(key: ForeignKey, state: ZoneKeys, policy: RolloverPolicy, now: number): ForeignKey {
  const end = foreignEnd(key, state, policy);
  if (key.record.state !== 'rumoured' || end === undefined || now < end) return key;
  return { ...key, record: { state: 'omnipresent', since: now } };
}

/** Retires keys that are too old, of another kind than the policy asks for, or to be rolled; makes those that are missing. */
function setGoals(before: ZoneKeys, policy: RolloverPolicy, facts: Facts, makeKey: MakeKey): ZoneKeys {
  const wanted = before.isLeaving ? [] : policy.keys;
  const isWanted = (key: KeyProgress): boolean =>
    wanted.some((one) => isOfKind(key, one) && !isOver(key, one, before, facts));
  const isStarting = before.keys.length === 0;
  if (isStarting && wanted.length > 0 && !mayStart(before, policy, facts)) return before;
  const keys = before.keys.map((key) => (isWanted(key) ? key : { ...key, goal: 'hidden' as const }));
  for (const one of wanted) {
    if (keys.some((key) => key.goal === 'omnipresent' && isOfKind(key, one))) continue;
    const { id, tag, bits } = makeKey(
      one,
      [...keys, ...before.foreign].map((key) => key.tag),
    );
    const records = { dnskey: HIDDEN, krrsig: HIDDEN, zrrsig: HIDDEN, ds: HIDDEN };
    const parent = { seen: undefined, gone: undefined, sure: undefined, last: undefined };
    const { role, algorithm } = one;
    keys.push({
      id,
      role,
      algorithm,
      ...(bits !== undefined && { bits }),
      tag,
      goal: 'omnipresent',
      created: facts.now,
      active: undefined,
      records,
      parent,
    });
  }
  // A roll that was asked for while another is under way waits for it.
  const rolls = before.rolls.filter((role) =>
    before.keys.some((key) => key.role === role && isInUse(key) && key.active === undefined),
  );
  const isStartAllowed = before.isStartAllowed && keys.length === 0;
  return { ...before, keys, rolls, wasSigned: before.wasSigned || keys.length > 0, isStartAllowed };
}

function isInUse({ goal }: KeyProgress): boolean {
  return goal === 'omnipresent';
}

function isOfKind(key: KeyProgress, { role, algorithm, bits }: WantedKey): boolean {
  const isOfSize = bits === undefined || key.bits === bits;
  return isInUse(key) && key.role === role && key.algorithm === algorithm && isOfSize;
}

/** Whether a key is to be replaced: its lifetime is over, or a roll was asked for. A key that is on its way is not. */
function isOver({ active, role }: KeyProgress, { lifetime }: WantedKey, { rolls }: ZoneKeys, { now }: Facts): boolean {
  return active !== undefined && (rolls.includes(role) || (lifetime !== undefined && active + lifetime <= now));
}

/** A state that was lost or copied must never make a first key under the DS record of an older one. */
function mayStart({ wasSigned, isStartAllowed }: ZoneKeys, policy: RolloverPolicy, { isDsDenied }: Facts): boolean {
  if (policy.isParentAsked) return isDsDenied === true;
  return isStartAllowed || (!wasSigned && isDsDenied === true);
}

/**
 * The next state on the way to the goal; undefined: it is reached. A state never turns back, nor leaves `rumoured` early: a parent
 * that has read CDS, and has no DS record yet, may still publish it months later.
 */
function following({ state }: RecordProgress, goal: KeyProgress['goal']): RecordState | undefined {
  if (state === 'rumoured') return 'omnipresent';
  if (state === 'unretentive') return 'hidden';
  if (state === 'hidden') return goal === 'omnipresent' ? 'rumoured' : undefined;
  return goal === 'hidden' ? 'unretentive' : undefined;
}

function moveAll(state: ZoneKeys, policy: RolloverPolicy, now: number, barriers: Barriers): readonly KeyProgress[] {
  let { keys } = state;
  for (let isMoving = true; isMoving; ) {
    isMoving = false;
    for (const { id } of keys)
      for (const record of RECORDS_OF[keys.find((key) => key.id === id)!.role]) {
        const moved = move({ ...state, keys }, id, record, policy, now, barriers);
        if (moved === undefined) continue;
        keys = moved;
        isMoving = true;
      }
  }
  return keys;
}

/** The keys after one record of one key has moved; undefined when it stays. */
function move(
  state: ZoneKeys,
  id: string,
  record: KeyRecord,
  policy: RolloverPolicy,
  now: number,
  { rules, without }: Barriers,
): readonly KeyProgress[] | undefined {
  const { keys } = state;
  const key = keys.find((one) => one.id === id)!;
  const next = following(key.records[record], key.goal);
  if (next === undefined) return undefined;
  if (next === 'rumoured' && !isTimely(key, record, state)) return undefined;
  if (next === 'omnipresent' || next === 'hidden') {
    const end = endOf(key, record, state, policy, without);
    if (end === undefined || now < end) return undefined;
    // The parent may have changed its mind meanwhile: it is looked at once more.
    if (record === 'ds' && (key.parent.last ?? now) < end && !without.has('parent')) return undefined;
    const sight = signersWait(key, record, policy, without);
    if (sight !== undefined && (key.signers?.last ?? 0) < end) return undefined;
  }
  const progress: RecordProgress = {
    state: next,
    since: next === 'hidden' || next === 'omnipresent' ? now : undefined,
  };
  const after = keys.map((one) => (one === key ? { ...key, records: { ...key.records, [record]: progress } } : one));
  return rules.every((rule) => !rule.isKept(keys, state.isLeaving) || rule.isKept(after, state.isLeaving))
    ? after
    : undefined;
}

/** Whether it is of use to introduce a record now. Safety does not depend on this. */
function isTimely(key: KeyProgress, record: KeyRecord, { keys, foreign }: ZoneKeys): boolean {
  // The parent is not asked for a key before caches know those of the other signers as well (RFC 8901 §8).
  if (record === 'ds') return foreign.every((other) => other.record.state === 'omnipresent');
  const { dnskey } = key.records;
  if (record === 'krrsig') return isPublished(dnskey);
  if (record !== 'zrrsig') return true;
  const others = keys.filter((one) => one !== key && one.algorithm === key.algorithm);
  // Where others sign with this algorithm, signatures follow when the key is known; otherwise they come first.
  return dnskey.state === 'omnipresent' || !others.some((one) => isPublished(one.records.zrrsig));
}

function nextTime(state: ZoneKeys, policy: RolloverPolicy, now: number): number | undefined {
  const times: number[] = [];
  for (const key of state.keys) {
    for (const record of RECORDS_OF[key.role]) {
      const { state: own } = key.records[record];
      const end = own === 'rumoured' || own === 'unretentive' ? endOf(key, record, state, policy) : undefined;
      if (end !== undefined && end > now) times.push(end);
    }
    const lifetime = policy.keys.find((one) => isOfKind(key, one))?.lifetime;
    if (lifetime !== undefined && key.active !== undefined) times.push(key.active + lifetime);
  }
  for (const key of state.foreign) if (key.record.state === 'rumoured') times.push(foreignEnd(key, state, policy) ?? 0);
  const ahead = times.filter((time) => time > now);
  return ahead.length === 0 ? undefined : Math.min(...ahead);
}
