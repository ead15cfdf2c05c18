/**
 * A configuration that has lost its content while the server runs is taken for an accident, as an emptied folder is (zone-listing.ts):
 * an editor truncates before it writes, a full disk leaves nothing, and serving nothing is the worst that an authoritative server can do.
 */
import { statSync } from 'node:fs';
import { AdotdError, ErrorCode } from '../errors.js';
import { formatDiagnostic } from '../zone/diagnostics.js';
import type { PlaceOf } from './policies.js';

/** A configuration that has changed, as a file. */
interface ChangedFile {
  readonly path: string;
  places(): PlaceOf;
}

/** Throws ADOTD_CONFIG when the file is empty: that is never meant, who wants the defaults writes a comment. */
export function refuseEmptyFile(file: ChangedFile): void {
  if (statSync(file.path, { throwIfNoEntry: false })?.size !== 0) return;
  throw problem(file, [], 'the file is empty; was it cut off? What was in force goes on: write it again, or restart');
}

/** Throws ADOTD_CONFIG when `before`, the number of zone files there are, is not 0: the changed configuration names none. */
export function refuseNoZones(file: ChangedFile, before: number): void {
  if (before === 0) return;
  const zones = before === 1 ? '1 zone is' : `${before} zones are`;
  const remedy = 'if that is meant: adotd ctl reload --allow-empty, or a restart';
  throw problem(file, ['zones'], `zones: found none, but ${zones} served; what was in force goes on; ${remedy}`);
}

function problem({ places }: ChangedFile, keys: readonly string[], message: string): AdotdError {
  return new AdotdError(ErrorCode.CONFIG, formatDiagnostic({ severity: 'error', ...places()(keys), message }));
}
