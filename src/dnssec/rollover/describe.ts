/** Says in words where each key is, what is waited for, and until when. */
import { algorithmText } from '../algorithms.js';
import { type KeyProgress, type KeyRecord, RECORDS_OF, type ZoneKeys } from './key-state.js';
import type { RolloverPolicy } from './rollover-policy.js';
import { endOf, signersWait } from './waits.js';

interface KeyReport {
  readonly id: string;
  /** `KSK 12345, algorithm 13 (ECDSAP256SHA256), to be used`. */
  readonly title: string;
  /** What is waited for, one sentence each; none: nothing is. */
  readonly waits: readonly string[];
}

const NAMES: Readonly<Record<KeyRecord, string>> = {
  dnskey: 'DNSKEY record',
  krrsig: 'signature over the DNSKEY RRset',
  zrrsig: 'signatures over the zone',
  ds: 'DS record',
};

/** Reports on all keys. `now`: seconds since 1970. */
export function describeKeys(state: ZoneKeys, policy: RolloverPolicy, now: number): readonly KeyReport[] {
  return state.keys.map((key) => ({
    id: key.id,
    title: titleOf(key),
    waits: state.isFrozen ? ['All keys stand still by command.'] : waitsOf(key, state, policy, now),
  }));
}

/**
 * Says what it costs that a compromised key is known: how long resolvers trust it at least, if it is replaced by the rules, and for how
 * long the zone would be bogus for some of them if it was taken away at once. `zoneTtl`: as Facts has it.
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

/** `1 h 10 min`. */
function duration(seconds: number): string {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.round((seconds % 3600) / 60)];
  return [hours > 0 ? `${hours} h` : '', minutes > 0 || hours === 0 ? `${minutes} min` : ''].filter(Boolean).join(' ');
}

function titleOf({ role, tag, algorithm, goal }: KeyProgress): string {
  const purpose = goal === 'omnipresent' ? 'to be used' : 'to disappear';
  return `${role.toUpperCase()} ${tag}, ${algorithmText(algorithm)}, ${purpose}`;
}

function waitsOf(key: KeyProgress, state: ZoneKeys, policy: RolloverPolicy, now: number): string[] {
  return RECORDS_OF[key.role].flatMap((record) => {
    const { state: own, since } = key.records[record];
    const what = NAMES[record];
    if (own === 'rumoured' || own === 'unretentive') {
      if (since === undefined) return [`The ${what}: waits until the zone is published.`];
      const end = endOf(key, record, state, policy);
      if (end === undefined)
        return [
          record === 'ds' && isParentWait(key)
            ? parentWait(key, own === 'rumoured', policy)
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

/** Whether it is the parent that a DS record waits for; otherwise it is the other signers. */
function isParentWait({ records: { ds }, parent }: KeyProgress): boolean {
  return parent.sure === undefined || (ds.state === 'rumoured' ? parent.seen : parent.gone) === undefined;
}

function signersText(what: string, record: KeyRecord, isWanted: boolean): string {
  if (record === 'ds')
    return `The DS record: waits until all servers of the other signers ask for it ${isWanted ? 'too' : 'no more'} (CDS, CDNSKEY).`;
  return `The ${what}: waits until all servers of the other signers ${isWanted ? 'have it' : 'have it no more'}.`;
}

function parentWait({ tag }: KeyProgress, isWanted: boolean, { isParentAsked }: RolloverPolicy): string {
  if (isParentAsked)
    return `The DS record: waits until all servers of the parent ${isWanted ? 'have it' : 'have lost it'}.`;
  return `The DS record: waits for somebody to ${isWanted ? 'publish' : 'remove'} it at the parent (key tag ${tag}), and to confirm that.`;
}
