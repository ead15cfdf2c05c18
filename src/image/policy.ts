/**
 * Who is answered, zone by zone: access lists, and whether a zone is for TLS alone. The catalog holds all of it in one table
 * of words; 0 stands for no policy.
 */

/** What holds for one zone, itself and nothing below it that is a zone of its own. */
export interface ZonePolicy {
  /** Answered inside TLS only. */
  readonly tlsOnly: boolean;
  /** A table of compileAccess(); undefined: whoever may ask the server may ask for this zone. */
  readonly access: Int32Array | undefined;
}

/** The policies of a server. */
export interface Policies {
  /** Who may ask the server anything: a table of compileAccess(), or undefined for everybody. */
  readonly access: Int32Array | undefined;
  /** By the zone's name in presentation format, absolute and in lower case; zones that share one share the object. */
  readonly zones: ReadonlyMap<string, ZonePolicy>;
}

/** Everybody is answered, over everything. */
export const NO_POLICIES: Policies = { access: undefined, zones: new Map() };

/** Words of a zone's policy. */
const POLICY_WORDS = 2;
/** POLICY_TLS or 0. */
export const POLICY_FLAGS = 0;
/** Where the access list begins, 0: there is none. */
export const POLICY_ACCESS = 1;
/** The zone is REFUSED outside of TLS. */
export const POLICY_TLS = 1;

/** Puts policies and access lists into one table, each once. */
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
    words[POLICY_FLAGS] = policy.tlsOnly ? POLICY_TLS : 0;
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
