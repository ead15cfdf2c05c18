/**
 * Policies: access lists of the server and of zones, and zones that are answered over TLS only. The catalog has them in one
 * table of words; 0 stands for no policy.
 */

/** The policy of one zone; it does not apply to zones below it. */
export interface ZonePolicy {
  /** Answered over TLS only. */
  readonly tlsOnly: boolean;
  /** A table of compileAccess(); undefined: all clients that may ask the server. */
  readonly access: Int32Array | undefined;
  /** Answered only to clients that may transfer it. */
  readonly isPrivate?: boolean;
}

/** The policies of a server. */
export interface Policies {
  /** Clients that may ask the server: a table of compileAccess(); undefined: all. */
  readonly access: Int32Array | undefined;
  /** By the zone's name as zoneKey() writes it; zones that share a policy share the object. */
  readonly zones: Pick<ReadonlyMap<string, ZonePolicy>, 'get'>;
}

/** All clients are answered, over all transports. */
export const NO_POLICIES: Policies = { access: undefined, zones: new Map() };

/** Words of a zone's policy. */
const POLICY_WORDS = 2;
/** POLICY_TLS, POLICY_PRIVATE, both or 0. */
export const POLICY_FLAGS = 0;
/** Where the access list begins; 0: the zone has none. */
export const POLICY_ACCESS = 1;
/** The zone is REFUSED outside of TLS. */
export const POLICY_TLS = 1;
/** The zone is REFUSED to clients that may not transfer it. */
export const POLICY_PRIVATE = 2;

/** Builds the table, with each policy and each access list once. */
export class PolicyTable {
  readonly #parts: Int32Array[] = [];
  readonly #policies = new Map<ZonePolicy, number>();
  readonly #lists = new Map<Int32Array, number>();
  /** The first word is no policy's. */
  #used = 1;

  /** Where the policy begins. */
  addPolicy(policy: ZonePolicy): number {
    const known = this.#policies.get(policy);
    if (known !== undefined) return known;
    const words = new Int32Array(POLICY_WORDS);
    words[POLICY_FLAGS] = (policy.tlsOnly ? POLICY_TLS : 0) | (policy.isPrivate ? POLICY_PRIVATE : 0);
    words[POLICY_ACCESS] = this.addAccess(policy.access);
    const at = this.#append(words);
    this.#policies.set(policy, at);
    return at;
  }

  /** Where the access list begins, 0 for none. */
  addAccess(access: Int32Array | undefined): number {
    if (access === undefined) return 0;
    const at = this.#lists.get(access) ?? this.#append(access);
    this.#lists.set(access, at);
    return at;
  }

  /** The table, in shared memory. */
  words(): Int32Array {
    const words = new Int32Array(new SharedArrayBuffer(this.#used * Int32Array.BYTES_PER_ELEMENT));
    let at = 1;
    for (const part of this.#parts) {
      words.set(part, at);
      at += part.length;
    }
    return words;
  }

  #append(part: Int32Array): number {
    const at = this.#used;
    this.#parts.push(part);
    this.#used += part.length;
    return at;
  }
}
