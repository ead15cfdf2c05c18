/** Stores zones for the keeper, and makes versions again from the stored data (state/zone-store.ts). */
import { AdotdError, ErrorCode } from '../../errors.js';
import { imageFacts } from '../../image/image-facts.js';
import type { StoredTable } from '../../state/stored-table.js';
import { PLAN_FLAG, type StoredFacts } from '../../state/zone-facts.js';
import type { ZoneStore } from '../../state/zone-store.js';
import type { Difference } from '../../zone/changes/difference.js';
import type { RunPair } from '../../zone/changes/record-run.js';
import type { LoaderLane } from './jobs/loader-lane.js';
import type { Kept } from './kept-zone.js';

/** A version that is to be stored. */
interface VersionToStore {
  readonly image: Uint8Array;
  /** Its records as a run, where they are at hand. */
  readonly run?: Uint8Array | undefined;
  /** From the version that is stored; undefined: it is replaced. */
  readonly differences: readonly Difference[] | undefined;
  /** Image of the zone's file, where that has changed. */
  readonly source?: Uint8Array | undefined;
  readonly sourceSerial: number;
  readonly origin?: string | undefined;
  /** Id of the plan by which the version is signed; undefined: it is not signed here. */
  readonly plan?: string | undefined;
  /** Of others: timers, flags. */
  readonly facts?: Partial<StoredFacts> | undefined;
}

/** A version as it was stored. */
interface StoredVersion {
  readonly image: Uint8Array;
  readonly history: readonly Difference[];
  readonly sourceSerial: number;
  readonly origin: string | undefined;
  readonly overlay: RunPair | undefined;
  /** Id of the plan by which it is signed; undefined: it is not signed here. */
  readonly plan: string | undefined;
}

/** The timer of StoredFacts that says when a version expires, in seconds since 1970. */
const EXPIRES = 'expires';

export class KeptState {
  readonly #store: ZoneStore;
  readonly #lane: LoaderLane;

  constructor(store: ZoneStore, lane: LoaderLane) {
    this.#store = store;
    this.#lane = lane;
  }

  /** The stored facts besides content; undefined: the zone is not stored. */
  facts(zone: string): StoredFacts | undefined {
    return this.#store.zone(zone)?.facts;
  }

  /** The serial that was published last, also of a version that cannot be read; undefined: none is known. */
  serial(zone: string): number | undefined {
    return this.#store.zone(zone)?.serial;
  }

  /** Keys of the zones that are stored as secondaries. */
  secondaries(): string[] {
    return this.#store.zones().flatMap(({ zone, facts }) => (facts.role === 'secondary' ? zone : []));
  }

  /** A table for small values of others. */
  table(name: string): StoredTable {
    return this.#store.table(name);
  }

  /** Octets of the differences that are stored behind the last generation. */
  journal(zone: string): number {
    return this.#store.zone(zone)?.journal.octets ?? 0;
  }

  /** Stores facts. Rejects with ADOTD_STATE. */
  note(zone: string, facts: Partial<StoredFacts>): Promise<void> {
    const flags = facts.flags && flagsWith(facts.flags, this.#planOf(zone));
    return this.#store.note(zone, { ...facts, ...(flags && { flags }) });
  }

  /** Fulfilled when the version is on disk. Rejects with ADOTD_STATE; then nothing of it is stored. */
  commit({ zone, role }: Kept, version: VersionToStore): Promise<void> {
    const { image, run, differences, source, sourceSerial, origin, plan, facts } = version;
    const flags = flagsWith(facts?.flags ?? this.facts(zone)?.flags ?? {}, plan);
    return this.#store.commit(zone, {
      generation: image,
      run,
      ...(differences && { differences }),
      ...(source && { source }),
      facts: { ...facts, flags, role, sourceSerial, ...(origin !== undefined && { origin }) },
    });
  }

  /** Stores the present content of a zone's file, though the zone stays as it is. Rejects as commit() does. */
  commitSource({ zone, role }: Kept, source: Uint8Array, sourceSerial: number): Promise<void> {
    return this.#store.commit(zone, { source, facts: { role, sourceSerial } });
  }

  /** Whether the stored version of a zone had expired at `now`, in seconds since 1970. */
  isExpired(zone: string, now: number): boolean {
    const { [EXPIRES]: expires } = this.facts(zone)?.timers ?? {};
    return expires !== undefined && expires <= now;
  }

  /** Forgets a zone. */
  async remove(zone: string): Promise<void> {
    if (this.#store.zone(zone) !== undefined) await this.#store.commit(zone, { remove: true });
  }

  /** The version that was stored last; undefined: none. Rejects with ADOTD_STATE when it cannot be read: then no older one is taken. */
  async read({ zone, apex, role }: Kept, isSigner: boolean, now: number): Promise<StoredVersion | undefined> {
    const content = await this.#store.read(zone);
    if (content === undefined) return undefined;
    if (content.kind === 'unreadable') throw unreadable(zone, content.reason);
    const source = role === 'file' ? await this.#store.readSource(zone) : undefined;
    const { base, differences, history } = content;
    const job = { kind: 'restore', apex, base, differences, source, isSigner, now } as const;
    const { image, overlay } = await this.#lane.run(job);
    if (image === undefined) throw unreadable(zone, 'what is stored makes no valid zone');
    if (!('image' in base) || differences.length > 0) this.#store.keepImage(zone, image);
    const { sourceSerial = imageFacts(image).serial, origin } = this.facts(zone) ?? {};
    return { image, history, sourceSerial, origin, overlay, plan: this.#planOf(zone) };
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  #planOf(zone: string): string | undefined {
    const plan = this.facts(zone)?.flags[PLAN_FLAG];
    return typeof plan === 'string' ? plan : undefined;
  }
}

function unreadable(zone: string, reason: string): AdotdError {
  const remedy = 'restore the state from a backup, or take the file as it is with adotd ctl state accept-file';
  return new AdotdError(ErrorCode.STATE, `the stored version of ${zone} cannot be read: ${reason}; ${remedy} ${zone}`);
}

/** Flags of others, with that of the plan. */
function flagsWith(
  { [PLAN_FLAG]: _, ...others }: StoredFacts['flags'],
  plan: string | undefined,
): StoredFacts['flags'] {
  return plan === undefined ? others : { ...others, [PLAN_FLAG]: plan };
}
