/**
 * Policies for groups of catalogs (RFC 9432 §4.3.2): a policy that names a group applies to the members with this group. The configuration
 * in force has the names of these zones, so that every part that goes by policies knows names only.
 */
import { policyChoice } from '../../config/policy-choice.js';
import type { Config } from '../../config/schema.js';
import { messageOf } from '../../errors.js';
import type { Log } from '../../observe/log.js';

/** A member of a consumed catalog. */
interface GroupedZone {
  /** As zoneKey() writes it. */
  readonly zone: string;
  readonly groups: readonly string[];
}

export class MemberPolicies {
  #given: Config;
  #members: readonly GroupedZone[];
  #config: Config;

  /** `config`: as it was written; `members`: those that are in force. */
  constructor(config: Config, members: readonly GroupedZone[]) {
    this.#given = config;
    this.#members = members;
    this.#config = withMembers(config, members);
  }

  /** The configuration in force, in which policies name members. */
  get config(): Config {
    return this.#config;
  }

  /** Follows a configuration as it was written. */
  configure(config: Config): void {
    this.#given = config;
    this.#config = withMembers(config, this.#members);
  }

  /** The configuration that configure() would put in force. */
  with(config: Config): Config {
    return config === this.#given ? this.#config : withMembers(config, this.#members);
  }

  /** Follows members. Returns whether that gives a zone another policy. */
  follow(members: readonly GroupedZone[]): boolean {
    const before = namesOf(this.#config);
    this.#members = members;
    this.#config = withMembers(this.#given, members);
    return namesOf(this.#config) !== before;
  }
}

function namesOf({ zones }: Config): string {
  return zones.policies.map((policy) => [...policy.zones].sort().join()).join(';');
}

/**
 * The configuration with the names of members in the policies for their groups; the same object when there are none. A policy that names a
 * zone itself comes before one for its group. Of several groups, in the order of their octets, the first that a policy names counts.
 */
function withMembers(config: Config, members: readonly GroupedZone[]): Config {
  const { policies } = config.zones;
  const byGroup = new Map(policies.flatMap(({ groups }, index) => groups.map((group) => [group, index] as const)));
  if (byGroup.size === 0) return config;
  const { names } = policyChoice(policies);
  const added = policies.map((): string[] => []);
  for (const { zone, groups } of members) {
    if (names.has(zone)) continue;
    const group = groups.find((one) => byGroup.has(one));
    if (group !== undefined) added[byGroup.get(group)!]!.push(zone);
  }
  if (added.every((zones) => zones.length === 0)) return config;
  const all = policies.map((policy, index) => ({ ...policy, zones: [...policy.zones, ...added[index]!] }));
  return { ...config, zones: { ...config.zones, policies: all } };
}

/** The parts that have to follow new policies before anything is served by them. */
interface FollowingParts {
  /** The threads that answer: fulfilled with whether anything has changed. May reject. */
  configure(config: Config): Promise<boolean>;
  /** Restricts the zones that are published from now on by these policies. */
  restrict(config: Config): void;
  /** Publishes all zones. */
  publish(): Promise<void>;
  readonly log: Pick<Log, 'error'>;
}

/** Puts configurations and members in force, one change after the other. */
export class PoliciesInForce {
  readonly #members: MemberPolicies;
  readonly #parts: FollowingParts;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(members: MemberPolicies, parts: FollowingParts) {
    this.#members = members;
    this.#parts = parts;
  }

  get config(): Config {
    return this.#members.config;
  }

  /** Puts a configuration in force, in the threads that answer. Rejects as they do; then nothing has changed. */
  configure(config: Config): Promise<boolean> {
    return this.#next(async () => {
      const isChanged = await this.#parts.configure(this.#members.with(config));
      this.#members.configure(config);
      return isChanged;
    });
  }

  /** Puts the policies of these members in force for answers. Fulfilled with whether that gives a zone another policy. Never rejects. */
  follow(members: readonly GroupedZone[]): Promise<boolean> {
    return this.#next(async () => {
      if (!this.#members.follow(members)) return false;
      const { configure, restrict, publish, log } = this.#parts;
      try {
        restrict(this.config);
        await configure(this.config);
        await publish();
      } catch (error) {
        log.error({ err: error }, `policies for groups of catalogs are not in force: ${messageOf(error)}`);
      }
      return true;
    });
  }

  #next<T>(step: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(step);
    this.#queue = done.catch(() => undefined);
    return done;
  }
}
