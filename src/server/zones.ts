/** The zones that are served: which file each comes from, and what a load or a reload changes. */
import { type Catalog, Publisher } from '../image/catalog.js';
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
  /** Names of the nameservers of the zones that answer, once for each zone. */
  readonly nameservers: readonly string[];
}

interface Entry {
  readonly apex: Uint8Array;
  readonly name: string;
  readonly failed: boolean;
  readonly kept: boolean;
  readonly signed: boolean;
  readonly records: number;
  readonly nameservers: readonly string[];
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
    const byName = groupByName(results);
    const diagnostics = results.flatMap((result) => result.diagnostics);
    for (const group of byName.values()) diagnostics.push(...conflicts(group));
    const entries = new Map<string, Entry>();
    for (const [key, group] of byName) {
      const entry = this.#take(key, group);
      if (entry !== undefined) entries.set(key, entry);
    }
    for (const [key, entry] of this.#entries) if (!entries.has(key)) this.#publisher.remove(entry.apex);
    this.#entries = entries;
    const all = [...entries.values()];
    const failed = all.filter((entry) => entry.failed).length;
    return {
      served: all.length - failed,
      failed,
      kept: all.filter((entry) => entry.kept).length,
      names: all.filter((entry) => !entry.failed).map((entry) => entry.name),
      signed: all.filter((entry) => entry.signed).map((entry) => entry.name),
      records: all.reduce((sum, entry) => sum + entry.records, 0),
      sound: diagnostics.every((diagnostic) => diagnostic.severity !== 'error'),
      diagnostics,
      catalog: this.#publisher.publish(),
      nameservers: all.flatMap((entry) => entry.nameservers),
    };
  }

  /** Serves the image of the only result; without one, what was served before, or SERVFAIL. */
  #take(key: string, group: readonly ZoneResult[]): Entry | undefined {
    const [{ apex, name, image, records, signed, nameservers } = NO_RESULT, another] = group;
    if (apex === undefined || name === undefined) return undefined;
    if (image !== undefined && another === undefined) {
      this.#publisher.put(apex, image);
      return { apex, name, failed: false, kept: false, signed, records, nameservers };
    }
    const old = this.#entries.get(key);
    if (old !== undefined && !old.failed) return { ...old, kept: true };
    this.#publisher.fail(apex);
    return { apex, name, failed: true, kept: false, signed: false, records: 0, nameservers: [] };
  }
}

const NO_RESULT: Partial<ZoneResult> & Pick<ZoneResult, 'records' | 'signed' | 'nameservers'> = {
  records: 0,
  signed: false,
  nameservers: [],
};

/** An error for each file whose zone another file holds too. */
export function zoneConflicts(results: readonly ZoneResult[]): Diagnostic[] {
  return [...groupByName(results).values()].flatMap(conflicts);
}

/** Results by the zone's name in lower case. */
function groupByName(results: readonly ZoneResult[]): Map<string, ZoneResult[]> {
  const byName = new Map<string, ZoneResult[]>();
  for (const result of results) {
    if (result.name === undefined) continue;
    const key = result.name.toLowerCase();
    const group = byName.get(key);
    if (group === undefined) byName.set(key, [result]);
    else group.push(result);
  }
  return byName;
}

/** The errors of files that hold one zone; none when there is only one. */
function conflicts(group: readonly ZoneResult[]): Diagnostic[] {
  if (group.length === 1) return [];
  return group.map((result) => {
    const others = group.filter((other) => other !== result).map((other) => other.zone.file);
    const message = `zone ${result.name} is in ${others.join(' and ')} too; expected one file a zone, none of them is served`;
    return { severity: 'error', file: result.zone.file, line: 1, column: 1, message };
  });
}
