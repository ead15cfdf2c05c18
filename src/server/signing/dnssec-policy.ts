/** How a policy of the configuration has its zones signed. */
import type { RolloverPolicy } from '../../dnssec/rollover/rollover-policy.js';
import type { SigningPolicy } from '../../dnssec/signing/signing-policy.js';

/** Plain data. Zones that share a policy share the object. */
export interface DnssecPolicy {
  /** Its name in `dnssec.policies`, or `default`. */
  readonly name: string;
  readonly signing: SigningPolicy;
  readonly rollover: RolloverPolicy;
  /** Whether CDS and CDNSKEY are published (RFC 7344). */
  readonly hasCds: boolean;
  /** Names of the remotes that serve the parent zone; none: people report the DS records that they see. */
  readonly parent: readonly string[];
  /** Names of the remotes of the other signers of the zone (RFC 8901); none: it is signed here alone. */
  readonly signers: readonly string[];
}
