/** Mistakes that are in no zone file alone. */
import { resolve } from 'node:path';
import { zoneKey } from '../../protocol/name.js';
import type { Diagnostic } from '../../zone/diagnostics.js';
import type { ZoneResult } from './load-zone.js';

/** An error for each file whose zone is in another file too. */
export function zoneConflicts(results: readonly ZoneResult[]): Diagnostic[] {
  const byName = new Map<string, ZoneResult[]>();
  for (const result of results) {
    if (result.name === undefined) continue;
    const key = zoneKey(result.name);
    const group = byName.get(key);
    if (group === undefined) byName.set(key, [result]);
    else group.push(result);
  }
  return [...byName.values()].flatMap(conflicts);
}

/** The errors of files that hold one zone; none for a single file. */
export function conflicts(group: readonly ZoneResult[]): Diagnostic[] {
  if (group.length < 2) return [];
  // Two paths may lead to one file.
  const paths = group.map(({ zone }) => (zone.text === undefined ? resolve(zone.file) : zone.file));
  return group.flatMap((result, index): Diagnostic[] => {
    const first = paths.indexOf(paths[index] ?? '');
    if (first < index) return [];
    const others = group.filter((_, other) => paths[other] !== paths[index]).map((other) => other.zone.file);
    if (others.length === 0) {
      const message = `zone ${result.name} is given twice by this file; expected it once, in \`zones.folder\` or in \`zones.files\``;
      return [{ severity: 'error', file: result.zone.file, line: 1, column: 1, message }];
    }
    const message = `zone ${result.name} is in ${others.join(' and ')} too; expected one file a zone, none of them is served`;
    return [{ severity: 'error', file: result.zone.file, line: 1, column: 1, message }];
  });
}

/** A warning: secondaries would not notice the change (RFC 1034 §4.3.5). */
export function staleSerial(file: string, before: number, after: number): Diagnostic {
  const how = before === after ? `is still ${after}` : `went from ${before} back to ${after}`;
  const message = `the zone has changed, but its serial ${how}: expected a later one (RFC 1982)`;
  return { severity: 'warning', file, line: 1, column: 1, message };
}

/** An error: the old version stays, since secondaries would not notice the new one. */
export function lowerSerial(file: string, before: number, after: number): Diagnostic {
  const found = `the zone has changed, but its serial went from ${before} back to ${after}; the old version stays`;
  const remedy = `write a later serial than ${before} (RFC 1982); or, if no secondary has the old version, restart the server`;
  return { severity: 'error', file, line: 1, column: 1, message: `${found}: ${remedy}` };
}
