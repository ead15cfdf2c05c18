/**
 * From the content of a zone file to the version that is served. Where the server keeps the file's serials, that is the content itself;
 * where it gives serials of its own or takes UPDATE, the file is merged with the zone (zone/changes/three-way.ts).
 */
import { imageFacts } from '../../../image/image-facts.js';
import { isLaterSerial } from '../../../protocol/serial.js';
import { type Difference, differenceOf } from '../../../zone/changes/difference.js';
import type { RunPair } from '../../../zone/changes/record-run.js';
import type { Diagnostic } from '../../../zone/diagnostics.js';
import type { EffectivePolicy } from '../../zone-policy.js';
import type { LoaderLane } from '../jobs/loader-lane.js';
import type { KeptState } from '../kept-state.js';
import type { Kept } from '../kept-zone.js';
import type { ZoneResult } from '../load-zone.js';
import { lowerSerial } from '../zone-mistakes.js';

/** What was served, and what is known of it. */
interface Before {
  /** undefined: nothing. */
  readonly image: Uint8Array | undefined;
  /** Whether the image is served; otherwise it comes from the state. */
  readonly isServed: boolean;
  readonly history: readonly Difference[];
  readonly sourceSerial: number;
  readonly overlay: RunPair | undefined;
}

interface Context {
  readonly before: Before;
  readonly policy: EffectivePolicy;
  /** Seconds since 1970. */
  readonly now: number;
  readonly lane: LoaderLane;
}

/** The version to serve. */
export interface FileVersion {
  /** As it was loaded, or with another image; without one, it has errors that say why the old version stays. */
  readonly result: ZoneResult;
  readonly history: readonly Difference[];
  readonly sourceSerial: number;
  readonly overlay: RunPair | undefined;
  /** What leads from the version before to this one; undefined: another content altogether, or the same. */
  readonly difference: Difference | undefined;
}

/** Whether the server gives the zone serials of its own. */
export function isChangedHere({ serial, update }: EffectivePolicy): boolean {
  return serial !== 'keep' || update.length > 0;
}

/** The error of a zone that is signed elsewhere and that the policy lets the server change. It is served as it is. */
function signedElsewhere({ name, zone }: ZoneResult): Diagnostic {
  const message = `found zone ${name} with signatures, expected none beside \`update\` or \`serial\` in its policy: a change here would break them; the file is served as it is`;
  return fileError(zone.file, message);
}

export async function fileVersion(given: ZoneResult, context: Context): Promise<FileVersion> {
  const { before, policy } = context;
  const { image } = given;
  const isSigned = image !== undefined && imageFacts(image).signed;
  const result = isSigned && isChangedHere(policy) ? withErrors(given, [signedElsewhere(given)]) : given;
  const as = (history: readonly Difference[], difference?: Difference): FileVersion => {
    return { result, history, sourceSerial: result.serial, overlay: undefined, difference };
  };
  if (image === undefined) {
    // At the start, what is stored of a zone is served although its file has errors.
    const { history, sourceSerial, overlay } = before;
    const { serial = 0, records = 0 } = before.image ? imageFacts(before.image) : {};
    const kept = before.isServed ? result : { ...result, image: before.image, serial, records };
    return { result: kept, history, sourceSerial, overlay, difference: undefined };
  }
  if (before.image === undefined) return as([]);
  if (isChangedHere(policy) && !isSigned) return mergedVersion(result, image, before.image, context);
  if (Buffer.compare(before.image, image) === 0) return as(before.history);
  const { serial } = imageFacts(before.image);
  if (isLaterSerial(serial, result.serial)) {
    const { removed, added } = await context.lane.run({ kind: 'diff', older: before.image, newer: image });
    const difference = differenceOf(imageFacts(image).apex, removed, added);
    return as([...before.history, difference], difference);
  }
  // What a fixture is given is meant.
  if (serial === result.serial || result.zone.text !== undefined) return as([]);
  return { ...as(before.history), result: refused(result, [lowerSerial(result.zone.file, serial, result.serial)]) };
}

/** The zone stays as it is, with the reason as an error of its file. */
export function refusedVersion(
  { history, sourceSerial, overlay }: Omit<Before, 'image' | 'isServed'>,
  result: ZoneResult,
  reason: string,
): FileVersion {
  const stays = { history, sourceSerial, overlay, difference: undefined };
  return { ...stays, result: refused(result, [fileError(result.zone.file, reason)]) };
}

/** A result whose image is not served. */
function refused(result: ZoneResult, errors: readonly Diagnostic[]): ZoneResult {
  return { ...withErrors(result, errors), image: undefined };
}

function withErrors(result: ZoneResult, errors: readonly Diagnostic[]): ZoneResult {
  return { ...result, diagnostics: [...errors, ...result.diagnostics], errors: result.errors + errors.length };
}

async function mergedVersion(
  result: ZoneResult,
  file: Uint8Array,
  zone: Uint8Array,
  context: Context,
): Promise<FileVersion> {
  const { before, policy, now, lane } = context;
  const { overlay: loaded, sourceSerial, history } = before;
  const { serial: serialPolicy, zonemd } = policy;
  const merge = { kind: 'merge', zone, file, overlay: loaded, sourceSerial, serialPolicy, zonemd, now } as const;
  const { applied, overlay } = await lane.run(merge);
  if (applied === undefined) {
    const { serial, records } = imageFacts(zone);
    const kept = { ...result, image: zone, serial, records };
    return { result: kept, history, sourceSerial: result.serial, overlay, difference: undefined };
  }
  const { image, records, difference } = applied;
  if (image === undefined) {
    const errors = applied.diagnostics.filter(({ severity }) => severity === 'error');
    const conflicts = errors.map((one) => {
      const message = `found a conflict with records that UPDATE has changed: ${one.message}; the old version stays: change the file, or those records`;
      return fileError(result.zone.file, message);
    });
    return { result: refused(result, conflicts), history, sourceSerial, overlay: loaded, difference: undefined };
  }
  const merged = { ...result, image, serial: difference.to, records };
  return { result: merged, history: [...history, difference], sourceSerial: result.serial, overlay, difference };
}

/** An error of a file as a whole. */
function fileError(file: string, message: string): Diagnostic {
  return { severity: 'error', file, line: 1, column: 1, message };
}

/** Stores what a file has made of its zone, if that is another than before. `file`: its image. Rejects with ADOTD_STATE. */
export async function storeFileVersion(
  kept: Kept,
  before: Before,
  { result: { image }, sourceSerial, overlay, difference }: FileVersion,
  file: Uint8Array | undefined,
  state: KeptState | undefined,
): Promise<void> {
  if (state === undefined || image === undefined || file === undefined) return;
  if (before.image === undefined || difference !== undefined) {
    const differences = difference && [difference];
    await state.commit(kept, { image, differences, source: file, sourceSerial });
  } else if (sourceSerial !== before.sourceSerial || !isSamePair(before.overlay, overlay)) {
    await state.commitSource(kept, file, sourceSerial);
  }
}

function isSamePair(a: RunPair | undefined, b: RunPair | undefined): boolean {
  const octets = (pair: RunPair | undefined): Buffer => Buffer.concat(pair ? [pair.removed, pair.added] : []);
  return Buffer.compare(octets(a), octets(b)) === 0;
}
