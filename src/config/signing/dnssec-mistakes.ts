/** Mistakes between the keys of signing and those of zones: policies that are not there, and zones that cannot be signed. */
import type * as z from 'zod/mini';
import { zoneKey } from '../../protocol/name.js';
import { nearest } from '../nearest.js';
import { policyChoice, policyIndex } from '../policy-choice.js';
import type { zones } from '../zones.js';
import { DEFAULT_POLICY, type dnssec, dnssecPolicyNamed, policyMistakes, UNSIGNED } from './dnssec.js';

interface Config {
  readonly zones: z.output<typeof zones>;
  readonly dnssec: z.output<typeof dnssec>;
}

interface Mistake {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Whether a policy of zones has them signed. */
export function isSigned({ dnssec: name = UNSIGNED }: { readonly dnssec?: string | undefined }): boolean {
  return name !== UNSIGNED;
}

export function dnssecMistakes(config: Config): Mistake[] {
  const { policies } = config.dnssec;
  const inner = Object.entries(policies).flatMap(([name, policy]) =>
    [...policyMistakes(policy)].map(({ key, message }) => ({ path: ['dnssec', 'policies', name, key], message })),
  );
  return [...inner, ...useMistakes(config), ...sourceMistakes(config)];
}

/** The mistakes in the policies of zones. */
function useMistakes({ zones, dnssec }: Config): Mistake[] {
  return zones.policies.flatMap(({ dnssec: name = UNSIGNED, serial }, index): Mistake[] => {
    if (name === UNSIGNED) return [];
    const path = ['zones', 'policies', index];
    const found: Mistake[] = [];
    if (dnssecPolicyNamed(dnssec, name) === undefined) {
      const near = nearest(name, [...Object.keys(dnssec.policies), DEFAULT_POLICY, UNSIGNED]);
      const hint = near === undefined ? '' : `; did you mean ${near}?`;
      const message = `expected a name in \`dnssec.policies\`, ${DEFAULT_POLICY} or ${UNSIGNED}${hint}`;
      found.push({ path: [...path, 'dnssec'], message });
    }
    if (serial === 'keep') {
      const message =
        'expected increment, unixtime or date beside `dnssec`: a zone that is signed anew needs a later serial';
      found.push({ path: [...path, 'serial'], message });
    }
    return found;
  });
}

/** Catalogs are not signed. */
function sourceMistakes({ zones }: Config): Mistake[] {
  const choice = policyChoice(zones.policies);
  const isToBeSigned = (name: string): boolean => {
    const policy = zones.policies[policyIndex(choice, zoneKey(name))];
    return policy !== undefined && isSigned(policy);
  };
  const remedy = 'give it a policy of its own without `dnssec`';
  const transferred = `expected no \`dnssec\` for a catalog zone, which nobody validates: ${remedy}`;
  return [
    ...zones.catalogs.flatMap(({ zone }, index) =>
      isToBeSigned(zone) ? [{ path: ['zones', 'catalogs', index, 'zone'], message: transferred }] : [],
    ),
    ...zones.policies.flatMap(({ catalog }, index) =>
      catalog !== undefined && isToBeSigned(catalog)
        ? [
            {
              path: ['zones', 'policies', index, 'catalog'],
              message: `expected no \`dnssec\` for a catalog zone, which nobody validates: ${remedy}`,
            },
          ]
        : [],
    ),
  ];
}
