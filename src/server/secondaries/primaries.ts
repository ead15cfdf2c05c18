/** The primaries of all secondary zones, by the names of their remotes. */
import { Primary, type PrimaryOptions } from './primary.js';
import type { SecondarySettings } from './secondary-host.js';

export class Primaries {
  readonly #options: PrimaryOptions;
  readonly #primaries = new Map<string, Primary>();

  constructor(options: PrimaryOptions) {
    this.#options = options;
  }

  get(name: string): Primary | undefined {
    return this.#primaries.get(name);
  }

  /**
   * Takes over settings; those that are gone are closed. `isOther`: a setting that all primaries share has changed, so that each is tried
   * at once. Returns the names of those that are new or have other settings than before.
   */
  configure(
    { primaries, limits }: Pick<SecondarySettings, 'primaries' | 'limits'>,
    isOther: boolean,
  ): ReadonlySet<string> {
    const wanted = new Set(primaries.map(({ name }) => name));
    for (const [name, primary] of this.#primaries) {
      if (wanted.has(name)) continue;
      primary.close();
      this.#primaries.delete(name);
    }
    const changed = new Set<string>();
    for (const settings of primaries) {
      const primary = this.#primaries.get(settings.name);
      if (primary === undefined) this.#primaries.set(settings.name, new Primary(settings, limits, this.#options));
      if (primary === undefined || primary.configure(settings, limits)) changed.add(settings.name);
      if (isOther) primary?.rest.reached();
    }
    return changed;
  }

  close(): void {
    for (const primary of this.#primaries.values()) primary.close();
  }
}
