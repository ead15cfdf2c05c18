/** Makes the versions of zones: of their files, and of changes. It reads and stores what that needs, but serves nothing. */
import { AdotdError } from '../../../errors.js';
import type { PendingView } from '../../../image/changes/pending-view.js';
import { imageFacts } from '../../../image/image-facts.js';
import type { Clock } from '../../../session/clock.js';
import { composeRuns } from '../../../zone/changes/compose.js';
import type { RunPair } from '../../../zone/changes/record-run.js';
import type { EffectivePolicy } from '../../zone-policy.js';
import type { LoaderLane } from '../jobs/loader-lane.js';
import type { KeptState } from '../kept-state.js';
import type { Kept, NewVersion } from '../kept-zone.js';
import type { ZoneResult } from '../load-zone.js';
import { acceptedVersion } from './accepted-file.js';
import { type FileVersion, fileVersion, isChangedHere, refusedVersion, storeFileVersion } from './file-versions.js';
import { versionOf } from './making-changes.js';

export type PolicyOf = (zone: string) => EffectivePolicy;

interface MakerParts {
  readonly lane: LoaderLane;
  readonly clock: Clock;
  readonly policyOf: PolicyOf;
  readonly state: KeptState | undefined;
}

/** A version that a change has made. */
interface ChangedVersion {
  readonly version: NewVersion;
  /** That of the zone from then on. */
  readonly overlay: RunPair | undefined;
}

const NOTHING: RunPair = { removed: new Uint8Array(0), added: new Uint8Array(0) };

export class VersionMaker {
  readonly #lane: LoaderLane;
  readonly #clock: Clock;
  readonly #state: KeptState | undefined;
  /** Zones whose files are to be taken as they are. */
  readonly #accepted = new Set<string>();
  #policyOf: PolicyOf;

  constructor({ lane, clock, policyOf, state }: MakerParts) {
    this.#lane = lane;
    this.#clock = clock;
    this.#policyOf = policyOf;
    this.#state = state;
  }

  /** Puts other policies in force, for versions from now on. */
  configure(policyOf: PolicyOf): void {
    this.#policyOf = policyOf;
  }

  /** Has the next file of the zone taken as it is. */
  acceptFile(zone: string): void {
    this.#accepted.add(zone);
  }

  /** Whether versions of the zone are stored. */
  isStored({ zone, role }: Kept): boolean {
    return role !== 'file' || isChangedHere(this.#policyOf(zone));
  }

  /** The version that a file makes of its zone; it is stored. `served`: the version that is served. */
  async ofFile(kept: Kept, result: ZoneResult, served: Uint8Array | undefined): Promise<FileVersion> {
    const context = { policy: this.#policyOf(kept.zone), now: this.#clock.seconds(), lane: this.#lane };
    const state = isChangedHere(context.policy) ? this.#state : undefined;
    try {
      if (state !== undefined && result.image !== undefined && this.#accepted.delete(kept.zone))
        return await acceptedVersion(kept, result, result.image, context, state);
      // What was changed beside the file does not come back when that is allowed again.
      if (state === undefined && served === undefined) await this.#state?.remove(kept.zone);
      const image = served ?? (await this.#read(kept, state));
      const { history, sourceSerial, overlay } = kept;
      const before = { image, isServed: served !== undefined, history, sourceSerial, overlay };
      const version = await fileVersion(result, { before, ...context });
      await storeFileVersion(kept, before, version, result.image, state);
      return version;
    } catch (error) {
      if (!(error instanceof AdotdError)) throw error;
      return refusedVersion(kept, result, error.message);
    }
  }

  /** The version that a view of the image `older` shows. Throws ADOTD_ZONE_INVALID when that is no valid zone. */
  async ofChange(kept: Kept, older: Uint8Array, view: PendingView): Promise<ChangedVersion> {
    const { zone, apex, serial: published, sourceSerial, role } = kept;
    const context = { zone, published, policy: this.#policyOf(zone), now: this.#clock.seconds(), lane: this.#lane };
    const { image, difference } = await versionOf(older, view, context);
    const overlay = role === 'file' ? composeRuns(apex, kept.overlay ?? NOTHING, difference) : undefined;
    return { version: { image, differences: [difference], sourceSerial }, overlay };
  }

  /** Reads a zone from the state, and returns its image. Rejects with ADOTD_STATE. */
  read(kept: Kept): Promise<Uint8Array | undefined> {
    return this.#read(kept, this.#state);
  }

  async #read(kept: Kept, state: KeptState | undefined): Promise<Uint8Array | undefined> {
    const stored = await state?.read(kept, this.#clock.seconds());
    if (stored === undefined) return undefined;
    const { image, history, sourceSerial, origin, overlay } = stored;
    Object.assign(kept, { history, sourceSerial, origin, overlay, serial: imageFacts(image).serial });
    return image;
  }
}
