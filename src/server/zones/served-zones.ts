/**
 * The zones that are served, and how a load or a reload changes them. Files and zones are different things: two files may hold one zone,
 * and a file may hold another zone than before (loaded-files.ts).
 */
import { type Catalog, Publisher } from '../../image/catalog.js';
import { imageFacts } from '../../image/image-facts.js';
import type { Policies } from '../../image/policy.js';
import { zoneKey } from '../../protocol/name.js';
import type { Diagnostic } from '../../zone/diagnostics.js';
import type { UnchangedZone, ZoneResult } from './load-zone.js';
import { type LoadedFile, LoadedFiles } from './loaded-files.js';
import { FAILED, nameless, outcomeOf, type ServedZone, staleSerials } from './served-zone.js';
import type { SourceState } from './source-state.js';
import { idOf, type ZoneFile } from './zone-files.js';
import { conflicts } from './zone-mistakes.js';
import { NOTHING_DONE, type ZoneOutcome, type ZoneStatus } from './zone-outcome.js';

/** The state of all zones after a load, and the changes by the load. */
export interface ZonesReport {
  /** Zones that answer, and zones that are answered with SERVFAIL. */
  readonly served: number;
  readonly failed: number;
  /** Zones that are served from an earlier load, since their files have errors now. */
  readonly kept: number;
  readonly records: number;
  /** Names of the zones that answer: in presentation format, in the order of the files. */
  readonly names: readonly string[];
  /** Names of those that have a chain of denial (NSEC or NSEC3). */
  readonly signed: readonly string[];
  /** Whether this load found no error. */
  readonly sound: boolean;
  /** Mistakes in the files of this load and in their serials, files that hold one zone twice, and `policyMistakes`. */
  readonly diagnostics: readonly Diagnostic[];
  /** Policies for zones that are not served. */
  readonly policyMistakes: readonly Diagnostic[];
  /** The outcome of each zone that was examined. */
  readonly outcomes: readonly ZoneOutcome[];
  readonly catalog: Catalog;
  /** Names of the nameservers of the zones that answer, repeated for each zone. */
  readonly nameservers: readonly string[];
}

/** Returns the mistakes in the policies, given the names of all zones (absolute, in lower case). */
export type PolicyCheck = (zones: ReadonlySet<string>) => readonly Diagnostic[];

export class ServedZones {
  readonly #publisher: Publisher;
  readonly #files = new LoadedFiles();
  /** By the keys of their names. */
  readonly #entries = new Map<string, ServedZone>();
  #version = 0;
  #mistakes: PolicyCheck = () => [];

  constructor(publisher = new Publisher()) {
    this.#publisher = publisher;
  }

  /** Puts these policies in force with the next change; `mistakes` checks them. */
  restrict(policies: Policies, mistakes: PolicyCheck = () => []): void {
    this.#mistakes = mistakes;
    this.#publisher.restrict(policies);
  }

  /**
   * Serves the zones of these results, and no others. A zone with errors stays as it was served before, or else it fails. When two files
   * hold one zone, neither is taken. `now`: seconds since 1970.
   */
  apply(results: readonly (ZoneResult | UnchangedZone)[], now = 0): ZonesReport {
    const zones = results.map(({ zone }) => zone);
    const ids = new Set(zones.map(idOf));
    const gone = this.files.filter((zone) => !ids.has(idOf(zone)));
    return this.change(results, gone, now, zones);
  }

  /**
   * As apply(), but files that are in neither list stay as they are. `gone`: files that are removed; `order`: of all files, if it may
   * have changed.
   */
  change(
    results: readonly (ZoneResult | UnchangedZone)[],
    gone: readonly ZoneFile[],
    now = 0,
    order?: readonly ZoneFile[],
  ): ZonesReport {
    const touched = new Map<string, ServedZone | undefined>();
    const outcomes: ZoneOutcome[] = [];
    const touch = (key: string | undefined): void => {
      if (key !== undefined && !touched.has(key)) touched.set(key, this.#entries.get(key));
    };
    for (const zone of gone) {
      touch(this.#files.get(zone)?.key);
      this.#files.drop(zone);
    }
    const diagnostics: Diagnostic[] = [];
    for (const result of results) {
      if ('unchanged' in result) {
        outcomes.push(this.#unchanged(result));
        continue;
      }
      diagnostics.push(...result.diagnostics);
      touch(this.#files.get(result.zone)?.key);
      const key = this.#files.add(result);
      touch(key);
      if (key === undefined) outcomes.push(nameless(result));
    }
    if (order) this.#files.order(order);
    for (const [key, before] of touched) {
      this.#settle(key, now);
      const group = this.#files.named(key).map(({ result }) => result);
      const more = [...conflicts(group), ...staleSerials(before, this.#entries.get(key))];
      diagnostics.push(...more);
      outcomes.push(outcomeOf(key, before, this.#entries.get(key), group, more));
    }
    return this.#report(outcomes, diagnostics);
  }

  /** The zone files, in the order of the configuration. */
  get files(): readonly ZoneFile[] {
    return this.#files.all.map(({ result }) => result.zone);
  }

  /** The names of all zones, served or failed: absolute, in lower case. */
  get names(): ReadonlySet<string> {
    return new Set(this.#files.all.flatMap(({ key }) => key ?? []));
  }

  /** The states in which a zone's files were loaded; undefined when it has to be loaded in any case. */
  known(zone: ZoneFile): readonly SourceState[] | undefined {
    return this.#files.known(zone);
  }

  /** The key of the zone in this file; undefined when it is unknown. */
  keyOf(zone: ZoneFile): string | undefined {
    return this.#files.get(zone)?.key;
  }

  /** Every file that was read, and the zone files that need it. */
  get sources(): ReadonlyMap<string, readonly ZoneFile[]> {
    const sources = new Map<string, ZoneFile[]>();
    for (const { result } of this.#files.all) {
      for (const { file } of result.sources) {
        const users = sources.get(file);
        if (users === undefined) sources.set(file, [result.zone]);
        else if (users.at(-1) !== result.zone) users.push(result.zone);
      }
    }
    return sources;
  }

  /** The files of the zone of this name (presentation format). */
  filesOf(name: string): readonly ZoneFile[] {
    return this.#files.named(zoneKey(name)).map(({ result }) => result.zone);
  }

  /** The status of all zones, or of the one of this name: one or none. */
  status(name?: string): ZoneStatus[] {
    if (name !== undefined) {
      const entry = this.#entries.get(zoneKey(name));
      return entry ? [this.#statusOf(zoneKey(name), entry)] : [];
    }
    const unnamed = this.#files.all.filter(({ key }) => key === undefined);
    return [
      ...[...this.#entries].map(([key, entry]) => this.#statusOf(key, entry)),
      ...unnamed.map(({ result }) => ({ ...FAILED, ...nameless(result), state: 'failed' as const })),
    ];
  }

  /** The image of a zone that is served; undefined for others. */
  imageOf(name: string): Uint8Array | undefined {
    const entry = this.#entries.get(zoneKey(name));
    return entry && this.#publisher.imageOf(entry.apex);
  }

  /** Whether the zone of this key is answered from a file, or from the earlier content of its file. */
  isServed(key: string): boolean {
    return this.#entries.get(key)?.failed === false;
  }

  /** Whether more than one file has the zone of this key. */
  isShared(key: string): boolean {
    return this.#files.named(key).length > 1;
  }

  /** Notes that another version of a zone is served than its file has. `now`: seconds since 1970. */
  replaced(key: string, image: Uint8Array, now: number, signaturesExpire?: number): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    const { serial, records, signed } = imageFacts(image);
    const { byteLength: octets } = image;
    const facts = { serial, records, octets, signed, signaturesExpire };
    this.#entries.set(key, { ...entry, ...facts, version: ++this.#version, loadedAt: now });
  }

  /** Notes when the signatures of the version that is served end. */
  examined(key: string, signaturesExpire: number | undefined): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined) this.#entries.set(key, { ...entry, signaturesExpire });
  }

  #unchanged(result: UnchangedZone): ZoneOutcome {
    const loaded = this.#files.unchanged(result);
    const entry = loaded?.key === undefined ? undefined : this.#entries.get(loaded.key);
    const { file } = result.zone;
    const serials = { before: entry?.serial, after: entry?.serial };
    return { ...NOTHING_DONE, ...serials, name: entry?.name ?? file, file, result: 'unchanged' };
  }

  /**
   * Serves the zone from its only file. If there is no image, or another file, the zone stays as it was served before, or else is answered
   * with SERVFAIL. Without a file it is removed.
   */
  #settle(key: string, now: number): void {
    const [file, another] = this.#files.named(key);
    const old = this.#entries.get(key);
    if (file === undefined) {
      if (old) this.#publisher.remove(old.apex);
      this.#entries.delete(key);
    } else if (another === undefined && file.served && old) {
      this.#entries.set(key, { ...old, kept: false });
    } else if (another === undefined && file.result.image !== undefined) {
      this.#serve(key, file, file.result.image, now);
    } else if (old !== undefined && !old.failed) {
      this.#entries.set(key, { ...old, kept: true });
    } else {
      const { apex = old?.apex, name = old?.name, zone } = file.result;
      if (apex === undefined || name === undefined) return;
      this.#publisher.fail(apex);
      this.#entries.set(key, { ...FAILED, apex, name, file: zone.file });
    }
  }

  #serve(key: string, { result }: LoadedFile, image: Uint8Array, now: number): void {
    const { zone, apex, name, signed, signaturesExpire, serial, records, milliseconds, nameservers, history } = result;
    if (apex === undefined || name === undefined) return;
    this.#files.serve(zone);
    const old = this.#entries.get(key);
    // The records are the same: only comments have changed, or a mistake was corrected.
    const served = this.#publisher.imageOf(apex);
    if (old && served && Buffer.compare(served, image) === 0) {
      this.#entries.set(key, { ...old, file: zone.file, kept: false });
      return;
    }
    this.#publisher.put(apex, image, history);
    this.#entries.set(key, {
      apex,
      name,
      file: zone.file,
      failed: false,
      kept: false,
      version: ++this.#version,
      signed,
      signaturesExpire,
      serial,
      records,
      octets: image.byteLength,
      milliseconds,
      nameservers,
      loadedAt: now,
    });
  }

  #statusOf(key: string, entry: ServedZone): ZoneStatus {
    const { name, file, serial, records, octets, signed, signaturesExpire, loadedAt, milliseconds } = entry;
    const state = entry.failed ? 'failed' : entry.kept ? 'kept' : 'served';
    const group = this.#files.named(key).map(({ result }) => result);
    const diagnostics = [...group.flatMap((result) => result.diagnostics), ...conflicts(group)];
    const facts = { serial, records, octets, signed, signaturesExpire, loadedAt, milliseconds };
    return { name, file, state, ...facts, diagnostics };
  }

  #report(outcomes: readonly ZoneOutcome[], found: readonly Diagnostic[]): ZonesReport {
    const keys = this.names;
    const policyMistakes = this.#mistakes(keys);
    const diagnostics = [...found, ...policyMistakes];
    const entries = [...keys].flatMap((key) => this.#entries.get(key) ?? []);
    const failed = entries.filter((entry) => entry.failed).length;
    return {
      served: entries.length - failed,
      failed,
      kept: entries.filter((entry) => entry.kept).length,
      names: entries.filter((entry) => !entry.failed).map((entry) => entry.name),
      signed: entries.filter((entry) => entry.signed).map((entry) => entry.name),
      records: entries.reduce((sum, entry) => sum + entry.records, 0),
      sound: diagnostics.every((diagnostic) => diagnostic.severity !== 'error'),
      diagnostics,
      policyMistakes,
      outcomes,
      catalog: this.#publisher.publish(),
      nameservers: entries.flatMap((entry) => entry.nameservers),
    };
  }
}
