/**
 * A configuration that has lost its content while the server runs is taken for an accident, as an emptied folder is (zone-listing.ts):
 * an editor truncates before it writes, a full disk leaves nothing, and serving nothing is the worst that an authoritative server can do.
 */
import { statSync } from 'node:fs';
import { ConfigError, configPlaces } from '../config/load.js';

/** Throws ConfigError when the file at `path`, which has changed, is empty: that is never meant, who wants the defaults writes a comment. */
export function refuseEmptyFile(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.size !== 0) return;
  throw problem(path, [], 'the file is empty; was it cut off? What was in force goes on: write it again, or restart');
}

/** Throws ConfigError when `before`, the number of zone files there are, is not 0: the changed configuration at `path` names none. */
export function refuseNoZones(path: string, before: number): void {
  if (before === 0) return;
  const zones = before === 1 ? '1 zone is' : `${before} zones are`;
  const remedy = 'if that is meant: adotd ctl reload --allow-empty, or a restart';
  throw problem(path, ['zones'], `zones: found none, but ${zones} served; what was in force goes on; ${remedy}`);
}

function problem(path: string, keys: readonly string[], message: string): ConfigError {
  return new ConfigError([{ severity: 'error', ...configPlaces(path)(keys), message }]);
}
