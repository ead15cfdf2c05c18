/** Makes the versions of zones: of their files, and of changes. It reads and stores versions for that, but serves nothing. */
import { isWithoutKeys, withoutKeys } from '../../../dnssec/signing/apex-keys.js';
import { contentOf, signersRecordIn } from '../../../dnssec/signing/content-runs.js';
import { AdotdError, ErrorCode } from '../../../errors.js';
import { PendingView } from '../../../image/changes/pending-view.js';
import { ImageView } from '../../../image/changes/zone-view.js';
import { imageFacts } from '../../../image/image-facts.js';
import { ContentView } from '../../../image/signed/content-view.js';
import { keysOfView } from '../../../image/signed/key-records.js';
import { nameToText } from '../../../protocol/name.js';
import { isLaterSerial } from '../../../protocol/serial.js';
import type { Clock } from '../../../session/clock.js';
import { composeRuns } from '../../../zone/changes/compose.js';
import type { RunPair } from '../../../zone/changes/record-run.js';
import type { GivenKeys } from '../../signing/signers/foreign-keys.js';
import type { SigningPlan, ZoneSigners } from '../../signing/zone-signers.js';
import type { EffectivePolicy } from '../../zone-policy.js';
import type { Signing } from '../jobs/apply-change.js';
import type { Lane } from '../jobs/loader-lane.js';
import type { KeptState } from '../kept-state.js';
import { type Kept, type NewVersion, stateError } from '../kept-zone.js';
import type { ZoneResult } from '../load-zone.js';
import { contentDifference, type GivenContent } from './content-versions.js';
import { countedLane } from './counted-lane.js';
import { type Before, type FileVersion, fileError, staying } from './file-outcome.js';
import { fileVersion, isChangedHere, storeFileVersion } from './file-versions.js';
import { appliedVersion, isSignedElsewhere, versionOf } from './making-changes.js';
import { signingOf } from './signing-of.js';

export type PolicyOf = (zone: string) => EffectivePolicy;

/** A version that was made elsewhere, or content that is to be signed. */
export type GivenVersion = NewVersion | GivenContent;

interface MakerParts {
  readonly lane: Lane;
  readonly clock: Clock;
  readonly policyOf: PolicyOf;
  readonly state?: KeptState | undefined;
  readonly signers?: ZoneSigners | undefined;
}

/** A version that a change has made. */
interface ChangedVersion {
  readonly version: NewVersion;
  /** That of the zone from then on. */
  readonly overlay: RunPair | undefined;
  /** Number of signatures that were made. */
  readonly signatures: number;
}

/** The outcome of signing a zone anew. */
interface ResignedVersion {
  /** undefined: the zone is not to be signed. */
  readonly plan: SigningPlan | undefined;
  /** undefined: the present version is as it should be. */
  readonly made: ChangedVersion | undefined;
  /** RRsets of the version before with a signature that is not valid yet. */
  readonly early: number;
  /** Seconds since 1970: when the next signature is due; undefined without any. */
  readonly nextDue: number | undefined;
  /** Seconds since 1970: when the first RRset loses its last signature; undefined without signatures. */
  readonly signaturesExpire: number | undefined;
}

const NOTHING: RunPair = { removed: new Uint8Array(0), added: new Uint8Array(0) };

/** Throws ADOTD_ZONE_INVALID when a change adds records that only signing makes. */
function refuseSignersRecords(zone: string, view: PendingView, hasForeign: boolean): void {
  const found = signersRecordIn(view.apex, view.changes()?.added ?? NOTHING.added, hasForeign);
  if (found === undefined) return;
  const message = `a change of ${zone}: found ${found}, expected no record that signing makes: the zone is signed here`;
  throw new AdotdError(ErrorCode.ZONE_INVALID, message);
}

function beforeOf(kept: Kept, image: Uint8Array | undefined, isServed: boolean): Before {
  const { history, sourceSerial, overlay, plan } = kept;
  return { image, isServed, history, sourceSerial, overlay, plan };
}

export class VersionMaker {
  readonly #lane: Lane;
  readonly #clock: Clock;
  readonly #state: KeptState | undefined;
  readonly #signers: ZoneSigners | undefined;
  /** Zones whose files are to be taken as they are. */
  readonly #accepted = new Set<string>();
  #policyOf: PolicyOf;

  constructor({ lane, clock, policyOf, state, signers }: MakerParts) {
    this.#signers = signers;
    this.#lane = signers === undefined ? lane : countedLane(lane, signers);
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
    return role !== 'file' || this.#isChangedHere(zone);
  }

  /** The version that a file makes of its zone; it is stored. `served`: the version that is served. */
  async ofFile(kept: Kept, result: ZoneResult, served: Uint8Array | undefined): Promise<FileVersion> {
    const { zone } = kept;
    const state = this.#isChangedHere(zone) ? this.#state : undefined;
    let before = beforeOf(kept, served, served !== undefined);
    try {
      const isAccepted = state !== undefined && result.image !== undefined && this.#accepted.delete(zone);
      // Changes that were made beside the file do not come back when such changes are allowed again.
      if (state === undefined && served === undefined) await this.#state?.remove(zone);
      if (served === undefined && !isAccepted) before = beforeOf(kept, await this.#read(kept, state), false);
      const accepted = isAccepted ? { published: state.serial(zone) } : undefined;
      const foreign = this.isSigner(zone) ? this.#signers?.foreignOf(zone) : undefined;
      const hasForeign = foreign !== undefined;
      const given =
        hasForeign && result.image !== undefined
          ? ({ kind: 'file', keys: keysOfView(new ImageView(result.image)) } as const)
          : undefined;
      const ask = this.isSigner(zone) ? (content: Uint8Array) => this.#plan(kept, content, content, given) : undefined;
      const version = await fileVersion(result, { ...this.#context(zone), before, accepted, ask, hasForeign });
      if (isAccepted && version.result.image !== undefined) await state.remove(zone);
      await storeFileVersion(kept, before, version, result.image, state);
      return version;
    } catch (error) {
      if (!(error instanceof AdotdError)) throw error;
      return staying(before, result, [fileError(result.zone.file, error.message)]);
    }
  }

  /** The content of a version, to be changed. */
  viewOf({ zone }: Kept, image: Uint8Array): PendingView {
    const isSigner = this.isSigner(zone);
    return new PendingView(isSigner ? new ContentView(image, this.#signers?.foreignOf(zone)) : new ImageView(image));
  }

  /** Whether a view of the image `older` shows another content. Changes of our own keys are none: nobody can take them away. */
  isChanged({ zone }: Kept, older: Uint8Array, view: PendingView): boolean {
    const changes = view.changes();
    const foreign = this.isSigner(zone) ? this.#signers?.foreignOf(zone) : undefined;
    if (changes === undefined || foreign === undefined) return changes !== undefined;
    const { removed, added } = contentOf(view.apex, changes);
    if (changes.soa !== undefined || removed.length + added.length > 0) return true;
    const own = withoutKeys(keysOfView(new ImageView(older)), foreign);
    const after = withoutKeys(keysOfView(view), own);
    return !isWithoutKeys(withoutKeys(after, foreign)) || !isWithoutKeys(withoutKeys(foreign, after));
  }

  /**
   * The version that a view of the image `older` shows. Throws ADOTD_ZONE_INVALID when that is no valid zone, and the errors of
   * ZoneSigners.plan() and of signing.
   */
  async ofChange(kept: Kept, older: Uint8Array, view: PendingView): Promise<ChangedVersion> {
    const foreign = this.isSigner(kept.zone) ? this.#signers?.foreignOf(kept.zone) : undefined;
    const given = foreign && ({ kind: 'content', keys: keysOfView(view) } as const);
    if (this.isSigner(kept.zone)) refuseSignersRecords(kept.zone, view, foreign !== undefined);
    const plan = await this.#plan(kept, older, older, given);
    return this.#changed(kept, older, view, plan, signingOf(plan, older, kept.plan));
  }

  /**
   * The version with the same content, by the present plan. `made` is undefined when the present version is as it should be, `plan` when
   * the zone is not to be signed. `isAnew`: no signature is kept. Throws as ofChange() does.
   */
  async ofPlan(kept: Kept, older: Uint8Array, isAnew: boolean): Promise<ResignedVersion> {
    const plan = await this.#plan(kept, older);
    if (plan === undefined) return { plan, made: undefined, early: 0, nextDue: undefined, signaturesExpire: undefined };
    const look = { kind: 'signatures', policy: plan.policy, now: this.#clock.seconds() } as const;
    const { due, early, next, expire } = await this.#lane.run({ ...look, image: older });
    if (plan.id === kept.plan && due === 0 && !isAnew)
      return { plan, made: undefined, early, nextDue: next, signaturesExpire: expire };
    const signing = signingOf(plan, older, kept.plan, isAnew ? 'anew' : 'renewal');
    const made = await this.#changed(kept, older, this.viewOf(kept, older), plan, signing);
    const { next: nextDue } = await this.#lane.run({ ...look, image: made.version.image });
    return { plan, made, early, nextDue, signaturesExpire: made.version.signaturesExpire };
  }

  /**
   * The given version; or, for the content of a zone that is signed here, the version that signing makes of it. `older`: the one that is
   * served, or that has expired. Throws as ofChange() does, ADOTD_ZONE_STATE when content is given for a zone that is not signed here, or a
   * version for a secondary that is, and ADOTD_RECORD_MISSING, ADOTD_RECORD_PRESENT or ADOTD_CHANGE_SERIAL when a difference does not fit
   * the content.
   */
  async ofGiven(kept: Kept, older: Uint8Array | undefined, given: GivenVersion): Promise<NewVersion> {
    if ('content' in given) return await this.#ofContent(kept, older, given);
    // A version of its primary must not take the place of a signed one.
    if (kept.role === 'secondary' && this.isSigner(kept.zone))
      throw stateError(kept.zone, 'is signed here now: it is transferred again');
    return given;
  }

  async #ofContent(kept: Kept, older: Uint8Array | undefined, given: GivenContent): Promise<NewVersion> {
    const { zone, apex } = kept;
    if (!this.isSigner(zone)) throw stateError(zone, 'is not signed here any more: it is transferred again');
    const { content, ...known } = given;
    const context = { ...this.#context(zone), isLenient: true };
    const image = 'image' in content ? content.image : undefined;
    if (older !== undefined && !isSignedElsewhere(kept.plan, older)) {
      const plan = await this.#plan(kept, image ?? older, older);
      const signing = signingOf(plan, older, kept.plan);
      const change = await contentDifference(older, content, context);
      const { difference, ...made } = await appliedVersion(older, change, { ...context, signing });
      return { ...known, plan, differences: difference && [difference], ...made };
    }
    if (image === undefined) {
      const found = `a change of ${nameToText(apex)}: there is no content that it could begin at`;
      throw new AdotdError(ErrorCode.CHANGE_SERIAL, found);
    }
    const plan = await this.#plan(kept, image);
    const signing = signingOf(plan, image, undefined);
    const published = this.#state?.serial(zone) ?? (older && kept.serial);
    const fresh = { ...known, plan, differences: undefined };
    const isLater = published === undefined || isLaterSerial(published, given.sourceSerial);
    if (signing === undefined && isLater) return { ...fresh, image };
    const view = new PendingView(new ContentView(image));
    const made = await versionOf(image, view, { ...context, published: published ?? given.sourceSerial, signing });
    return { ...fresh, image: made.image, signaturesExpire: made.signaturesExpire };
  }

  async #changed(
    kept: Kept,
    older: Uint8Array,
    view: PendingView,
    plan: SigningPlan | undefined,
    signing: Signing | undefined,
  ): Promise<ChangedVersion> {
    const { zone, apex, serial: published, sourceSerial, origin, role } = kept;
    const hasForeign = this.isSigner(zone) && this.#signers?.foreignOf(zone) !== undefined;
    const isLenient = role === 'secondary';
    const made = await versionOf(older, view, { ...this.#context(zone), published, signing, isLenient, hasForeign });
    const { image, difference, signaturesExpire } = made;
    const isFirst = role === 'file' && this.#state?.serial(zone) === undefined;
    const overlay = role === 'file' ? composeRuns(apex, kept.overlay ?? NOTHING, made.content) : undefined;
    const differences = difference && [difference];
    // A zone that was not stored was not changed beside its file either.
    const source = isFirst ? older : undefined;
    const version = { image, differences, sourceSerial, origin, plan, signaturesExpire, source };
    return { version, overlay, signatures: made.made };
  }

  #context(zone: string) {
    return { zone, policy: this.#policyOf(zone), now: this.#clock.seconds(), lane: this.#lane };
  }

  /** Whether the zone is signed here, is to be, or was once. */
  isSigner(zone: string): boolean {
    return this.#signers?.isSigner(zone) ?? false;
  }

  #isChangedHere(zone: string): boolean {
    return isChangedHere(this.#policyOf(zone)) || this.isSigner(zone);
  }

  /** Rejects with ADOTD_DNSSEC_KEY when a signed zone would become unsigned without a plan: resolvers may have its DS record. */
  async #plan(
    { zone, plan: before }: Kept,
    content: Uint8Array,
    served: Uint8Array = content,
    given?: GivenKeys,
  ): Promise<SigningPlan | undefined> {
    const plan = this.isSigner(zone) ? await this.#signers?.plan(zone, content, given) : undefined;
    if (plan !== undefined || before === undefined || !imageFacts(served).signed) return plan;
    const found = `zone ${zone} was signed here, and its keys are not known any more; it stays as it is`;
    const remedy = `restore the state from a backup, or make new keys with adotd ctl dnssec start ${zone}`;
    throw new AdotdError(ErrorCode.DNSSEC_KEY, `${found}: ${remedy}`);
  }

  /** Reads a zone from the state, and returns its image. Rejects with ADOTD_STATE. */
  read(kept: Kept): Promise<Uint8Array | undefined> {
    return this.#read(kept, this.#state);
  }

  async #read(kept: Kept, state: KeptState | undefined): Promise<Uint8Array | undefined> {
    const stored = await state?.read(kept, this.isSigner(kept.zone), this.#clock.seconds());
    if (stored === undefined) return undefined;
    const { image, history, sourceSerial, origin, overlay, plan } = stored;
    Object.assign(kept, { history, sourceSerial, origin, overlay, plan, serial: imageFacts(image).serial });
    return image;
  }
}
