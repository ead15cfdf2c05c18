/** The zone files of a server: what came of each when it was last loaded, and which of them hold the same zone. */
import { zoneKey } from '../../protocol/name.js';
import type { UnchangedZone, ZoneResult } from './load-zone.js';
import type { SourceState } from './source-state.js';
import { idOf, type ZoneFile } from './zone-files.js';

/** A zone file and what came of it. */
export interface LoadedFile {
  /** The image is here only while it is not served. */
  readonly result: ZoneResult;
  /** Name of its zone in lower case; undefined when nobody knows. */
  readonly key: string | undefined;
  /** Whether it is what is served as that zone. */
  readonly served: boolean;
}

export class LoadedFiles {
  #files = new Map<string, LoadedFile>();
  /** Ids of files by the zone's name in lower case; those of files without a name are not here. */
  readonly #byName = new Map<string, string[]>();

  /** In their order. */
  get all(): readonly LoadedFile[] {
    return [...this.#files.values()];
  }

  get(zone: ZoneFile): LoadedFile | undefined {
    return this.#files.get(idOf(zone));
  }

  /** Those that hold the zone of this name (in lower case). */
  named(key: string): readonly LoadedFile[] {
    return (this.#byName.get(key) ?? []).map((id) => this.#files.get(id)!);
  }

  /** Replaces the result of a file; returns the key of its zone. */
  add(result: ZoneResult): string | undefined {
    const id = idOf(result.zone);
    const before = this.#files.get(id);
    // A file with errors may not say any more which zone it holds: it is taken for the one that it was.
    const key =
      result.image === undefined && before?.key !== undefined ? before.key : result.name && zoneKey(result.name);
    this.#unlist(id);
    this.#files.set(id, { result, key, served: false });
    if (key !== undefined) this.#byName.set(key, [...(this.#byName.get(key) ?? []), id]);
    return key;
  }

  /** Its files have changed in looks only. */
  unchanged({ zone, sources }: UnchangedZone): LoadedFile | undefined {
    const loaded = this.get(zone);
    if (loaded) this.#files.set(idOf(zone), { ...loaded, result: { ...loaded.result, sources } });
    return loaded;
  }

  /** What the file holds is served now, and what others hold of the zone is not. Its image is let go. */
  serve(zone: ZoneFile): void {
    const loaded = this.get(zone);
    if (loaded?.key === undefined) return;
    for (const id of this.#byName.get(loaded.key) ?? []) {
      this.#files.set(id, { ...this.#files.get(id)!, served: false });
    }
    this.#files.set(idOf(zone), { ...loaded, result: { ...loaded.result, image: undefined }, served: true });
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

  /** What a file was when it was loaded; undefined when it has to be loaded in any case. */
  known(zone: ZoneFile): readonly SourceState[] | undefined {
    const loaded = this.get(zone);
    // What has errors is loaded again, so that they are shown again.
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
