/** The outcome of a load for a zone: the version to serve, and the errors of the file. */
import { imageFacts } from '../../../image/image-facts.js';
import type { Difference } from '../../../zone/changes/difference.js';
import type { RunPair } from '../../../zone/changes/record-run.js';
import type { Diagnostic } from '../../../zone/diagnostics.js';
import type { SigningPlan } from '../../signing/zone-signers.js';
import type { ZoneResult } from '../load-zone.js';

/** The version before, and the facts about it. */
export interface Before {
  /** undefined: nothing. */
  readonly image: Uint8Array | undefined;
  /** Whether the image is served; otherwise it comes from the state. */
  readonly isServed: boolean;
  readonly history: readonly Difference[];
  readonly sourceSerial: number;
  readonly overlay: RunPair | undefined;
  /** Id of the plan by which it is signed; undefined: it is not signed here. */
  readonly plan: string | undefined;
}

/** The version to serve. */
export interface FileVersion {
  /** As it was loaded, or with another image; without one, it has errors that say why the old version stays. */
  readonly result: ZoneResult;
  readonly history: readonly Difference[];
  readonly sourceSerial: number;
  readonly overlay: RunPair | undefined;
  /** The change from the version before to this one; undefined: another content altogether, or the same. */
  readonly difference: Difference | undefined;
  /** Id of the plan by which it is signed; undefined: it is not signed here. */
  readonly plan: string | undefined;
  /** The plan by which it has just been signed. */
  readonly signedBy?: SigningPlan | undefined;
}

/** The zone stays as it is, with errors of its file; at the start, it is served as it is stored. */
export function staying(before: Before, result: ZoneResult, errors: readonly Diagnostic[]): FileVersion {
  const { image, isServed, history, sourceSerial, overlay, plan } = before;
  const told = refused(result, errors);
  const kept = isServed || image === undefined ? told : withImage(told, image);
  return { result: kept, history, sourceSerial, overlay, difference: undefined, plan };
}

/** A result with another image. */
export function withImage(result: ZoneResult, image: Uint8Array, signaturesExpire?: number): ZoneResult {
  const { serial, records, signed } = imageFacts(image);
  return { ...result, image, serial, records, signed, signaturesExpire };
}

/** A result whose image is not served. */
export function refused(result: ZoneResult, errors: readonly Diagnostic[]): ZoneResult {
  return { ...withErrors(result, errors), image: undefined };
}

export function withErrors(result: ZoneResult, errors: readonly Diagnostic[]): ZoneResult {
  return { ...result, diagnostics: [...errors, ...result.diagnostics], errors: result.errors + errors.length };
}

/** An error of a file as a whole. */
export function fileError(file: string, message: string): Diagnostic {
  return { severity: 'error', file, line: 1, column: 1, message };
}
