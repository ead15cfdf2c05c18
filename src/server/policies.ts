/** Policies of the server and of zones, from the configuration. */
import { nearest } from '../config/nearest.js';
import { isPattern, type PolicyChoice, patternOf, policyChoice, policyIndex } from '../config/policy-choice.js';
import type { Config } from '../config/schema.js';
import { compileAccess } from '../image/access.js';
import { NO_POLICIES, type Policies, type ZonePolicy } from '../image/policy.js';
import { zoneKey } from '../protocol/name.js';
import { prefixFromText } from '../protocol/prefix.js';
import type { Diagnostic } from '../zone/diagnostics.js';

type AccessConfig = Config['access'];

/** Policies of zones, and the server's access list. */
export function policiesOf(config: Pick<Config, 'access' | 'zones'>): Policies {
  const access = accessTable(config.access);
  const { policies } = config.zones;
  const hidden = hiddenCatalogs(config);
  if (policies.length + hidden.size === 0) return { ...NO_POLICIES, access };
  const choice = policyChoice(policies);
  const all = policies.map(({ require, access: own = {} }): ZonePolicy => {
    return { tlsOnly: require === 'tls', access: accessTable(own) };
  });
  const ofHidden = all.map((policy): ZonePolicy => ({ ...policy, isPrivate: true }));
  const get = (zone: string): ZonePolicy | undefined => {
    const index = policyIndex(choice, zone);
    return hidden.has(zone) ? (ofHidden[index] ?? HIDDEN) : all[index];
  };
  return { access, zones: { get } };
}

/** The policy of a catalog zone that has no other. */
const HIDDEN: ZonePolicy = { tlsOnly: false, access: undefined, isPrivate: true };

/** The keys of catalog zones of both kinds, unless they are public: they list all zones, and are for those who may transfer them. */
function hiddenCatalogs({ zones }: Pick<Config, 'zones'>): Set<string> {
  if (zones.public_catalogs) return new Set();
  const produced = zones.policies.flatMap(({ catalog }) => catalog ?? []);
  return new Set([...zones.catalogs.map(({ zone }) => zone), ...produced].map(zoneKey));
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

/** The zones that come from primaries, by the keys of their names. */
export function transferredZones({
  zones,
}: Pick<Config, 'zones'>): { zone: string; role: 'secondary' | 'catalog-consumed' }[] {
  const secondaries = zones.secondary.flatMap((entry) => entry.zones);
  return [
    ...secondaries.map((name) => ({ zone: zoneKey(name), role: 'secondary' as const })),
    ...zones.catalogs.map(({ zone }) => ({ zone: zoneKey(zone), role: 'catalog-consumed' as const })),
  ];
}

/**
 * An error for each zone that comes from a primary and is in a file too: the server leaves the file out. `fileOf`: the file that
 * has the zone of a key.
 */
export function filesOfTransferred(
  { zones }: Pick<Config, 'zones'>,
  fileOf: ReadonlyMap<string, string>,
  placeOf: PlaceOf,
): Diagnostic[] {
  const secondaries = zones.secondary.flatMap((entry, index) =>
    entry.zones.map((name, at) => ({ name, path: ['zones', 'secondary', index, 'zones', at] })),
  );
  const catalogs = zones.catalogs.map(({ zone }, index) => ({
    name: zone,
    path: ['zones', 'catalogs', index, 'zone'],
  }));
  return [...secondaries, ...catalogs].flatMap(({ name, path }): Diagnostic[] => {
    const file = fileOf.get(zoneKey(name));
    if (file === undefined) return [];
    const message = `zone ${zoneKey(name)} comes from a primary, and is in ${file} too; expected one of the two: remove the file, or this entry`;
    return [{ ...placeOf(path), severity: 'error', message }];
  });
}

/** The keys of zones that the configuration names and that are in no file: secondaries, and catalogs of both kinds. */
export function configuredZones({ zones }: Pick<Config, 'zones'>): string[] {
  const produced = zones.policies.flatMap(({ catalog }) => (catalog === undefined ? [] : zoneKey(catalog)));
  return [...transferredZones({ zones }).map(({ zone }) => zone), ...produced];
}

/**
 * An error for each name in a policy that no served zone has. The name may be mistyped, and then the intended zone is answered to every
 * client over every transport. A pattern is no such name: it may be there for zones that come later. `served`: names of zones, absolute
 * and in lower case.
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
  return namesOf(policies).flatMap(({ name, path, text }): Diagnostic[] => {
    if (served.has(name) || isPattern(name)) return [];
    const near = nearest(name, [...served]);
    const hint = near === undefined ? 'expected the name of a zone that is served' : `did you mean ${near}?`;
    return [{ ...placeOf(path), severity: 'error', message: `${text}: no zone ${name} is served; ${hint}` }];
  });
}

interface PolicyName {
  /** Key of the zone's name, or of a pattern. */
  readonly name: string;
  readonly path: readonly (string | number)[];
  /** The path as messages have it. */
  readonly text: string;
}

/** Every name and pattern that the policies have. */
export function namesOf(policies: Config['zones']['policies']): PolicyName[] {
  return policies.flatMap(({ zones }, policy) =>
    zones.map((zone, index) => ({
      name: zoneKey(zone),
      path: ['zones', 'policies', policy, 'zones', index],
      text: `zones.policies[${policy}].zones[${index}]`,
    })),
  );
}

/**
 * The errors of a change that takes the policy away from a served zone and gives one to a name that no zone has, or to a pattern that
 * none matches: the name was probably mistyped, and the zone would be open. Without both there are no errors. A zone has lost its policy
 * too when a shorter pattern or the default policy takes its place.
 */
export function misplacedPolicies(
  before: Pick<Config, 'zones'>,
  after: Pick<Config, 'zones'>,
  served: ReadonlySet<string>,
  placeOf: PlaceOf,
): Diagnostic[] {
  const [old, now] = [policyChoice(before.zones.policies), policyChoice(after.zones.policies)];
  const zones = [...served];
  const lost = zones.filter((zone) => closeness(old, zone) > closeness(now, zone));
  if (lost.length === 0) return [];
  const hint = `${lost.join(' and ')} would lose its policy: if this is intended, remove the policy in a change of its own`;
  const unserved = unservedPolicies(after.zones.policies, new Set([...served, ...old.names.keys()]), placeOf);
  const used = new Set(zones.map((zone) => patternOf(now, zone)));
  const unmatched = namesOf(after.zones.policies).flatMap(({ name, path, text }): Diagnostic[] => {
    if (!isPattern(name) || used.has(name) || old.names.has(name)) return [];
    return [{ ...placeOf(path), severity: 'error', message: `${text}: no zone that is served matches ${name}` }];
  });
  return [...unserved, ...unmatched].map((one) => ({ ...one, message: `${one.message} (${hint})` }));
}

/**
 * How closely a policy names a zone: the zone's name is closer than any pattern, a longer pattern is closer than a shorter one; 0: not at
 * all.
 */
function closeness(choice: PolicyChoice, zone: string): number {
  if (choice.names.has(zone)) return Number.POSITIVE_INFINITY;
  return patternOf(choice, zone)?.length ?? 0;
}
