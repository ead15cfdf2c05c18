/** The zone files of a server: the result of loading each, and which files hold the same zone. */
import { zoneKey } from '../../protocol/name.js';
import type { UnchangedZone, ZoneResult } from './load-zone.js';
import type { SourceState } from './source-state.js';
import { idOf, type ZoneFile } from './zone-files.js';

/** A zone file and the result of loading it. */
export interface LoadedFile {
  /** Its image is removed once it is served. */
  readonly result: ZoneResult;
  /** Key of its zone's name; undefined when the name is unknown. */
  readonly key: string | undefined;
  /** Whether the zone is served from this file. */
  readonly served: boolean;
}

export class LoadedFiles {
  #files = new Map<string, LoadedFile>();
  /** Ids of files by the key of their zone's name; without the files whose name is unknown. */
  readonly #byName = new Map<string, string[]>();

  /** In the order of the configuration. */
  get all(): readonly LoadedFile[] {
    return [...this.#files.values()];
  }

  get(zone: ZoneFile): LoadedFile | undefined {
    return this.#files.get(idOf(zone));
  }

  /** The files that hold the zone of this key. */
  named(key: string): readonly LoadedFile[] {
    return (this.#byName.get(key) ?? []).map((id) => this.#files.get(id)!);
  }

  /** Replaces the result of a file; returns the key of its zone. */
  add(result: ZoneResult): string | undefined {
    const id = idOf(result.zone);
    const before = this.#files.get(id);
    // A file with errors may have lost the zone's name: it counts for the zone that it held before.
    const key =
      result.image === undefined && before?.key !== undefined ? before.key : result.name && zoneKey(result.name);
    this.#unlist(id);
    this.#files.set(id, { result, key, served: false });
    if (key !== undefined) this.#byName.set(key, [...(this.#byName.get(key) ?? []), id]);
    return key;
  }

  /** Notes that the files of a zone have the same content as before. */
  unchanged({ zone, sources }: UnchangedZone): LoadedFile | undefined {
    const loaded = this.get(zone);
    if (loaded) this.#files.set(idOf(zone), { ...loaded, result: { ...loaded.result, sources } });
    return loaded;
  }

  /** Notes that a zone is served from this file and no other, and drops its image here. */
  serve(zone: ZoneFile): void {
    const loaded = this.get(zone);
    if (loaded?.key === undefined) return;
    for (const id of this.#byName.get(loaded.key) ?? []) {
      this.#files.set(id, { ...this.#files.get(id)!, served: false });
    }
    this.#files.set(idOf(zone), {
      ...loaded,
      result: { ...loaded.result, image: undefined, history: undefined },
      served: true,
    });
  }

  drop(zone: ZoneFile): void {
    const id = idOf(zone);
    this.#unlist(id);
    this.#files.delete(id);
  }

  /** Puts the files into this order. */
  order(zones: readonly ZoneFile[]): void {
    const ordered = new Map<string, LoadedFile>();
    for (const zone of zones) {
      const loaded = this.get(zone);
      if (loaded) ordered.set(idOf(zone), loaded);
    }
    this.#files = ordered;
  }

  /** The states in which a zone's files were loaded; undefined when it has to be loaded in any case. */
  known(zone: ZoneFile): readonly SourceState[] | undefined {
    const loaded = this.get(zone);
    // A file with errors is loaded again, so that they are shown again.
    if (loaded === undefined || loaded.result.errors > 0 || !loaded.served) return undefined;
    return zone.text === undefined ? loaded.result.sources : undefined;
  }

  #unlist(id: string): void {
    const key = this.#files.get(id)?.key;
    if (key === undefined) return;
    const others = (this.#byName.get(key) ?? []).filter((other) => other !== id);
    if (others.length > 0) this.#byName.set(key, others);
    else this.#byName.delete(key);
  }
}
