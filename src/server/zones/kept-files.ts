/** The zones that come from files: the version of each that is served, and the facts about it. */
import type { Publisher } from '../../image/catalog.js';
import { boundedHistory } from '../../image/history.js';
import { imageFacts } from '../../image/image-facts.js';
import { zoneKey } from '../../protocol/name.js';
import type { Diagnostic } from '../../zone/diagnostics.js';
import type { SigningPlan } from '../signing/zone-signers.js';
import { inOrder, type Kept, newKept, type ZoneRole } from './kept-zone.js';
import type { UnchangedZone, ZoneResult } from './load-zone.js';
import type { FileVersion } from './versions/file-outcome.js';

/** The part of the keeper for its files. */
interface KeeperCore {
  readonly zones: Map<string, Kept>;
  readonly publisher: Publisher;
  /** The version that a file makes of its zone. */
  version(kept: Kept, result: ZoneResult): Promise<FileVersion>;
  /** Notes that the serial of a zone has changed. */
  changed(zone: string, serial: number): void;
  /** Called with a plan by which a version was signed that is to be published. */
  signed(kept: Kept, plan: SigningPlan): void;
  /** Gives up the changes that wait. */
  giveUp(kept: Kept): void;
}

type LoadResult = ZoneResult | UnchangedZone;

interface PreparedFiles {
  readonly results: readonly LoadResult[];
  /** `isServed`: whether the zone of a key comes from a file now. */
  settle(isServed: (zone: string) => boolean): void;
}

/** Waits until no work on the zone is under way; none begins until the result is called. */
function hold(kept: Kept): Promise<() => void> {
  return new Promise((resolve) => {
    void inOrder(kept, () => new Promise<void>((release) => resolve(release)));
  });
}

function keyOf({ name }: ZoneResult): string | undefined {
  return name === undefined ? undefined : zoneKey(name);
}

/** The result of a file whose zone comes from elsewhere. */
function taken(result: ZoneResult, role: ZoneRole): ZoneResult {
  const { file } = result.zone;
  const message = `found zone ${result.name}, which is served as ${role}; expected one source of a zone: remove this file, or that zone from the configuration`;
  const diagnostics: Diagnostic[] = [{ severity: 'error', file, line: 1, column: 1, message }];
  return { ...result, apex: undefined, name: undefined, image: undefined, diagnostics, errors: 1, warnings: 0 };
}

export class KeptFiles {
  readonly #core: KeeperCore;

  constructor(core: KeeperCore) {
    this.#core = core;
  }

  /**
   * Makes the versions to serve from zone files as they were loaded. Changes that were made beside a file stay, and a serial that went back
   * is refused. No zone of the results is changed until `settle` is called with the outcome, which has to be soon.
   */
  async prepare(results: readonly LoadResult[], isShared: (zone: string) => boolean): Promise<PreparedFiles> {
    const releases: (() => void)[] = [];
    const keys = results.flatMap((result) => ('unchanged' in result ? [] : (keyOf(result) ?? [])));
    const isAlone = (key: string): boolean => !isShared(key) && keys.indexOf(key) === keys.lastIndexOf(key);
    const versions = new Map<Kept, FileVersion>();
    const prepared = await Promise.all(
      results.map(async (result) => {
        const key = 'unchanged' in result ? undefined : keyOf(result);
        if ('unchanged' in result || result.apex === undefined || key === undefined || !isAlone(key)) return result;
        const kept = this.#core.zones.get(key) ?? newKept(key, result.apex, 'file');
        if (kept.role !== 'file') return taken(result, kept.role);
        this.#core.zones.set(key, kept);
        releases.push(await hold(kept));
        const version = await this.#core.version(kept, result);
        versions.set(kept, version);
        return { ...version.result, history: version.history };
      }),
    );
    return {
      results: prepared,
      settle: (isServed) => {
        for (const [kept, version] of versions) this.#settle(kept, version, isServed);
        for (const kept of this.#core.zones.values())
          if (kept.role === 'file' && !isServed(kept.zone)) this.#forget(kept);
        for (const release of releases) release();
      },
    };
  }

  /** Notes the outcome of a zone file. */
  #settle(kept: Kept, version: FileVersion, isServed: (zone: string) => boolean): void {
    const image = isServed(kept.zone) ? this.#core.publisher.imageOf(kept.apex) : undefined;
    // A file that comes back may bring the stored version of its zone, with the serial of before.
    const isBack = kept.state !== 'served';
    kept.state = image === undefined ? 'failed' : 'served';
    if (image === undefined) return;
    const { history, sourceSerial, overlay, plan, signedBy } = version;
    const { serial } = imageFacts(image);
    if (isBack || serial !== kept.serial) this.#core.changed(kept.zone, serial);
    Object.assign(kept, { serial, history: boundedHistory(history, image), sourceSerial, overlay, plan });
    if (signedBy !== undefined) this.#core.signed(kept, signedBy);
  }

  /** A zone whose file is gone. */
  #forget(kept: Kept): void {
    this.#core.giveUp(kept);
    this.#core.zones.delete(kept.zone);
  }
}
