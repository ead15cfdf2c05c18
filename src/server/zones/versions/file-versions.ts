/**
 * Makes the version that is served from the content of a zone file. Where the server keeps the file's serials, that is the content itself;
 * where it gives serials of its own or takes UPDATE, the file is merged with the zone (zone/changes/three-way.ts).
 */
import { imageFacts } from '../../../image/image-facts.js';
import { isLaterSerial } from '../../../protocol/serial.js';
import { type Difference, differenceOf } from '../../../zone/changes/difference.js';
import type { RunPair } from '../../../zone/changes/record-run.js';
import type { Diagnostic } from '../../../zone/diagnostics.js';
import { signedElsewhereError } from '../../signing/file-mistakes.js';
import type { EffectivePolicy } from '../../zone-policy.js';
import type { Lane } from '../jobs/loader-lane.js';
import type { KeptState } from '../kept-state.js';
import type { Kept } from '../kept-zone.js';
import type { ZoneResult } from '../load-zone.js';
import { lowerSerial } from '../zone-mistakes.js';
import { type Before, type FileVersion, fileError, refused, staying, withErrors, withImage } from './file-outcome.js';
import { freshVersion } from './fresh-version.js';
import { type AskPlan, signingOf } from './signing-of.js';

interface FileContext {
  /** Key of the zone's name. */
  readonly zone: string;
  readonly before: Before;
  /** The file is taken as it is. `published`: the serial that was published last, if it is known; the new one is later. */
  readonly accepted?: { readonly published: number | undefined } | undefined;
  readonly policy: EffectivePolicy;
  /** Seconds since 1970. */
  readonly now: number;
  readonly lane: Lane;
  /**
   * Asks for the plan to sign the next version; `content` is an image of the records. undefined: the zone is not signed here, nor to be.
   */
  readonly ask: AskPlan | undefined;
  /** Whether the zone can have keys of other signers. */
  readonly hasForeign: boolean;
}

/** Whether the server gives the zone serials of its own. */
export function isChangedHere({ serial, update }: EffectivePolicy): boolean {
  return serial !== 'keep' || update.length > 0;
}

/** The error of a zone that is signed elsewhere and that the policy lets the server change. It is served as it is. */
function signedElsewhere({ name, zone }: ZoneResult): Diagnostic {
  const message = `found zone ${name} with signatures, expected none beside \`update\`, \`signals\` or \`serial\` in its policy: a change here would break them; the file is served as it is`;
  return fileError(zone.file, message);
}

export async function fileVersion(given: ZoneResult, context: FileContext): Promise<FileVersion> {
  const { before, policy, accepted, ask } = context;
  const { image } = given;
  // At the start, the stored version of a zone is served although its file has errors.
  if (image === undefined) return staying(before, given, []);
  if (ask !== undefined) return signerVersion(given, image, context, ask);
  const isSigned = imageFacts(image).signed;
  const result = isSigned && isChangedHere(policy) ? withErrors(given, [signedElsewhere(given)]) : given;
  const as = (history: readonly Difference[], difference?: Difference): FileVersion => {
    return { result, history, sourceSerial: result.serial, overlay: undefined, difference, plan: undefined };
  };
  if (accepted !== undefined && !isSigned) return freshVersion(result, image, accepted.published, context, undefined);
  if (before.image === undefined) return as([]);
  if (isChangedHere(policy) && !isSigned) return mergedVersion(result, image, before.image, context);
  if (Buffer.compare(before.image, image) === 0) return as(before.history);
  const { serial } = imageFacts(before.image);
  if (isLaterSerial(serial, result.serial)) {
    const { removed, added } = await context.lane.run({ kind: 'diff', older: before.image, newer: image });
    const difference = differenceOf(imageFacts(image).apex, removed, added);
    return as([...before.history, difference], difference);
  }
  // The serial of a fixture's zone is always meant.
  if (serial === result.serial || result.zone.text !== undefined) return as([]);
  return { ...as(before.history), result: refused(result, [lowerSerial(result.zone.file, serial, result.serial)]) };
}

/** The version that a file makes of a zone that is signed here, or is to be. Rejects as `ask` does. */
async function signerVersion(
  result: ZoneResult,
  file: Uint8Array,
  context: FileContext,
  ask: AskPlan,
): Promise<FileVersion> {
  const { before, accepted, lane, hasForeign } = context;
  const foreign = await lane.run({ kind: 'foreign', image: file, hasForeign });
  if (foreign !== '' && before.image !== undefined)
    return staying(before, result, [signedTwice(result, foreign, 'the old version stays')]);
  if (foreign !== '') {
    const served = withErrors(result, [signedTwice(result, foreign, 'the file is served as it is')]);
    const { serial: sourceSerial } = result;
    return { result: served, history: [], sourceSerial, overlay: undefined, difference: undefined, plan: undefined };
  }
  if (before.image === undefined || accepted !== undefined)
    return freshVersion(result, file, accepted?.published, context, ask);
  // The next version must not begin at one of another signer.
  const look = { kind: 'foreign', image: before.image, hasForeign } as const;
  const isForeign = before.plan === undefined && (await lane.run(look)) !== '';
  if (isForeign) return freshVersion(result, file, imageFacts(before.image).serial, context, ask);
  return mergedVersion(result, file, before.image, context);
}

/** The error of a file that another signer has signed. */
function signedTwice({ zone, signersRecord }: ZoneResult, record: string, outcome: string): Diagnostic {
  return signedElsewhereError(signersRecord ?? { file: zone.file, line: 1, column: 1, record }, outcome);
}

async function mergedVersion(
  result: ZoneResult,
  file: Uint8Array,
  zone: Uint8Array,
  context: FileContext,
): Promise<FileVersion> {
  const { before, policy, now, lane, ask } = context;
  const { sourceSerial, history, plan: planBefore } = before;
  const isSigner = ask !== undefined;
  const { serial: serialPolicy, zonemd } = policy;
  const loaded = { overlay: before.overlay, sourceSerial };
  const merge = { kind: 'merge', zone, file, ...loaded, serialPolicy, zonemd, isSigner, now } as const;
  const { difference: wanted, overlay } = await lane.run(merge);
  const known = { sourceSerial: result.serial, overlay };
  // The only other news in the file may be a key of another signer, which the next version has.
  if (wanted === undefined && context.hasForeign) await ask?.(zone);
  if (wanted === undefined)
    return { result: withImage(result, zone), history, ...known, difference: undefined, plan: planBefore };
  const plan = await ask?.(zone);
  const signing = signingOf(plan, zone, planBefore);
  const { image, diagnostics, difference, signaturesExpire } = await lane.run({
    kind: 'apply',
    image: zone,
    difference: wanted,
    now,
    signing,
  });
  if (image === undefined) {
    const errors = diagnostics.filter(({ severity }) => severity === 'error');
    const conflicts = errors.map((one) => {
      const message = `found a conflict with records that UPDATE has changed: ${one.message}; the old version stays: change the file, or those records`;
      return fileError(result.zone.file, message);
    });
    return staying(before, result, conflicts);
  }
  const merged = { ...known, result: withImage(result, image, signaturesExpire), plan: plan?.id, signedBy: plan };
  if (signing?.extent === 'content') return { ...merged, history: [], difference: undefined };
  return { ...merged, history: [...history, difference], difference };
}

/** Stores the version that a file has made of its zone, if it is another than before. `file`: its image. Rejects with ADOTD_STATE. */
export async function storeFileVersion(
  kept: Kept,
  before: Before,
  { result: { image }, sourceSerial, overlay, difference, plan }: FileVersion,
  file: Uint8Array | undefined,
  state: KeptState | undefined,
): Promise<void> {
  if (state === undefined || image === undefined || file === undefined) return;
  if (image !== before.image) {
    const differences = difference && [difference];
    await state.commit(kept, { image, differences, source: file, sourceSerial, plan });
  } else if (sourceSerial !== before.sourceSerial || !isSamePair(before.overlay, overlay)) {
    await state.commitSource(kept, file, sourceSerial);
  }
}

function isSamePair(a: RunPair | undefined, b: RunPair | undefined): boolean {
  const octets = (pair: RunPair | undefined): Buffer => Buffer.concat(pair ? [pair.removed, pair.added] : []);
  return Buffer.compare(octets(a), octets(b)) === 0;
}
