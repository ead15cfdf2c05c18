/** The version of a zone that is signed already, as signing sees it. Names are in wire format, and in lower case. */

export interface ViewRrset {
  /** Seconds. */
  readonly ttl: number;
  /** In canonical order (RFC 4034 §6.3). */
  readonly rdata: readonly Uint8Array[];
}

/** An entry of the NSEC3 chain. */
export interface HashedEntry {
  /** The hash of the name that it belongs to, 20 octets. */
  readonly hash: Uint8Array;
  readonly rrset: ViewRrset;
  /** RDATA of its signatures. */
  readonly signatures: readonly Uint8Array[];
}

export interface SignedView {
  /** The zone's name. */
  readonly apex: Uint8Array;
  /** How it denies names; undefined: it is not signed. */
  readonly denial: 'NSEC' | 'NSEC3' | undefined;
  /** Types of the RRsets of a name, in rising order; RRSIG is not among them. None when it does not exist. */
  types(owner: Uint8Array): readonly number[];
  rrset(owner: Uint8Array, type: number): ViewRrset | undefined;
  /** RDATA of the signatures over an RRset. */
  signatures(owner: Uint8Array, type: number): readonly Uint8Array[];
  /** The owner of the last NSEC record before a name, which is not the apex. */
  nsecBefore(name: Uint8Array): Uint8Array;
  /** The entry of the NSEC3 chain for a hash; undefined: it has none. */
  nsec3At(hash: Uint8Array): HashedEntry | undefined;
  /** The last entry of the NSEC3 chain before a hash; before the first one is the last one. */
  nsec3Before(hash: Uint8Array): HashedEntry;
  /** All names below the given ones that own records, or that have such names below them. */
  namesBelow(names: readonly Uint8Array[]): readonly Uint8Array[];
  /** For each given name, the number of names directly below it that are in the NSEC3 chain. */
  childrenInChain(names: readonly Uint8Array[]): readonly number[];
}
