/** The rules of a policy for UPDATE, as messages are judged by them. */
import { nameFromText } from '../../protocol/name.js';
import type { UpdateRule } from '../../transfer/update/update-policy.js';
import type { EffectivePolicy } from '../zone-policy.js';

const made = new WeakMap<EffectivePolicy, readonly UpdateRule[]>();

/** Names are in wire format: they are made once for each policy. */
export function rulesOf(policy: EffectivePolicy): readonly UpdateRule[] {
  const known = made.get(policy);
  if (known !== undefined) return known;
  const rules = policy.update.map(
    ({ key, remote, allow }): UpdateRule => ({
      key: key === undefined ? undefined : nameFromText(key),
      remote,
      allow: allow.map(({ match, name, types }) => {
        const wire = nameFromText(name);
        // `self` of the configuration is the name of the rule's key, which the client has.
        return match === 'subdomain' ? { subdomain: wire, types } : { name: wire, types };
      }),
    }),
  );
  made.set(policy, rules);
  return rules;
}
