/** Policies of server and zones, as the configuration has them. */

import { nearest } from '../config/nearest.js';
import type { Config } from '../config/schema.js';
import { compileAccess } from '../image/access.js';
import type { Policies, ZonePolicy } from '../image/policy.js';
import { zoneKey } from '../protocol/name.js';
import { prefixFromText } from '../protocol/prefix.js';
import type { Diagnostic } from '../zone/diagnostics.js';

type AccessConfig = Config['access'];

/** Policies by zone, and the server's access list. */
export function policiesOf(config: Pick<Config, 'access' | 'zones'>): Policies {
  const zones = new Map<string, ZonePolicy>();
  for (const { zones: names, require, access = {} } of config.zones.policies) {
    const policy: ZonePolicy = { tlsOnly: require === 'tls', access: accessTable(access) };
    for (const name of names) zones.set(zoneKey(name), policy);
  }
  return { access: accessTable(config.access), zones };
}

/** undefined when nobody is named: then everybody may ask. */
function accessTable({ allow = [], deny = [] }: AccessConfig): Int32Array | undefined {
  if (allow.length + deny.length === 0) return undefined;
  return compileAccess(allow.map(prefixFromText), deny.map(prefixFromText));
}

/** Where a value of the configuration stands in its file. */
export type PlaceOf = (path: readonly PropertyKey[]) => Pick<Diagnostic, 'file' | 'line' | 'column'>;

/** For what comes from no file. */
const NO_PLACE = { file: 'config', line: 1, column: 1 };

/** Where the values of a configuration stand that was just read from `file`, if it is from one. Without policies nothing is read. */
export function policyPlaces(
  file: { places(): PlaceOf } | undefined,
  { zones }: { readonly zones: Pick<Config['zones'], 'policies'> },
): PlaceOf {
  return file === undefined || zones.policies.length === 0 ? () => NO_PLACE : file.places();
}

/**
 * An error for each name of a policy that is that of no zone (`served`: absolute, in lower case): it is mistyped, and the zone that
 * was meant is answered to everybody and over everything.
 *
 * A running server goes by such a configuration nevertheless, and says so as loudly as of errors, for as long as it is so. The zone
 * may come later by the folder, and has to find its policy there: refused, the policy could only follow the zone, which would be
 * open meanwhile. What is refused is the change that takes a zone's policy away by it (misplacedPolicies).
 */
export function unservedPolicies(
  policies: Config['zones']['policies'],
  served: ReadonlySet<string>,
  placeOf: PlaceOf,
): Diagnostic[] {
  return policies.flatMap(({ zones }, policy) =>
    zones.flatMap((text, index): Diagnostic[] => {
      const name = zoneKey(text);
      if (served.has(name)) return [];
      const near = nearest(name, [...served]);
      const hint = near === undefined ? 'expected the name of a zone that is served' : `did you mean ${near}?`;
      const message = `zones.policies[${policy}].zones[${index}]: no zone ${name} is served; ${hint}`;
      return [{ ...placeOf(['zones', 'policies', policy, 'zones', index]), severity: 'error', message }];
    }),
  );
}

/**
 * The errors of a change of the policies that gives one to a name which no zone has, and takes it from a zone that is served: a
 * name was mistyped, and the zone would be open. None when either is not so.
 */
export function misplacedPolicies(
  before: Pick<Config, 'zones'>,
  after: Pick<Config, 'zones'>,
  served: ReadonlySet<string>,
  placeOf: PlaceOf,
): Diagnostic[] {
  const [old, now] = [policyNames(before), policyNames(after)];
  const lost = [...old].filter((name) => served.has(name) && !now.has(name));
  if (lost.length === 0) return [];
  const unserved = unservedPolicies(after.zones.policies, new Set([...served, ...old]), placeOf);
  const hint = `${lost.join(' and ')} would lose its policy: if that is meant, take it away first`;
  return unserved.map((one) => ({ ...one, message: `${one.message} (${hint})` }));
}

function policyNames({ zones }: Pick<Config, 'zones'>): Set<string> {
  return new Set(zones.policies.flatMap((policy) => policy.zones.map(zoneKey)));
}
