/** How a zone is signed: all but the choice of keys, which follows from their states (rollover/). */
import type { SigningKey } from '../keys/signing-key.js';

export interface SigningPolicy {
  /** NSEC3 without salt and with no additional iterations (RFC 9276 §3.1); undefined: NSEC. */
  readonly nsec3: { readonly optOut: boolean } | undefined;
  /** The most seconds for which a new signature is valid from now. */
  readonly validity: number;
  /** A signature is renewed when it is valid for no more than these seconds. */
  readonly refresh: number;
  /** Seconds over which the ends of signatures are spread; at most validity - refresh. */
  readonly jitter: number;
  /** Signatures begin to be valid these seconds before they are made: clocks of validators may be slow. */
  readonly inceptionOffset: number;
  /** Seconds: TTL of DNSKEY, CDS and CDNSKEY records. */
  readonly keyTtl: number;
}

const DAY = 86_400;

/** Signatures of 14 days, renewed when half of that is left; the hour for slow clocks is that of BIND and Knot. */
export const DEFAULT_SIGNING_POLICY: SigningPolicy = {
  nsec3: undefined,
  validity: 14 * DAY,
  refresh: 7 * DAY,
  jitter: 5 * DAY,
  inceptionOffset: 3600,
  keyTtl: 3600,
};

/** The key records that a zone publishes, and the keys that sign. All of it follows from the states of the keys. */
export interface KeySet {
  /** RDATA of the DNSKEY, CDS and CDNSKEY records at the apex, those of other signers included. */
  readonly dnskey: readonly Uint8Array[];
  readonly cds: readonly Uint8Array[];
  readonly cdnskey: readonly Uint8Array[];
  /** Sign the DNSKEY, CDS and CDNSKEY RRsets (RFC 7344 §4.1). */
  readonly keySigners: readonly SigningKey[];
  /** Sign all other RRsets. None: the zone is not signed. */
  readonly zoneSigners: readonly SigningKey[];
}
