/** The rules that say which clients may change which records of a zone by UPDATE (RFC 2136 §3.3, RFC 3007 §3). */
import { Type } from '../../protocol/iana.js';
import { labelCount, sameName, suffixAt } from '../../protocol/name.js';

/** Names in wire format. Of `name`, `subdomain` and `self`, one is given. */
export interface UpdateGrant {
  /** This name only. */
  readonly name?: Uint8Array | undefined;
  /** This name and all below it. */
  readonly subdomain?: Uint8Array | undefined;
  /** The name of the client's key. */
  readonly self?: boolean | undefined;
  /** Numbers; undefined: all types but NS and SOA. */
  readonly types?: ReadonlySet<number> | undefined;
}

/** A client's rights. The rule is for the client that has both the key and the remote, as far as they are given. */
export interface UpdateRule {
  /** Name of a TSIG key. */
  readonly key?: Uint8Array | undefined;
  /** Name of a remote of the configuration. */
  readonly remote?: string | undefined;
  readonly allow: readonly UpdateGrant[];
}

/** A client as it has shown itself. */
interface Updater {
  /** Name of the TSIG key with which the message is signed; undefined: with none. */
  readonly key: Uint8Array | undefined;
  /** Whether the client is a remote of this name. */
  isRemote(name: string): boolean;
}

/** Types that are the server's own: made by signing, or for the zone as a whole. Nobody may change them. */
const RESERVED: ReadonlySet<number> = new Set([Type.RRSIG, Type.NSEC, Type.NSEC3, Type.NSEC3PARAM, Type.ZONEMD]);

/** Types that make a zone or a delegation: a rule has to name them. */
const BY_NAME: ReadonlySet<number> = new Set([Type.NS, Type.SOA]);

export function isReserved(type: number): boolean {
  return RESERVED.has(type);
}

/** A client's rights to change records of one zone. */
export class Permissions {
  readonly #grants: readonly UpdateGrant[];
  readonly #key: Uint8Array | undefined;

  constructor(rules: readonly UpdateRule[], updater: Updater) {
    this.#key = updater.key;
    this.#grants = rules.filter((rule) => isFor(rule, updater)).flatMap(({ allow }) => allow);
  }

  /** Whether the client may change nothing at all. */
  get isEmpty(): boolean {
    return this.#grants.length === 0;
  }

  /** Whether the client may change records of `type` at a name. */
  allows(owner: Uint8Array, type: number): boolean {
    return !isReserved(type) && this.#grants.some((grant) => this.#covers(grant, owner) && hasType(grant, type));
  }

  /** Whether the client may change records of any type at a name. */
  allowsName(owner: Uint8Array): boolean {
    return this.#grants.some((grant) => this.#covers(grant, owner));
  }

  #covers({ name, subdomain, self }: UpdateGrant, owner: Uint8Array): boolean {
    if (name !== undefined) return sameName(name, 0, owner, 0);
    if (subdomain !== undefined) return suffixAt(owner, 0, subdomain, labelCount(subdomain)) >= 0;
    return self === true && this.#key !== undefined && sameName(this.#key, 0, owner, 0);
  }
}

/** A rule that names neither key nor remote is for nobody. */
function isFor({ key, remote }: UpdateRule, updater: Updater): boolean {
  if (key === undefined && remote === undefined) return false;
  if (key !== undefined && (updater.key === undefined || !sameName(key, 0, updater.key, 0))) return false;
  return remote === undefined || updater.isRemote(remote);
}

function hasType({ types }: UpdateGrant, type: number): boolean {
  return types === undefined ? !BY_NAME.has(type) : types.has(type);
}
