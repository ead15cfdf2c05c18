/** Commands of people for a zone's keys. Each takes the stored state of the zone, and returns the new one. */
import type { SigningKey } from '../../dnssec/keys/signing-key.js';
import { bitsOf } from '../../dnssec/keys.js';
import { clockBehind, clockTrusted } from '../../dnssec/rollover/clock-events.js';
import { costOfCompromise, rollWaits } from '../../dnssec/rollover/describe.js';
import { compromised, dsConfirmed, rollAsked, startAllowed } from '../../dnssec/rollover/events.js';
import type { KeyProgress, KeyRole, RecordProgress } from '../../dnssec/rollover/key-state.js';
import { RECORDS_OF } from '../../dnssec/rollover/key-state.js';
import type { RolloverPolicy } from '../../dnssec/rollover/rollover-policy.js';
import { AdotdError, ErrorCode } from '../../errors.js';
import { newKeyId } from './stored/key-files.js';
import { dnskeyOf, type StoredSigning } from './stored/stored-signing.js';
import { ADJUSTMENT } from './watched-clock.js';

/** Says which keys are to be replaced. Without role and id: all of the zone. */
export interface RollOrder {
  readonly role?: KeyRole | undefined;
  readonly id?: string | undefined;
  /** Others may know the private key: it is replaced at once, and disappears as soon as possible. */
  readonly compromised?: boolean | undefined;
}

/** The outcome of a roll that was asked for, in sentences. */
export interface RollOutcome {
  /** For each compromised key: the cost of its compromise. */
  readonly costs: readonly string[];
  /** Why new keys have to wait. */
  readonly waits: readonly string[];
}

/** A key that another program has signed the zone with until now. */
export interface ImportedKey {
  readonly role: KeyRole;
  readonly key: SigningKey;
}

function fail(reason: string): never {
  throw new AdotdError(ErrorCode.DNSSEC_KEY, reason);
}

/** The keys that an order means. Throws ADOTD_DNSSEC_KEY when there are none. */
export function keysToRoll({ keys }: StoredSigning, zone: string, { role, id }: RollOrder): readonly KeyProgress[] {
  const meant = keys.keys.filter(
    (key) =>
      (id === undefined ? key.goal === 'omnipresent' : key.id === id) && (role === undefined || key.role === role),
  );
  if (meant.length > 0) return meant;
  const what = id !== undefined ? `key ${id}` : role !== undefined ? `${role.toUpperCase()} in use` : 'key in use';
  const known = keys.keys.map((key) => `${key.id} (${key.role.toUpperCase()} ${key.tag})`).join(', ') || 'none';
  return fail(`found no ${what} of ${zone}, expected one of its keys: ${known}`);
}

export function withRoll(kept: StoredSigning, zone: string, order: RollOrder): StoredSigning {
  let { keys } = kept;
  for (const { id, role } of keysToRoll(kept, zone, order))
    keys = order.compromised === true ? compromised(keys, id) : rollAsked(keys, role);
  return { ...kept, keys };
}

/** The outcome of an order. `keys`: those that it meant, as they were before it. `policy`: moves them; undefined: there is none. */
export function rollOutcome(
  { keys }: StoredSigning,
  zone: string,
  { compromised: isCompromised, keys: rolled }: RollOrder & { readonly keys: readonly KeyProgress[] },
  policy: RolloverPolicy | undefined,
  now: number,
): RollOutcome {
  if (policy === undefined) return { costs: [], waits: [] };
  const zoneTtl = keys.current.zone.at(-1) ?? 0;
  const costs = isCompromised === true ? rolled.map((key) => costOfCompromise(key, policy, zoneTtl)) : [];
  return { costs, waits: rollWaits(keys, policy, rolled, now, zone) };
}

/** Throws ADOTD_DNSSEC_KEY where no key waits for that. */
export function withDsSeen(
  kept: StoredSigning,
  zone: string,
  id: string,
  isThere: boolean,
  now: number,
): StoredSigning {
  const [key] = keysToRoll(kept, zone, { id });
  const wanted = isThere ? 'rumoured' : 'unretentive';
  const isParentAsked = kept.policy?.rollover.isParentAsked ?? false;
  const keys = dsConfirmed(kept.keys, id, isThere, now, isParentAsked);
  if (key !== undefined && key.role !== 'zsk' && key.records.ds.state === wanted) return { ...kept, keys };
  const state = key?.role === 'zsk' ? 'it is a ZSK, which has none' : `its state is ${key?.records.ds.state}`;
  return fail(
    `found the DS record of key ${id} of ${zone} confirmed to be ${isThere ? 'there' : 'gone'}, but that is not waited for: ${state}; look at adotd ctl dnssec status ${zone}`,
  );
}

/**
 * All signatures of a zone are to be made anew. `isClockRight`: somebody says that the clock is right, whatever the keys have seen. Throws
 * ADOTD_DNSSEC_KEY where there are no keys, and while it is not known whether the clock is behind, or was ahead before.
 */
export function withClock(kept: StoredSigning, zone: string, now: number, isClockRight: boolean): StoredSigning {
  if (kept.keys.keys.length === 0) fail(`${zone} has no keys: there is nothing to sign with`);
  const behind = clockBehind(kept.keys, now);
  if (isClockRight) return behind > 0 ? { ...kept, keys: clockTrusted(kept.keys, now) } : kept;
  if (behind <= ADJUSTMENT) return kept;
  return fail(
    `the clock says ${timeText(now)}, and the keys of ${zone} have seen ${timeText(kept.keys.time)}: what is signed by a wrong clock is bogus; ` +
      `set the clock, or, if it is right and was ahead before, add --clock-is-right`,
  );
}

function timeText(time: number): string {
  return new Date(time * 1000).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Throws ADOTD_DNSSEC_KEY where it would make no key, or would make the zone bogus. */
export function withStart(kept: StoredSigning, zone: string, isConfigured: boolean): StoredSigning {
  if (!isConfigured)
    fail(`no policy of the configuration has ${zone} signed: write \`dnssec\` in its policy first, and reload`);
  if (kept.keys.keys.length > 0) fail(`${zone} has keys already: there is nothing to start`);
  if (kept.policy?.rollover.isParentAsked === true)
    fail(
      `${zone} is signed as soon as all servers of its parent say that there is no DS record: have the old ones removed there`,
    );
  return { ...kept, keys: startAllowed(kept.keys) };
}

interface Import {
  readonly kept: StoredSigning;
  /** Files to be written. */
  readonly files: readonly { readonly id: string; readonly key: SigningKey }[];
}

/**
 * Takes over keys. Where the zone has none, they count as those that it was signed with until now: everybody knows them, and the parent has
 * the DS records. Where it has keys, the same ones are expected: then only their files are written again. Other keys replace them only if
 * the parent has a DS record of one of the other keys (`isAtParent`), and of none of the zone's keys: then the state is older than the
 * keys. Throws ADOTD_DNSSEC_KEY.
 */
export function withImport(
  kept: StoredSigning,
  zone: string,
  imported: readonly ImportedKey[],
  at: number,
  isAtParent: (key: SigningKey) => boolean = () => false,
): Import {
  const now = Math.max(at, kept.keys.time);
  if (imported.length === 0) fail(`found no key for ${zone}, expected one at least`);
  const given = imported.map((one) => ({ ...one, id: idOfKnown(kept, one.key) }));
  const others = given.filter(({ id }) => id === undefined);
  const isNewer = others.some(({ role, key }) => role !== 'zsk' && isAtParent(key));
  if (kept.keys.keys.length > 0 && others[0] !== undefined && !isNewer)
    fail(
      `${zone} has keys already, and key ${others[0].key.tag} is none of them: only keys that it has can be given again, or those whose DS records were seen while it had none of its own`,
    );
  const roles = new Set(
    others.flatMap(({ role }) => (role === 'csk' ? (['csk', 'ksk', 'zsk'] as const) : [role, 'csk'])),
  );
  const before = kept.keys.keys.map((key) => (roles.has(key.role) ? { ...key, goal: 'hidden' as const } : key));
  const files = given.map(({ id = newKeyId(), key }) => ({ id, key }));
  if (others.length === 0) return { kept, files };
  checkWhole(zone, [...imported, ...before.filter(({ goal }) => goal === 'omnipresent').map(asGiven)]);
  const added = given.flatMap(({ id, role, key }, i) =>
    id === undefined ? [keyInUse(files[i]!.id, role, key, now)] : [],
  );
  const texts = files.map(({ id, key }) => [id, Buffer.from(key.dnskey).toString('base64')]);
  const dnskeys = { ...kept.dnskeys, ...Object.fromEntries(texts) };
  const keys = [...before, ...added];
  const state = { ...kept.keys, keys, wasSigned: true, isLeaving: false, time: now };
  return { kept: { ...kept, keys: state, dnskeys, isUnsigned: false }, files };
}

function idOfKnown({ keys, dnskeys }: StoredSigning, key: SigningKey): string | undefined {
  return keys.keys.find(({ id }) => Buffer.compare(dnskeyOf(dnskeys, id), key.dnskey) === 0)?.id;
}

/** The parts of a key that checkWhole() looks at. */
interface GivenKey {
  readonly role: KeyRole;
  readonly key: Pick<SigningKey, 'algorithm' | 'tag' | 'isEntryPoint'>;
}

function asGiven({ role, algorithm, tag }: KeyProgress): GivenKey {
  return { role, key: { algorithm, tag, isEntryPoint: role !== 'zsk' } };
}

/** A zone needs a key that its parent can point to, and one that signs it, of each algorithm. */
function checkWhole(zone: string, imported: readonly GivenKey[]): void {
  for (const { role, key } of imported) {
    if ((role !== 'zsk') === key.isEntryPoint) continue;
    fail(
      `key ${key.tag} of ${zone}: found the flag SEP ${key.isEntryPoint ? 'set' : 'not set'}, which no ${role.toUpperCase()} has`,
    );
  }
  for (const algorithm of new Set(imported.map(({ key }) => key.algorithm))) {
    const roles = imported.filter(({ key }) => key.algorithm === algorithm).map(({ role }) => role);
    if (roles.includes('csk') || (roles.includes('ksk') && roles.includes('zsk'))) continue;
    fail(
      `${zone}: found ${roles.map((role) => role.toUpperCase()).join(', ')} of algorithm ${algorithm}, expected a KSK and a ZSK, or a CSK`,
    );
  }
}

function keyInUse(id: string, role: KeyRole, { algorithm, tag, dnskey }: SigningKey, now: number): KeyProgress {
  const known: RecordProgress = { state: 'omnipresent', since: now };
  const of = (record: 'dnskey' | 'krrsig' | 'zrrsig' | 'ds'): RecordProgress =>
    RECORDS_OF[role].includes(record) ? known : { state: 'hidden', since: undefined };
  const records = { dnskey: of('dnskey'), krrsig: of('krrsig'), zrrsig: of('zrrsig'), ds: of('ds') };
  const parent = { seen: undefined, gone: undefined, sure: undefined, last: undefined };
  const bits = bitsOf(dnskey);
  const kind = { role, algorithm, ...(bits !== undefined && { bits }) };
  return { id, ...kind, tag, goal: 'omnipresent', created: now, active: now, records, parent };
}
