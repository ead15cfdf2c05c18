/** Which policy of the configuration a zone has. Loader threads use this too: it must not load the schema. */
import { zoneKey } from '../protocol/name.js';

/** The keys of a policy that choose its zones. */
interface Choosing {
  readonly zones: readonly string[];
  readonly default: boolean;
}

/** Policies by the zones that they apply to, as indexes in `zones.policies`. Plain data. */
export interface PolicyChoice {
  /** By the key of the name, of patterns too: `*.example.test.`. */
  readonly names: ReadonlyMap<string, number>;
  readonly hasPatterns: boolean;
  /** The default policy; -1: there is none. */
  readonly otherwise: number;
}

/** Several parts of a server ask for the choice of one list, which can name all members of a catalog. */
const known = new WeakMap<readonly Choosing[], PolicyChoice>();

export function policyChoice(policies: readonly Choosing[]): PolicyChoice {
  let choice = known.get(policies);
  if (choice !== undefined) return choice;
  const names = new Map<string, number>();
  policies.forEach((policy, index) => {
    for (const name of policy.zones) names.set(zoneKey(name), index);
  });
  const hasPatterns = [...names.keys()].some(isPattern);
  choice = { names, hasPatterns, otherwise: policies.findIndex((policy) => policy.default) };
  known.set(policies, choice);
  return choice;
}

/** Whether a name in a policy stands for all names below it, as `*.example.test`. */
export function isPattern(name: string): boolean {
  return name === '*' || name.startsWith('*.');
}

/**
 * Index of the policy of a zone; -1: it has none. The policy of its name comes first, then the longest pattern, then the default.
 *
 * @param zone The key of its name (zoneKey).
 */
export function policyIndex(choice: PolicyChoice, zone: string): number {
  const { names, otherwise } = choice;
  const named = names.get(zone);
  if (named !== undefined) return named;
  const pattern = patternOf(choice, zone);
  return pattern === undefined ? otherwise : names.get(pattern)!;
}

/** The longest pattern that a zone matches, as a key of `names`. */
export function patternOf({ names, hasPatterns }: PolicyChoice, zone: string): string | undefined {
  if (!hasPatterns) return undefined;
  for (let above = parentKey(zone); above !== undefined; above = parentKey(above)) {
    const pattern = above === '.' ? '*.' : `*.${above}`;
    if (names.has(pattern)) return pattern;
  }
  return undefined;
}

/** The key of the name above; undefined for the root. */
function parentKey(key: string): string | undefined {
  if (key === '.') return undefined;
  // A dot within a label is written as `\.`, a backslash as `\\`.
  const rest = /^(?:[^.\\]|\\.)+\.(.*)$/s.exec(key)?.[1] ?? '';
  return rest === '' ? '.' : rest;
}
