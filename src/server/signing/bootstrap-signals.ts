/**
 * Keeps the signals for new zones in the zones of their nameservers, where those are signed here (RFC 9615): they come with the first CDS
 * records of a zone, and go when its parent has a DS record.
 */
import type { AddedRecord } from '../../image/changes/added-records.js';
import { ImageView } from '../../image/changes/zone-view.js';
import type { Log } from '../../observe/log.js';
import type { Clock, Timer } from '../../session/clock.js';
import { signalRecords } from '../../transfer/bootstrap/signal-records.js';
import { Additions, type ChangeableZone, type ZoneChanger } from '../signals/additions.js';
import type { AdditionsTable } from '../signals/additions-table.js';
import { placeOfName } from '../signals/place-of-name.js';

/** Milliseconds from the first reason to look to the look: many zones change together. A guess. */
const DELAY = 1000;
/** Milliseconds until zones with signals are looked at again: the parent's DS records change without a new version. A guess. */
const AGAIN = 600_000;
/** Milliseconds until a failed attempt is repeated. A guess. */
const RETRY = 60_000;

interface SignalParts {
  readonly keeper: ZoneChanger & { all(): Iterable<ChangeableZone> };
  /** Whether a zone is signed here. */
  isSigned(zone: string): boolean;
  /** Whether a zone asks its parent for the first DS record. */
  isBootstrapping(zone: string): boolean;
  readonly table: AdditionsTable;
  readonly clock: Clock;
  readonly log: Log;
}

export class BootstrapSignals {
  readonly #parts: SignalParts;
  readonly #timer: Timer;
  readonly #additions: Additions;
  /** Whether there is a reason to look that the look under way may have missed. */
  #isWanted = false;
  #running: Promise<void> | undefined;
  #isClosed = false;

  constructor(parts: SignalParts) {
    this.#parts = parts;
    this.#additions = new Additions({
      ...parts,
      nameOf: (zone) => `the signals for new zones in zone ${zone}`,
      textOf: signalText,
    });
    this.#timer = parts.clock.timer(() => {
      this.#running ??= this.#run();
    });
  }

  /** To be called when a zone has changed, come or gone, and when the states of keys have moved. */
  changed(): void {
    if (this.#isWanted || this.#isClosed) return;
    this.#isWanted = true;
    // A look that is under way looks once more when it is done.
    if (this.#running === undefined) this.#timer.set(DELAY);
  }

  /** Fulfilled when nothing is under way any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer.clear();
    await this.#running;
  }

  async #run(): Promise<void> {
    this.#isWanted = false;
    const wanted = this.#wanted();
    let isDone = true;
    for (const zone of new Set([...wanted.keys(), ...this.#additions.zones()])) {
      if (this.#isClosed) return;
      if ((await this.#additions.bring(zone, wanted.get(zone) ?? [])) === 'failed') isDone = false;
    }
    this.#running = undefined;
    if (this.#isClosed) return;
    if (this.#isWanted) this.#timer.set(DELAY);
    else if (!isDone) this.#timer.set(RETRY);
    else if (wanted.size > 0) this.#timer.set(AGAIN);
  }

  /** The signals that zones are to have. */
  #wanted(): Map<string, AddedRecord[]> {
    const wanted = new Map<string, AddedRecord[]>();
    for (const { zone, state, image } of this.#parts.keeper.all()) {
      if (state !== 'served' || image === undefined || !this.#parts.isBootstrapping(zone)) continue;
      for (const record of signalRecords(new ImageView(image))) {
        const place = this.#placeOf(record.owner);
        if (place === undefined) continue;
        const others = wanted.get(place);
        if (others === undefined) wanted.set(place, [record]);
        else others.push(record);
      }
    }
    return wanted;
  }

  /** The zone that a name is in, where that is originated and signed here. */
  #placeOf(owner: string): string | undefined {
    const { keeper, isSigned } = this.#parts;
    const kept = placeOfName(owner, keeper);
    return kept?.role === 'file' && isSigned(kept.zone) ? kept.zone : undefined;
  }
}

function signalText(zone: string, signals: readonly AddedRecord[]): string {
  const owners = [...new Set(signals.map(({ owner }) => owner))];
  return owners.length === 0
    ? `zone ${zone} has no signals for new zones any more`
    : `zone ${zone} vouches for new zones, at ${owners.join(', ')}`;
}
