/** Brings records that the server adds into zones that are originated here, and takes them away again. */
import { messageOf } from '../../errors.js';
import { type AddedRecord, additionChanges } from '../../image/changes/added-records.js';
import { type Changes, ImageView, type ZoneView } from '../../image/changes/zone-view.js';
import type { Log } from '../../observe/log.js';
import type { RunPair } from '../../zone/changes/record-run.js';
import type { AdditionsTable } from './additions-table.js';

/** A zone as the keeper has it. */
export interface ChangeableZone {
  readonly zone: string;
  readonly role: string;
  readonly state: string;
  readonly image: Uint8Array | undefined;
  readonly serial: number;
  readonly overlay: RunPair | undefined;
  /** Id of the plan by which it is signed; undefined: it is not signed here. */
  readonly plan: string | undefined;
}

/** The part of the server that makes the changes. */
export interface ZoneChanger {
  get(zone: string): ChangeableZone | undefined;
  change(zone: string, make: (view: ZoneView) => Changes | undefined): Promise<unknown>;
}

interface AdditionsParts {
  readonly keeper: ZoneChanger;
  readonly table: AdditionsTable;
  readonly log: Log;
  /** For the log: `the signals for new zones in zone example.`. */
  nameOf(zone: string): string;
  /** For the log, when a zone has other records than before: names those that it has now. */
  textOf(zone: string, made: readonly AddedRecord[]): string;
}

/** The records of a zone after it was changed. */
interface Brought {
  /** The records that are in the zone, and not from its source. */
  readonly made: readonly AddedRecord[];
  /** The serial of a version that has them. */
  readonly serial: number;
}

export class Additions {
  readonly #parts: AdditionsParts;

  constructor(parts: AdditionsParts) {
    this.#parts = parts;
  }

  /** Zones with records that were added. */
  zones(): readonly string[] {
    return this.#parts.table.zones();
  }

  /**
   * Lets a zone have exactly these records beside its source. Returns `waiting` for a zone that is not served now, and `failed`, with an
   * error in the log, when it stays as it was. Never rejects.
   */
  async bring(zone: string, wanted: readonly AddedRecord[]): Promise<Brought | 'waiting' | 'failed'> {
    const { keeper, table, log, nameOf, textOf } = this.#parts;
    const made = table.read(zone);
    const kept = keeper.get(zone);
    if (kept?.state !== 'served' || kept.image === undefined) return 'waiting';
    try {
      const look = additionChanges(new ImageView(kept.image), made, wanted, kept.overlay);
      if (look.changes !== undefined) {
        // Records are known as ours before they are added: after a crash, none is left behind that nobody takes away.
        await table.write(zone, [...made, ...look.made.filter((record) => !has(made, record))]);
        await keeper.change(zone, (view) => additionChanges(view, made, wanted, keeper.get(zone)?.overlay).changes);
        log.info({ zone, records: look.made.length }, textOf(zone, look.made));
      }
      if (look.changes !== undefined || look.made.length !== made.length) await table.write(zone, look.made);
      return { made: look.made, serial: keeper.get(zone)?.serial ?? 0 };
    } catch (error) {
      log.error({ err: error, zone }, `${nameOf(zone)} stay as they were: ${messageOf(error)}`);
      return 'failed';
    }
  }
}

function has(records: readonly AddedRecord[], wanted: AddedRecord): boolean {
  const text = JSON.stringify(wanted);
  return records.some((record) => JSON.stringify(record) === text);
}
