/** How a zone's keys are rolled, and how long it takes until everybody sees a change. All times are seconds. */
import type { KeyRole } from './key-state.js';

/** A key that the zone is to have. */
export interface WantedKey {
  readonly role: KeyRole;
  readonly algorithm: number;
  /** Bits of an RSA key; undefined: a key that is there stays, whatever its size. */
  readonly bits?: number | undefined;
  /** How long a key is used before it is replaced; undefined: until that is asked for. */
  readonly lifetime: number | undefined;
}

export interface RolloverPolicy {
  /** A csk, or a ksk and a zsk of one algorithm. */
  readonly keys: readonly WantedKey[];
  /** TTL of the DNSKEY RRset. */
  readonly keyTtl: number;
  /** The largest TTL of the DS RRset at the parent. */
  readonly dsTtl: number;
  /** Until all secondaries of the zone have a new version. */
  readonly propagation: number;
  /** Until all servers of the parent answer as the asked ones do. */
  readonly parentPropagation: number;
  /** Whether DS records are looked up at the parent's servers; otherwise people report them. */
  readonly isParentAsked: boolean;
  /** Whether other signers serve the zone as well (RFC 8901): their servers are asked for the keys. */
  readonly hasOtherSigners?: boolean | undefined;
}
