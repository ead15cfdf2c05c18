/**
 * From the content of a zone file to the version that is served. Where the server keeps the file's serials, that is the content itself;
 * where it gives serials of its own or takes UPDATE, the file is merged with the zone (zone/changes/three-way.ts).
 */
import { imageFacts } from '../../image/image-facts.js';
import { isLaterSerial } from '../../protocol/serial.js';
import { type Difference, differenceOf } from '../../zone/changes/difference.js';
import type { RunPair } from '../../zone/changes/record-run.js';
import type { Diagnostic } from '../../zone/diagnostics.js';
import type { EffectivePolicy } from '../zone-policy.js';
import type { LoaderLane } from './jobs/loader-lane.js';
import type { ZoneResult } from './load-zone.js';
import { lowerSerial } from './zone-mistakes.js';

/** What was served, and what is known of it. */
interface Before {
  /** undefined: nothing. */
  readonly image: Uint8Array | undefined;
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
function isChangedHere({ serial, update }: EffectivePolicy): boolean {
  return serial !== 'keep' || update.length > 0;
}

export async function fileVersion(result: ZoneResult, context: Context): Promise<FileVersion> {
  const { before, policy } = context;
  const { image } = result;
  const as = (history: readonly Difference[], difference?: Difference): FileVersion => {
    return { result, history, sourceSerial: result.serial, overlay: undefined, difference };
  };
  if (image === undefined) return { ...as(before.history), sourceSerial: before.sourceSerial, overlay: before.overlay };
  if (before.image === undefined) return as([]);
  if (isChangedHere(policy)) return mergedVersion(result, image, before.image, context);
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

/** A result whose image is not served. */
function refused(result: ZoneResult, errors: readonly Diagnostic[]): ZoneResult {
  const diagnostics = [...errors, ...result.diagnostics];
  return { ...result, image: undefined, diagnostics, errors: result.errors + errors.length };
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
    const conflicts = errors.map((one): Diagnostic => {
      const message = `found a conflict with records that UPDATE has changed: ${one.message}; the old version stays: change the file, or those records`;
      return { severity: 'error', file: result.zone.file, line: 1, column: 1, message };
    });
    return { result: refused(result, conflicts), history, sourceSerial, overlay: loaded, difference: undefined };
  }
  const merged = { ...result, image, serial: difference.to, records };
  return { result: merged, history: [...history, difference], sourceSerial: result.serial, overlay, difference };
}
