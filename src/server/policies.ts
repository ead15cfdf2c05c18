/** Policies of the server and of zones, from the configuration. */
import { nearest } from '../config/nearest.js';
import type { Config } from '../config/schema.js';
import { compileAccess } from '../image/access.js';
import type { Policies, ZonePolicy } from '../image/policy.js';
import { zoneKey } from '../protocol/name.js';
import { prefixFromText } from '../protocol/prefix.js';
import type { Diagnostic } from '../zone/diagnostics.js';
import type { DnssecChecks } from './zones/load-zone.js';

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

/** What is checked of signed zones when they are loaded. */
export function dnssecChecksOf({ zones }: Pick<Config, 'zones'>): DnssecChecks {
  const own = zones.policies.flatMap(({ zones: names, dnssec_check: check }) =>
    check === undefined ? [] : names.map((name) => [zoneKey(name), check] as const),
  );
  return { otherwise: zones.dnssec_check, zones: new Map(own) };
}

/** undefined without entries: then everybody may ask. */
function accessTable({ allow = [], deny = [] }: AccessConfig): Int32Array | undefined {
  if (allow.length + deny.length === 0) return undefined;
  return compileAccess(allow.map(prefixFromText), deny.map(prefixFromText));
}

/** Returns the place of a configuration's value in its file. */
export type PlaceOf = (path: readonly PropertyKey[]) => Pick<Diagnostic, 'file' | 'line' | 'column'>;

/** The place of values that come from no file. */
const NO_PLACE = { file: 'config', line: 1, column: 1 };

/** Places of a configuration that was just read from `file`. Without policies the file is not read again. */
export function policyPlaces(
  file: { places(): PlaceOf } | undefined,
  { zones }: { readonly zones: Pick<Config['zones'], 'policies'> },
): PlaceOf {
  return file === undefined || zones.policies.length === 0 ? () => NO_PLACE : file.places();
}

/**
 * An error for each name in a policy that no served zone has. The name may be mistyped, and then the intended zone is answered to every
 * client over every transport. `served`: names of zones, absolute and in lower case.
 *
 * A running server accepts such a configuration, and repeats the error until a zone has the name. The zone's file may appear in the
 * folder later, and its policy must be there first: otherwise the zone would be open in between. A change is refused only when it takes
 * the policy away from a zone that is served (misplacedPolicies).
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
 * The errors of a change that takes the policy away from a served zone and gives one to a name that no zone has: the name was probably
 * mistyped, and the zone would be open. Without both there are no errors.
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
  const hint = `${lost.join(' and ')} would lose its policy: if this is intended, remove the policy in a change of its own`;
  return unserved.map((one) => ({ ...one, message: `${one.message} (${hint})` }));
}

function policyNames({ zones }: Pick<Config, 'zones'>): Set<string> {
  return new Set(zones.policies.flatMap((policy) => policy.zones.map(zoneKey)));
}
