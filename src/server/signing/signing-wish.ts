/** The wish of the configuration for signing a zone. */
import { isPattern, policyChoice, policyIndex } from '../../config/policy-choice.js';
import type { Config } from '../../config/schema.js';
import { UNSIGNED } from '../../config/signing/dnssec.js';
import { leaving } from '../../dnssec/rollover/events.js';
import type { ZoneKeys } from '../../dnssec/rollover/key-state.js';
import { zoneKey } from '../../protocol/name.js';
import type { DnssecPolicy } from './dnssec-policy.js';
import { dnssecPolicies } from './policies-of-config.js';
import type { StoredSigning } from './stored/stored-signing.js';

export interface SigningWish {
  /** The policy that the configuration names; undefined: none. */
  readonly dnssec: DnssecPolicy | undefined;
  /** Whether a policy that names the zone itself says `dnssec: off`. */
  readonly isOff: boolean;
}

/** The wishes of a configuration: the result takes the key of a zone's name. */
export function signingWishes(config: Pick<Config, 'zones' | 'dnssec'>): (zone: string) => SigningWish {
  const { policies } = config.zones;
  const policyNamed = dnssecPolicies(config);
  const choice = policyChoice(policies);
  const off = policies.filter(({ dnssec }) => dnssec === UNSIGNED).flatMap(({ zones }) => zones.map(zoneKey));
  const named = new Set(off.filter((name) => !isPattern(name)));
  return (zone) => ({ dnssec: policyNamed(policies[policyIndex(choice, zone)]?.dnssec), isOff: named.has(zone) });
}

/**
 * The policy by which states move: the configured one, or else the last one, by which the records in caches were made; undefined: there
 * never was one.
 */
export function policyOrLast({ policy }: StoredSigning, { dnssec }: SigningWish): DnssecPolicy | undefined {
  return dnssec ?? policy;
}

/** The policy that a zone is signed by; undefined: none, or it is to be unsigned. */
export function policyInForce(kept: StoredSigning, wish: SigningWish): DnssecPolicy | undefined {
  return wish.dnssec ?? (isOnlyKept(kept, wish) ? kept.policy : undefined);
}

/**
 * The states of a zone's keys with the wish noted. Only a line that is there begins or ends an unsigning: `dnssec`, or `off` for the zone
 * itself. A missing line may have been mistyped: a zone with keys stays as it is, and a zone without keys gets none. A zone that another
 * signer serves too cannot become unsigned here alone: its DS records would make it bogus.
 */
export function withWish(keys: ZoneKeys, { dnssec, isOff }: SigningWish): ZoneKeys {
  const isAlone = keys.foreign.length === 0;
  return leaving(keys, dnssec === undefined && isAlone && (isOff || keys.isLeaving || keys.keys.length === 0));
}

/** Whether a zone has keys and stays signed, although the configuration does not say so: by the policy that was in force last. */
export function isOnlyKept({ keys, policy }: StoredSigning, { dnssec, isOff }: SigningWish): boolean {
  return policy !== undefined && dnssec === undefined && !isOff && !keys.isLeaving && keys.keys.length > 0;
}

/** Whether `off` is about to make a zone with keys unsigned: nothing of that is stored yet. */
export function isLeavingNow({ keys }: StoredSigning, { dnssec, isOff }: SigningWish): boolean {
  return dnssec === undefined && isOff && !keys.isLeaving && keys.keys.length > 0;
}

/** The warning about a zone that is only kept. */
export function onlyKeptText(zone: string, { policy }: StoredSigning): string {
  const name = policy?.name ?? '';
  return (
    `${zone} stays signed by the policy ${name} that it had: no policy of the configuration has \`dnssec\` for it; ` +
    `write \`dnssec: ${name}\` again, or, to make it unsigned, \`dnssec: off\` in a policy that names ${zone} itself`
  );
}

/** The warning about a zone that `dnssec: off` makes unsigned. */
export function leavingText(zone: string): string {
  return `${zone} is to be unsigned, by \`dnssec: off\`: first the parent removes the DS record, then the signatures go; see adotd ctl dnssec status ${zone}`;
}

/** The warning about a zone that is only kept, or about to be unsigned; undefined: none. */
export function warningOf(zone: string, kept: StoredSigning, wish: SigningWish): string | undefined {
  if (isLeavingNow(kept, wish)) return leavingText(zone);
  return isOnlyKept(kept, wish) ? onlyKeptText(zone, kept) : undefined;
}
