/** Describes in words the state of each key, and its waits with their ends. */
import { keyKindText } from '../algorithms.js';
import { type KeyProgress, type KeyRecord, RECORDS_OF, type ZoneKeys } from './key-state.js';
import type { RolloverPolicy } from './rollover-policy.js';
import { endOf, signersWait } from './waits.js';

interface KeyReport {
  readonly id: string;
  /** `KSK 12345, algorithm 13 (ECDSAP256SHA256), to be used`. */
  readonly title: string;
  /** The events that the key waits for, one sentence each; none: it waits for nothing. */
  readonly waits: readonly string[];
}

const NAMES: Readonly<Record<KeyRecord, string>> = {
  dnskey: 'DNSKEY record',
  krrsig: 'signature over the DNSKEY RRset',
  zrrsig: 'signatures over the zone',
  ds: 'DS record',
};

/** Reports on all keys. `now`: seconds since 1970; `zone`: its name, for the commands that are named. */
export function describeKeys(state: ZoneKeys, policy: RolloverPolicy, now: number, zone: string): readonly KeyReport[] {
  return state.keys.map((key) => ({
    id: key.id,
    title: titleOf(key),
    waits: state.isFrozen
      ? [frozenText(zone)]
      : [...waitsOf(key, state, policy, now, zone), ...(isRollAsked(key, state) ? [ROLL_WAITS] : [])],
  }));
}

function frozenText(zone: string): string {
  return `All keys stand still by command: adotd ctl dnssec thaw ${zone} lets them move.`;
}

const ROLL_WAITS = 'A new key was asked for: it is made as soon as resolvers know all records of this one.';

/** Whether a roll waits for this key: the key is still on its way, and would be replaced before it was of use. */
function isRollAsked({ role, goal, active }: KeyProgress, { rolls }: ZoneKeys): boolean {
  return goal === 'omnipresent' && active === undefined && rolls.includes(role);
}

/** Why a roll of `rolled` has to wait, in sentences; none: new keys were made. `state`: after the roll was asked for. */
export function rollWaits(
  state: ZoneKeys,
  policy: RolloverPolicy,
  rolled: readonly KeyProgress[],
  now: number,
  zone: string,
): readonly string[] {
  const roles = new Set(rolled.map(({ role }) => role));
  if (state.isFrozen) return [frozenText(zone)];
  return state.keys
    .filter((key) => roles.has(key.role) && isRollAsked(key, state))
    .flatMap((key) => [
      `${key.role.toUpperCase()} ${key.tag} is not known to all resolvers yet: only then is it replaced.`,
      ...waitsOf(key, state, policy, now, zone).map((text) => `  ${text}`),
    ]);
}

/**
 * Describes the cost of a compromised key: the least time for which resolvers trust it if it is replaced by the rules, and the time
 * for which the zone would be bogus for some of them if the key was taken away at once. `zoneTtl`: as Facts has it.
 */
export function costOfCompromise({ role, tag }: KeyProgress, policy: RolloverPolicy, zoneTtl: number): string {
  const { keyTtl, dsTtl, propagation, parentPropagation } = policy;
  const introduction = keyTtl + propagation;
  const removal = role === 'zsk' ? zoneTtl + propagation : dsTtl + parentPropagation + propagation;
  const held = Math.max(keyTtl, zoneTtl, role === 'zsk' ? 0 : dsTtl);
  const parent = role === 'zsk' ? '' : ', and for as long as the parent needs for the new DS record';
  return (
    `Resolvers trust key ${tag} for ${duration(introduction + removal)} more at least${parent}. ` +
    `Taken away at once, it would leave the zone bogus for some of them for up to ${duration(held + propagation)}${parent}.`
  );
}

/** `1 h 10 min`, `10 s`: the largest unit and the next one. */
function duration(seconds: number): string {
  const counts = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor((seconds % 3600) / 60), 'min'],
    [Math.floor(seconds % 60), 's'],
  ] as const;
  const first = counts.findIndex(([count]) => count > 0);
  const shown = counts.slice(Math.max(0, first), first + 2).filter(([count]) => count > 0);
  return shown.map(([count, unit]) => `${count} ${unit}`).join(' ') || '0 s';
}

function titleOf({ role, tag, algorithm, bits, goal }: KeyProgress): string {
  const purpose = goal === 'omnipresent' ? 'to be used' : 'to disappear';
  return `${role.toUpperCase()} ${tag}, ${keyKindText(algorithm, bits)}, ${purpose}`;
}

function waitsOf(key: KeyProgress, state: ZoneKeys, policy: RolloverPolicy, now: number, zone: string): string[] {
  return RECORDS_OF[key.role].flatMap((record) => {
    const { state: own, since } = key.records[record];
    const what = NAMES[record];
    if (own === 'rumoured' || own === 'unretentive') {
      if (since === undefined) return [`The ${what}: waits until the zone is published.`];
      const end = endOf(key, record, state, policy);
      if (end === undefined)
        return [
          record === 'ds' && isParentWait(key)
            ? parentWait(key, own === 'rumoured', policy, zone)
            : signersText(what, record, own === 'rumoured'),
        ];
      const until = `until ${new Date(end * 1000).toISOString().replace('.000Z', 'Z')}`;
      const held = own === 'rumoured' ? 'lack it' : 'hold it';
      if (end > now) return [`The ${what}: resolvers may ${held} ${until}.`];
      if (signersWait(key, record, policy) !== undefined && (key.signers?.last ?? 0) < end)
        return [`The ${what}: waits for another look at the other signers.`];
      if (record === 'ds' && policy.isParentAsked) return [`The ${what}: waits for another look at the parent.`];
      return [
        `The ${what}: ${own === 'rumoured' ? 'its time has passed; the next step moves it' : 'stays until nothing depends on it'}.`,
      ];
    }
    const isThere = own === 'omnipresent';
    if (isThere === (key.goal === 'omnipresent')) return [];
    return [
      isThere ? `The ${what}: stays until nothing depends on it.` : `The ${what}: comes when resolvers can use it.`,
    ];
  });
}

/** Whether a DS record waits for the parent; otherwise it waits for the other signers. */
function isParentWait({ records: { ds }, parent }: KeyProgress): boolean {
  return parent.sure === undefined || (ds.state === 'rumoured' ? parent.seen : parent.gone) === undefined;
}

function signersText(what: string, record: KeyRecord, isWanted: boolean): string {
  if (record === 'ds')
    return `The DS record: waits until all servers of the other signers ask for it ${isWanted ? 'too' : 'no more'} (CDS, CDNSKEY).`;
  return `The ${what}: waits until all servers of the other signers ${isWanted ? 'have it' : 'have it no more'}.`;
}

function parentWait({ tag }: KeyProgress, isWanted: boolean, { isParentAsked }: RolloverPolicy, zone: string): string {
  if (isParentAsked)
    return `The DS record: waits until all servers of the parent ${isWanted ? 'have it' : 'have lost it'}.`;
  const command = `adotd ctl dnssec ${isWanted ? 'ds-seen' : 'ds-gone'} ${zone} ${tag}`;
  return `The DS record: waits for somebody to ${isWanted ? 'publish it at' : 'remove it from'} the parent, and then to confirm by ${command} that all servers of the parent ${isWanted ? 'have it' : 'have lost it'}.`;
}
