/**
 * The keeper of zones: changes of all zones go through it, of those that come from files or primaries, and of those that are changed or
 * made here. A version is first stored durably, where it has to be, then published to all threads. Work of one zone is done in order;
 * zones do not wait for each other.
 */
import { AdotdError, ErrorCode } from '../../errors.js';
import { type Catalog, type Publisher, ZONE_EXPIRED } from '../../image/catalog.js';
import { PendingView } from '../../image/changes/pending-view.js';
import { ImageView } from '../../image/changes/zone-view.js';
import { boundedHistory } from '../../image/history.js';
import { imageFacts } from '../../image/image-facts.js';
import { nameFromText } from '../../protocol/name.js';
import type { Clock } from '../../session/clock.js';
import { composeRuns } from '../../zone/changes/compose.js';
import type { Difference } from '../../zone/changes/difference.js';
import type { RunPair } from '../../zone/changes/record-run.js';
import type { EffectivePolicy } from '../zone-policy.js';
import { type FileVersion, fileVersion } from './file-versions.js';
import type { LoaderLane } from './jobs/loader-lane.js';
import { KeptFiles } from './kept-files.js';
import {
  inOrder,
  type Kept,
  type KeptZone,
  type MakeChanges,
  newKept,
  type WaitingChange,
  type ZoneRole,
} from './kept-zone.js';
import type { ZoneResult } from './load-zone.js';
import { attempt, versionOf } from './making-changes.js';
import { Publication } from './publication.js';

/** A version that was made elsewhere: by a transfer. */
interface NewVersion {
  /** Compiled, in shared memory. */
  readonly image: Uint8Array;
  /** From the version that was served before; undefined: the content is another altogether. */
  readonly differences: readonly Difference[] | undefined;
  /** That of the primary; the published one is the image's. */
  readonly sourceSerial: number;
  /** Name of the remote that gave it. */
  readonly origin?: string | undefined;
}

type PolicyOf = (zone: string) => EffectivePolicy;

interface KeeperParts {
  readonly publisher: Publisher;
  readonly lane: LoaderLane;
  readonly clock: Clock;
  readonly policyOf: PolicyOf;
  /** Called when a zone of a file has been given another version. */
  replaced?(zone: string, image: Uint8Array): void;
}

/** Called with the key of a zone and its serial. */
type Listener = (zone: string, serial: number) => void;

export class ZoneKeeper {
  readonly #publisher: Publisher;
  readonly #lane: LoaderLane;
  readonly #clock: Clock;
  readonly #publication: Publication;
  readonly #zones = new Map<string, Kept>();
  readonly #listeners: Listener[] = [];
  /** Serials that have changed since a catalog was last made. */
  readonly #changed = new Map<string, number>();
  readonly #files: KeptFiles;
  readonly #replaced: KeeperParts['replaced'];
  #policyOf: PolicyOf;

  constructor({ publisher, lane, clock, policyOf, replaced }: KeeperParts) {
    this.#replaced = replaced;
    this.#publisher = publisher;
    this.#lane = lane;
    this.#clock = clock;
    this.#policyOf = policyOf;
    this.#publication = new Publication(publisher, () => this.#announcement());
    this.#files = new KeptFiles({
      zones: this.#zones,
      publisher,
      version: (kept, result) => this.#fileVersion(kept, result),
      changed: (zone, serial) => void this.#changed.set(zone, serial),
      giveUp: (kept) => giveUp(kept, 'is not served any more'),
    });
  }

  /** Puts other policies in force, for changes from now on. */
  configure(policyOf: PolicyOf): void {
    this.#policyOf = policyOf;
  }

  /** Publishes with `post` from now on. */
  begin(post: (catalog: Catalog) => Promise<void>): void {
    this.#publication.begin(post);
  }

  /** Publishes what has changed; fulfilled when no answer comes from an older version any more. */
  publish(): Promise<void> {
    return this.#publication.publish();
  }

  /** Zones by the keys of their names. */
  get(zone: string): KeptZone | undefined {
    const kept = this.#zones.get(zone);
    return kept && this.#describe(kept);
  }

  /** All zones. */
  *all(): Iterable<KeptZone> {
    for (const kept of this.#zones.values()) yield this.#describe(kept);
  }

  /**
   * Changes a zone that is made here or comes from a file. Calls for one zone that wait together are made one after the other on one
   * view, and become one version: with one serial, stored once, published once. The keeper sets the serial, unless a change sets a later
   * one. Fulfilled once the version is stored and every thread answers from it. Throws what `make` throws, ADOTD_ZONE_STATE when the zone
   * cannot be changed, ADOTD_ZONE_INVALID when the result would be no valid zone, and the errors of the store; nothing of this call is
   * applied then.
   */
  change(zone: string, make: MakeChanges): Promise<{ readonly serial: number }> {
    const kept = this.#zones.get(zone);
    if (kept === undefined) return Promise.reject(stateError(zone, 'is not served'));
    const done = new Promise<{ readonly serial: number }>((resolve, reject) => {
      kept.waiting.push({ make, resolve, reject });
    });
    if (kept.waiting.length === 1) void inOrder(kept, () => this.#makeAll(kept, kept.waiting.splice(0)));
    return done;
  }

  /** Serves a version that was made elsewhere. Fulfilled once it is stored and every thread answers from it. */
  adopt(zone: string, version: NewVersion): Promise<void> {
    const kept = this.#zones.get(zone);
    if (kept === undefined) return Promise.reject(stateError(zone, 'is not served'));
    return inOrder(kept, async () => {
      const { image, differences, sourceSerial, origin } = version;
      const history = differences === undefined ? [] : [...kept.history, ...differences];
      await this.#serve(kept, { image, history, sourceSerial, origin });
    });
  }

  /**
   * Adds a zone that is in no file: until it has a version, it is answered with SERVFAIL. A zone that is there in this role stays as it
   * is. Throws ADOTD_ZONE_STATE when it is there in another role.
   */
  declare(zone: string, role: Exclude<ZoneRole, 'file'>): void {
    const known = this.#zones.get(zone);
    if (known?.role === role) return;
    if (known !== undefined) throw stateError(zone, `is served already, as ${known.role}`);
    const kept = newKept(zone, nameFromText(zone), role);
    this.#zones.set(zone, kept);
    this.#publisher.fail(kept.apex);
    void this.#publication.publish();
  }

  /** Stops serving a zone that was declared, and forgets it. */
  async withdraw(zone: string): Promise<void> {
    const kept = this.#zones.get(zone);
    if (kept === undefined || kept.role === 'file') return;
    await inOrder(kept, async () => {
      giveUp(kept, 'is not served any more');
      this.#zones.delete(zone);
      this.#publisher.remove(kept.apex);
      await this.#publication.publish();
    });
  }

  /** Answers SERVFAIL for a zone whose primaries are silent for too long, until it is adopted or renewed. */
  async expire(zone: string): Promise<void> {
    const kept = this.#zones.get(zone);
    if (kept === undefined) return;
    await inOrder(kept, async () => {
      if (kept.state !== 'served') return;
      kept.expired = this.#publisher.imageOf(kept.apex);
      kept.state = 'expired';
      this.#publisher.fail(kept.apex, ZONE_EXPIRED);
      await this.#publication.publish();
    });
  }

  /** Serves an expired zone again as it was: a primary has said that there is no newer version. */
  async renew(zone: string): Promise<void> {
    const kept = this.#zones.get(zone);
    if (kept === undefined) return;
    await inOrder(kept, async () => {
      if (kept.state !== 'expired' || kept.expired === undefined) return;
      this.#put(kept, kept.expired, kept.history);
      await this.#publication.publish();
    });
  }

  /** The zones that come from files; for the loader. */
  get files(): KeptFiles {
    return this.#files;
  }

  /** Calls `listener` after each publication that has changed the serial of a zone. */
  onPublished(listener: Listener): void {
    this.#listeners.push(listener);
  }

  /** Gives up what waits. */
  close(): void {
    for (const kept of this.#zones.values()) giveUp(kept, 'cannot be changed: the server is being stopped');
    this.#lane.close();
  }

  #fileVersion(kept: Kept, result: ZoneResult): Promise<FileVersion> {
    const { zone, apex, state, history, sourceSerial, overlay } = kept;
    const image = state === 'served' ? this.#publisher.imageOf(apex) : undefined;
    const before = { image, history, sourceSerial, overlay };
    return fileVersion(result, { before, policy: this.#policyOf(zone), now: this.#clock.seconds(), lane: this.#lane });
  }

  #describe(kept: Kept): KeptZone {
    const { zone, apex, role, state, serial, sourceSerial, history, origin, waiting } = kept;
    const image = state === 'served' ? this.#publisher.imageOf(apex) : kept.expired;
    return { zone, apex, role, state, image, serial, sourceSerial, history, origin, pending: waiting.length };
  }

  /** Makes one version of changes; if they cannot be made together, one version of each. Never rejects. */
  async #makeAll(kept: Kept, batch: readonly WaitingChange[]): Promise<void> {
    let taken: readonly WaitingChange[] = batch;
    try {
      const image = this.#changeable(kept);
      const view = new PendingView(new ImageView(image));
      taken = batch.filter((one) => attempt(one, view));
      if (view.changes() !== undefined) await this.#makeVersion(kept, image, view);
      for (const { resolve } of taken) resolve({ serial: kept.serial });
    } catch (error) {
      const isShared = taken.length > 1 && error instanceof AdotdError && error.code === ErrorCode.ZONE_INVALID;
      if (isShared) for (const one of taken) await this.#makeAll(kept, [one]);
      else for (const { reject } of taken) reject(error);
    }
  }

  async #makeVersion(kept: Kept, older: Uint8Array, view: PendingView): Promise<void> {
    const { zone, apex, serial, sourceSerial, role } = kept;
    const context = {
      zone,
      published: serial,
      policy: this.#policyOf(zone),
      now: this.#clock.seconds(),
      lane: this.#lane,
    };
    const { image, difference } = await versionOf(older, view, context);
    const overlay = role === 'file' ? composeRuns(apex, kept.overlay ?? NOTHING, difference) : undefined;
    await this.#serve(kept, { image, history: [...kept.history, difference], sourceSerial, overlay });
  }

  /** The image that changes begin at. Throws ADOTD_ZONE_STATE. */
  #changeable({ zone, apex, role }: Kept): Uint8Array {
    if (role === 'secondary' || role === 'catalog-consumed')
      throw stateError(zone, 'comes from a primary: it is changed there');
    const image = this.#publisher.imageOf(apex);
    if (image === undefined) throw stateError(zone, 'has no version that could be changed');
    return image;
  }

  /** Stores a version, then publishes it. */
  async #serve(kept: Kept, version: Version): Promise<void> {
    const { image, history, sourceSerial, origin, overlay } = version;
    kept.sourceSerial = sourceSerial;
    kept.origin = origin;
    kept.overlay = overlay;
    this.#put(kept, image, history);
    await this.#publication.publish();
  }

  #put(kept: Kept, image: Uint8Array, history: readonly Difference[]): void {
    const { serial } = imageFacts(image);
    kept.history = boundedHistory(history, image);
    kept.state = 'served';
    kept.expired = undefined;
    kept.serial = serial;
    this.#changed.set(kept.zone, serial);
    this.#publisher.put(kept.apex, image, kept.history);
    if (kept.role === 'file') this.#replaced?.(kept.zone, image);
  }

  /** Called when a catalog is made: returns what to do once it is published. */
  #announcement(): () => void {
    const changed = [...this.#changed];
    this.#changed.clear();
    return () => {
      for (const [zone, serial] of changed) for (const listener of this.#listeners) listener(zone, serial);
    };
  }
}

/** A version that is to be served. */
interface Version {
  readonly image: Uint8Array;
  /** Oldest first. */
  readonly history: readonly Difference[];
  readonly sourceSerial: number;
  readonly origin?: string | undefined;
  readonly overlay?: RunPair | undefined;
}

const NOTHING: RunPair = { removed: new Uint8Array(0), added: new Uint8Array(0) };

function giveUp({ zone, waiting }: Kept, reason: string): void {
  for (const { reject } of waiting.splice(0)) reject(stateError(zone, reason));
}

function stateError(zone: string, reason: string): AdotdError {
  return new AdotdError(ErrorCode.ZONE_STATE, `zone ${zone} ${reason}`);
}
