/** The parts that the signing of zones works with (zone-signing.ts). */
import type { Log } from '../../observe/log.js';
import type { Clock } from '../../session/clock.js';
import type { Identity } from '../process/privileges.js';
import type { AskResolver } from './parent/delegation-resolver.js';
import type { AskParent } from './parent/parent-servers.js';
import type { AskSigners } from './signers/signers-look.js';
import type { SigningWish } from './signing-wish.js';
import type { SigningTable } from './signing-zone.js';

/** The keeper of zones, as the signing of zones sees it. */
export interface SignedZones {
  get(zone: string): { readonly state: string; readonly image?: Uint8Array | undefined } | undefined;
  all(): Iterable<{ readonly zone: string }>;
  onPublished(listener: (zone: string) => void): void;
  /**
   * Makes a version where the plan is another, or signatures are due; with `isAnew`, all signatures. `made`: the number of signatures;
   * `early`: that of RRsets with a signature that was not valid yet; `nextDue`: seconds since 1970.
   */
  resign(
    zone: string,
    isAnew?: boolean,
  ): Promise<{ readonly nextDue: number | undefined; readonly made: number; readonly early: number }>;
}

export interface SigningOptions {
  readonly state: { table(name: string): SigningTable };
  /** The folder of the state. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
  /** The user that the server becomes, while it runs as root. */
  readonly owner?: Identity | undefined;
  /** Instead of the servers that the configuration has. */
  readonly askParent?: AskParent | undefined;
  /** Instead of the resolvers that the configuration has. */
  readonly askResolver?: AskResolver | undefined;
  readonly askSigners?: AskSigners | undefined;
  /** Instead of the wishes of the configuration. */
  readonly wishOf?: ((zone: string) => SigningWish) | undefined;
}
