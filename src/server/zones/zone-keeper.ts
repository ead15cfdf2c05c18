/**
 * The keeper of zones: changes of all zones go through it, of those that come from files or primaries, and of those that are changed or
 * made here. A version is first stored durably, where it has to be, then published to all threads. Work of one zone is done in order;
 * zones do not wait for each other.
 */
import { AdotdError, ErrorCode, messageOf } from '../../errors.js';
import { type Catalog, type Publisher, ZONE_EXPIRED } from '../../image/catalog.js';
import { boundedHistory } from '../../image/history.js';
import { imageFacts } from '../../image/image-facts.js';
import { nameFromText } from '../../protocol/name.js';
import type { Clock } from '../../session/clock.js';
import type { StoredFacts } from '../../state/zone-facts.js';
import type { Difference } from '../../zone/changes/difference.js';
import type { RunPair } from '../../zone/changes/record-run.js';
import type { SigningPlan, ZoneSigners } from '../signing/zone-signers.js';
import type { LoaderLane } from './jobs/loader-lane.js';
import { KeptFiles } from './kept-files.js';
import type { KeptState } from './kept-state.js';
import {
  describe,
  giveUp,
  inOrder,
  isKept,
  type Kept,
  type KeptZone,
  type MakeChanges,
  mustBeKept,
  type NewVersion,
  newKept,
  stateError,
  type WaitingChange,
  type ZoneRole,
} from './kept-zone.js';
import { Publication, type PublishedListener } from './publication.js';
import { attemptAll, changeable, enqueue, signable } from './versions/making-changes.js';
import { type GivenVersion, type PolicyOf, VersionMaker } from './versions/version-maker.js';

/** The outcome of signing a zone anew. */
interface Resigned {
  readonly serial: number;
  /** Signatures that were made, and RRsets that had one which is not valid yet. */
  readonly made: number;
  readonly early: number;
  /** Seconds since 1970: when the next signature of the version is due; undefined without any. Those of later changes: firstDue(). */
  readonly nextDue: number | undefined;
}

interface KeeperParts {
  readonly publisher: Publisher;
  readonly lane: LoaderLane;
  readonly clock: Clock;
  readonly policyOf: PolicyOf;
  /** Without it, nothing is stored, and zones come from files only. */
  readonly state?: KeptState | undefined;
  readonly signers?: ZoneSigners | undefined;
  /** Gets a line about each zone that cannot be served, with the reason. */
  report?(text: string): void;
  /** Called when a zone of a file has been given another version. `signaturesExpire`: when the first RRset loses its last signature. */
  replaced?(zone: string, image: Uint8Array, signaturesExpire?: number): void;
  /** Called when the signatures of the version that is served were looked at. */
  examined?(zone: string, signaturesExpire: number | undefined): void;
}

export class ZoneKeeper {
  readonly #publisher: Publisher;
  readonly #lane: LoaderLane;
  readonly #clock: Clock;
  readonly #publication: Publication;
  readonly #zones = new Map<string, Kept>();
  readonly #files: KeptFiles;
  readonly #replaced: KeeperParts['replaced'];
  readonly #examined: KeeperParts['examined'];
  readonly #report: (text: string) => void;
  readonly #state: KeptState | undefined;
  readonly #signers: ZoneSigners | undefined;
  readonly #maker: VersionMaker;

  constructor(parts: KeeperParts) {
    const { publisher, lane, state, signers, replaced, examined, report = () => undefined } = parts;
    this.#signers = signers;
    this.#state = state;
    this.#report = report;
    this.#replaced = replaced;
    this.#examined = examined;
    this.#publisher = publisher;
    this.#lane = lane;
    this.#clock = parts.clock;
    this.#maker = new VersionMaker(parts);
    this.#publication = new Publication(publisher);
    this.#files = new KeptFiles({
      zones: this.#zones,
      publisher,
      version: (kept, result) => {
        const served = kept.state === 'served' ? publisher.imageOf(kept.apex) : undefined;
        return this.#maker.ofFile(kept, result, served);
      },
      changed: (zone, serial) => this.#publication.changed(zone, serial),
      signed: (kept, plan) => void inOrder(kept, () => this.#publishSigned(kept, plan)),
      giveUp: (kept) => giveUp(kept, 'is not served any more'),
    });
  }

  /** Puts other policies in force, for changes from now on. */
  configure(policyOf: PolicyOf): void {
    this.#maker.configure(policyOf);
  }

  /** Publishes with `post` from now on. */
  begin(post: (catalog: Catalog) => Promise<void>): void {
    this.#publication.begin(post);
  }

  /** Publishes the zones that have changed; fulfilled when no answer comes from an older version any more. */
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
   * one. Fulfilled once the version is stored and every thread answers from it. Throws the errors of `make`, ADOTD_ZONE_STATE when the zone
   * cannot be changed, ADOTD_ZONE_INVALID when the result would be no valid zone, and the errors of the store; nothing of this call is
   * applied then.
   */
  change(zone: string, make: MakeChanges): Promise<{ readonly serial: number }> {
    const kept = this.#zones.get(zone);
    if (kept === undefined) return Promise.reject(stateError(zone, 'is not served'));
    return new Promise((resolve, reject) => {
      enqueue(kept, { make, resolve, reject }, this.#clock, (batch) => this.#makeAll(kept, batch));
    });
  }

  /**
   * Signs a zone by its present plan (ZoneSigners). A version with the next serial is made when the plan is another than that of the
   * present version, when signatures are due, or when all are to be made anew. Fulfilled once it is stored and every thread answers from
   * it. Rejects as change() does.
   */
  resign(zone: string, isAnew = false): Promise<Resigned> {
    const kept = this.#zones.get(zone);
    if (kept === undefined) return Promise.reject(stateError(zone, 'is not served'));
    return inOrder(kept, async () => {
      const image = signable(kept, this.#publisher.imageOf(kept.apex));
      const { plan, made, early, nextDue, signaturesExpire } = await this.#maker.ofPlan(kept, image, isAnew);
      if (made !== undefined) await this.#serve(kept, made.version, made.overlay);
      else if (plan !== undefined) {
        this.#examined?.(zone, signaturesExpire);
        await this.#publishSigned(kept, plan);
      }
      return { serial: kept.serial, made: made?.signatures ?? 0, early, nextDue };
    });
  }

  /** Whether the zone is signed here: then its primaries give its content only. */
  isSignedHere(zone: string): boolean {
    return this.#maker.isSigner(zone);
  }

  /**
   * Serves a version that was made elsewhere, or the version that signing makes of content. Fulfilled once it is stored and every thread
   * answers from it. Rejects as VersionMaker.ofGiven() does.
   */
  adopt(zone: string, given: GivenVersion): Promise<void> {
    const kept = this.#zones.get(zone);
    if (kept === undefined) return Promise.reject(stateError(zone, 'is not served'));
    return inOrder(kept, async () => {
      const older = kept.expired ?? this.#publisher.imageOf(kept.apex);
      await this.#serve(kept, await this.#maker.ofGiven(kept, older, given));
    });
  }

  /**
   * Adds a zone that is in no file: until it has a version, it is answered with SERVFAIL. A version that is stored is served soon, unless
   * it has expired. A zone that is there in this role stays as it is. Throws ADOTD_ZONE_STATE when it is there in another role.
   */
  declare(zone: string, role: Exclude<ZoneRole, 'file'>): void {
    const known = this.#zones.get(zone);
    if (known?.role === role) return;
    if (known !== undefined) throw stateError(zone, `is served already, as ${known.role}`);
    const kept = newKept(zone, nameFromText(zone), role);
    this.#zones.set(zone, kept);
    this.#publisher.fail(kept.apex);
    if (this.#state === undefined) void this.#publication.publish();
    else void inOrder(kept, () => this.#restore(kept));
  }

  /** Fulfilled when the work on the zone that is known now is done, such as reading its stored version. */
  async settled(zone: string): Promise<void> {
    await this.#zones.get(zone)?.tail;
  }

  /** The stored facts of a zone besides its versions. */
  facts(zone: string): StoredFacts | undefined {
    return this.#state?.facts(zone);
  }

  /** Octets of the differences of a zone that are stored behind its last whole version. */
  journal(zone: string): number {
    return this.#state?.journal(zone) ?? 0;
  }

  /** Stores facts of a zone, `timers.expires` among them. Rejects with ADOTD_STATE. */
  async note(zone: string, facts: Partial<StoredFacts>): Promise<void> {
    await this.#state?.note(zone, facts);
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
      await this.#state?.remove(zone);
    });
  }

  /** Answers SERVFAIL for a zone whose primaries are silent for too long, until it is adopted or renewed. */
  async expire(zone: string): Promise<void> {
    const kept = this.#zones.get(zone);
    if (kept === undefined) return;
    await inOrder(kept, async () => {
      if (kept.state !== 'served' || !isKept(this.#zones, kept)) return;
      this.#setExpired(kept, this.#publisher.imageOf(kept.apex));
      await this.#publication.publish();
    });
  }

  /** Serves an expired zone again as it was: a primary has said that there is no newer version. */
  async renew(zone: string): Promise<void> {
    const kept = this.#zones.get(zone);
    if (kept === undefined) return;
    await inOrder(kept, async () => {
      if (kept.state !== 'expired' || kept.expired === undefined || !isKept(this.#zones, kept)) return;
      this.#put(kept, kept.expired, kept.history);
      await this.#publication.publish();
    });
  }

  /**
   * Has the next load of the zone take its file as it is: the stored data of the zone, readable or not, are given up. The serial rises all
   * the same, where it is known. To be called before the zone is loaded, changed or not.
   */
  acceptFile(zone: string): void {
    this.#maker.acceptFile(zone);
  }

  /** The zones that come from files; for the loader. */
  get files(): KeptFiles {
    return this.#files;
  }

  /** Calls `listener` after each publication that has changed the serial of a zone. */
  onPublished(listener: PublishedListener): void {
    this.#publication.onPublished(listener);
  }

  /** Gives up the changes that wait, and closes the state. */
  async close(): Promise<void> {
    for (const kept of this.#zones.values()) giveUp(kept, 'cannot be changed: the server is being stopped');
    await Promise.all(Array.from(this.#zones.values(), ({ tail }) => tail));
    this.#lane.close();
    await this.#state?.close();
  }

  /** Serves the stored version of a zone that was declared. Never rejects. */
  async #restore(kept: Kept): Promise<void> {
    try {
      const image = await this.#maker.read(kept);
      if (image !== undefined && this.#state?.isExpired(kept.zone, this.#clock.seconds()))
        this.#setExpired(kept, image);
      else if (image !== undefined) this.#put(kept, image, kept.history);
    } catch (error) {
      this.#report(messageOf(error));
    }
    await this.#publication.publish();
  }

  #setExpired(kept: Kept, image: Uint8Array | undefined): void {
    kept.expired = image;
    kept.state = 'expired';
    this.#publisher.fail(kept.apex, ZONE_EXPIRED);
  }

  #describe(kept: Kept): KeptZone {
    return describe(kept, kept.state === 'served' ? this.#publisher.imageOf(kept.apex) : kept.expired);
  }

  /** Makes one version of changes; if they cannot be made together, one version of each. Never rejects. */
  async #makeAll(kept: Kept, batch: readonly WaitingChange[]): Promise<void> {
    let taken: readonly WaitingChange[] = batch;
    try {
      const image = changeable(kept, this.#publisher.imageOf(kept.apex));
      const view = this.#maker.viewOf(kept, image);
      taken = await attemptAll(batch, view);
      if (this.#maker.isChanged(kept, image, view)) {
        const { version, overlay } = await this.#maker.ofChange(kept, image, view);
        await this.#serve(kept, version, overlay);
      }
      for (const { resolve } of taken) resolve({ serial: kept.serial });
    } catch (error) {
      const isShared = taken.length > 1 && error instanceof AdotdError && error.code === ErrorCode.ZONE_INVALID;
      if (isShared) for (const one of taken) await this.#makeAll(kept, [one]);
      else for (const { reject } of taken) reject(error);
    }
  }

  /** Stores a version, then publishes it. */
  async #serve(kept: Kept, version: NewVersion, overlay?: RunPair): Promise<void> {
    const { image, differences, sourceSerial, origin, plan } = version;
    mustBeKept(this.#zones, kept);
    if (this.#maker.isStored(kept)) await this.#state?.commit(kept, { ...version, plan: plan?.id });
    mustBeKept(this.#zones, kept);
    const history = differences === undefined ? [] : [...kept.history, ...differences];
    kept.sourceSerial = sourceSerial;
    kept.origin = origin;
    kept.overlay = overlay;
    kept.plan = plan?.id;
    this.#put(kept, image, history, version.signaturesExpire);
    await this.#publishSigned(kept, plan);
  }

  async #publishSigned({ zone }: Kept, plan: SigningPlan | undefined): Promise<void> {
    await this.#publication.publish();
    if (plan !== undefined) await this.#signers?.published(zone, plan);
  }

  #put(kept: Kept, image: Uint8Array, history: readonly Difference[], signaturesExpire?: number): void {
    kept.history = boundedHistory(history, image);
    kept.state = 'served';
    kept.expired = undefined;
    kept.serial = imageFacts(image).serial;
    this.#publication.changed(kept.zone, kept.serial);
    this.#publisher.put(kept.apex, image, kept.history);
    if (kept.role === 'file') this.#replaced?.(kept.zone, image, signaturesExpire);
  }
}
