/** The signer of zones, as the keeper of zones (zones/zone-keeper.ts) sees it. */
import type { ApexKeys } from '../../dnssec/signing/apex-keys.js';
import type { KeySet, SigningPolicy } from '../../dnssec/signing/signing-policy.js';
import type { SigningWork } from '../../observe/metrics/signing-facts.js';
import type { GivenKeys } from './signers/foreign-keys.js';

/** How a version of a zone is signed. Can be posted to threads. */
export interface SigningPlan {
  /**
   * Stands for the published keys, the signing keys, the kind of chain and the TTL of the keys. Versions of one content by plans with one
   * id differ in times only. The id is stored with the version.
   */
  readonly id: string;
  /** Without `zoneSigners`, the version is unsigned: the last keys have just gone. */
  readonly keys: KeySet;
  readonly policy: SigningPolicy;
}

/** The work that signing a version took. */
export interface SignedWork {
  readonly work: SigningWork;
  readonly signatures: number;
  readonly seconds: number;
}

export interface ZoneSigners {
  /** Whether the zone is signed here, is to be, or once was: then the server gives it serials of its own, and stores its versions. */
  isSigner(zone: string): boolean;
  /**
   * How the next version of the zone is to be signed; undefined: not at all, since it may not be signed yet, or was unsigned long ago. The
   * states of the keys move first, and are stored. `content`: an image of its records, signed or not. To be called in the queue of the zone
   * only. `given`: keys of other signers that the version brings; undefined: they stay as they are. Rejects with ADOTD_ZONE_INVALID when
   * one of them is not allowed, with ADOTD_DNSSEC_KEY when a key cannot be had, and with ADOTD_STATE when nothing can be stored: the
   * version that is served stays then.
   */
  plan(zone: string, content: Uint8Array, given?: GivenKeys): Promise<SigningPlan | undefined>;
  /** To be called when a version was signed, whether it comes to be served or not. */
  signed?(work: SignedWork): void;
  /** The records of other signers in the zone's content (RFC 8901); undefined: it can have none. */
  foreignOf(zone: string): ApexKeys | undefined;
  /** To be called when all threads answer from a version by this plan, also after a start from the state. Never rejects. */
  published(zone: string, plan: SigningPlan): Promise<void>;
}
