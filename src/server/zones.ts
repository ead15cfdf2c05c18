/** The zones that are served: which file each comes from, and what a load or a reload changes. */
import { type Catalog, Publisher } from '../image/catalog.js';
import * as L from '../image/layout.js';
import { nameToText } from '../protocol/name.js';
import type { Diagnostic } from '../zone/diagnostics.js';
import type { ZoneResult } from './load-zone.js';

/** What applying a load has done. */
export interface ZonesReport {
  /** Zones that answer, and zones that are answered with SERVFAIL. */
  readonly served: number;
  readonly failed: number;
  /** Of those served: how many from what was loaded earlier, since their files have errors now. */
  readonly kept: number;
  readonly records: number;
  /** Names of the zones that answer, in presentation format, in the order of the files. */
  readonly names: readonly string[];
  /** Those of them that have a chain of denial (NSEC or NSEC3). */
  readonly signed: readonly string[];
  /** Whether no file had an error. */
  readonly sound: boolean;
  /** Of all files, and of the files that name one zone twice. */
  readonly diagnostics: readonly Diagnostic[];
  readonly catalog: Catalog;
}

interface Entry {
  readonly apex: Uint8Array;
  readonly failed: boolean;
  readonly kept: boolean;
  readonly signed: boolean;
  readonly records: number;
}

export class Zones {
  readonly #publisher = new Publisher();
  /** By name in lower case. */
  #entries = new Map<string, Entry>();

  /**
   * Serves what was loaded, and nothing else. A zone with errors keeps what it was served from; without that it fails.
   * When two files hold one zone, neither is taken.
   */
  apply(results: readonly ZoneResult[]): ZonesReport {
    const diagnostics = results.flatMap((result) => result.diagnostics);
    diagnostics.push(...zoneConflicts(results));
    const byName = groupByName(results);
    const entries = new Map<string, Entry>();
    for (const [key, group] of byName) {
      const only = group.length === 1 ? group[0] : undefined;
      const apex = group[0]?.apex;
      if (apex !== undefined) entries.set(key, this.#take(key, apex, only));
    }
    for (const [key, entry] of this.#entries) if (!entries.has(key)) this.#publisher.remove(entry.apex);
    this.#entries = entries;
    const all = [...entries.values()];
    const failed = all.filter((entry) => entry.failed).length;
    return {
      served: all.length - failed,
      failed,
      kept: all.filter((entry) => entry.kept).length,
      names: namesOf(all.filter((entry) => !entry.failed)),
      signed: namesOf(all.filter((entry) => entry.signed)),
      records: all.reduce((sum, entry) => sum + entry.records, 0),
      sound: diagnostics.every((diagnostic) => diagnostic.severity !== 'error'),
      diagnostics,
      catalog: this.#publisher.publish(),
    };
  }

  /** Serves the result's image; without one, what was served before, or SERVFAIL. */
  #take(key: string, apex: Uint8Array, result: ZoneResult | undefined): Entry {
    if (result?.image !== undefined) {
      this.#publisher.put(apex, result.image);
      return { apex, failed: false, kept: false, signed: isSigned(result.image), records: result.records };
    }
    const old = this.#entries.get(key);
    if (old !== undefined && !old.failed) return { ...old, kept: true };
    this.#publisher.fail(apex);
    return { apex, failed: true, kept: false, signed: false, records: 0 };
  }
}

function namesOf(entries: readonly Entry[]): string[] {
  return entries.map((entry) => nameToText(entry.apex));
}

function isSigned(image: Uint8Array): boolean {
  const header = new Int32Array(image.buffer, image.byteOffset, L.HEADER_WORDS);
  const flags = header[L.HEADER_FLAGS] ?? 0;
  return (flags & (L.FLAG_NSEC | L.FLAG_NSEC3)) !== 0;
}

/** An error for each file whose zone another file holds too. */
export function zoneConflicts(results: readonly ZoneResult[]): Diagnostic[] {
  const groups = [...groupByName(results).values()].filter((group) => group.length > 1);
  return groups.flatMap((group) => group.map((result) => conflict(result, group)));
}

function groupByName(results: readonly ZoneResult[]): Map<string, ZoneResult[]> {
  const byName = new Map<string, ZoneResult[]>();
  for (const result of results) {
    if (result.apex === undefined) continue;
    const key = nameKey(result.apex);
    const group = byName.get(key);
    if (group === undefined) byName.set(key, [result]);
    else group.push(result);
  }
  return byName;
}

function nameKey(apex: Uint8Array): string {
  return nameToText(apex).toLowerCase();
}

function conflict(result: ZoneResult, group: readonly ZoneResult[]): Diagnostic {
  const others = group.filter((other) => other !== result).map((other) => other.zone.file);
  const name = nameToText(result.apex ?? new Uint8Array(1));
  const message = `zone ${name} is in ${others.join(' and ')} too; expected one file a zone, none of them is served`;
  return { severity: 'error', file: result.zone.file, line: 1, column: 1, message };
}
