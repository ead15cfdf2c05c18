/**
 * Keeps the signals for new zones in the zones of their nameservers, where those are signed here (RFC 9615): they come with the first CDS
 * records of a zone, and go when its parent has a DS record.
 */
import { messageOf } from '../../errors.js';
import { type Changes, ImageView, type ZoneView } from '../../image/changes/zone-view.js';
import type { Log } from '../../observe/log.js';
import type { Clock, Timer } from '../../session/clock.js';
import { type SignalRecord, signalChanges, signalRecords } from '../../transfer/bootstrap/signal-records.js';
import type { SignalTable } from './signal-table.js';

/** Milliseconds from the first reason to look to the look: many zones change together. A guess. */
const DELAY = 1000;
/** Milliseconds until zones with signals are looked at again: what the parent has is known without a new version. A guess. */
const AGAIN = 600_000;
/** Milliseconds until what has failed is tried again. A guess. */
const RETRY = 60_000;

/** A zone as the keeper has it. */
interface SignalZone {
  readonly zone: string;
  readonly role: string;
  readonly state: string;
  readonly image: Uint8Array | undefined;
}

interface SignalParts {
  readonly keeper: {
    get(zone: string): SignalZone | undefined;
    all(): Iterable<SignalZone>;
    change(zone: string, make: (view: ZoneView) => Changes | undefined): Promise<unknown>;
  };
  /** Whether a zone is signed here. */
  isSigned(zone: string): boolean;
  /** Whether a zone asks its parent for the first DS record. */
  isBootstrapping(zone: string): boolean;
  readonly table: SignalTable;
  readonly clock: Clock;
  readonly log: Log;
}

export class BootstrapSignals {
  readonly #parts: SignalParts;
  readonly #timer: Timer;
  /** Whether there is a reason to look that the look under way may have missed. */
  #isWanted = false;
  #running: Promise<void> | undefined;
  #isClosed = false;

  constructor(parts: SignalParts) {
    this.#parts = parts;
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
    for (const zone of new Set([...wanted.keys(), ...this.#parts.table.zones()])) {
      if (this.#isClosed) return;
      if (!(await this.#bring(zone, wanted.get(zone) ?? []))) isDone = false;
    }
    this.#running = undefined;
    if (this.#isClosed) return;
    if (this.#isWanted) this.#timer.set(DELAY);
    else if (!isDone) this.#timer.set(RETRY);
    else if (wanted.size > 0) this.#timer.set(AGAIN);
  }

  /** The signals that zones are to have. */
  #wanted(): Map<string, SignalRecord[]> {
    const wanted = new Map<string, SignalRecord[]>();
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
    for (const zone of enclosers(owner)) {
      const kept = keeper.get(zone);
      if (kept !== undefined) return kept.role === 'file' && isSigned(zone) ? zone : undefined;
    }
    return undefined;
  }

  /** Returns false when that has failed. Never rejects. */
  async #bring(zone: string, wanted: readonly SignalRecord[]): Promise<boolean> {
    const { keeper, table, log } = this.#parts;
    const made = table.read(zone);
    const kept = keeper.get(zone);
    if (kept?.state !== 'served' || kept.image === undefined) return true;
    try {
      const look = signalChanges(new ImageView(kept.image), made, wanted);
      if (look.changes !== undefined) {
        // What is added is known as ours before it is there, so that a crash leaves nothing behind that nobody takes away.
        await table.write(zone, [...made, ...look.made.filter((record) => !has(made, record))]);
        await keeper.change(zone, (view) => signalChanges(view, made, wanted).changes);
        log.info({ zone, signals: look.made.length }, signalText(zone, look.made));
      }
      if (look.changes !== undefined || look.made.length !== made.length) await table.write(zone, look.made);
      return true;
    } catch (error) {
      log.error(
        { err: error, zone },
        `the signals for new zones in zone ${zone} stay as they were: ${messageOf(error)}`,
      );
      return false;
    }
  }
}

function has(records: readonly SignalRecord[], wanted: SignalRecord): boolean {
  const text = JSON.stringify(wanted);
  return records.some((record) => JSON.stringify(record) === text);
}

function signalText(zone: string, signals: readonly SignalRecord[]): string {
  const owners = [...new Set(signals.map(({ owner }) => owner))];
  return owners.length === 0
    ? `zone ${zone} has no signals for new zones any more`
    : `zone ${zone} vouches for new zones, at ${owners.join(', ')}`;
}

/** The name and those above it, as zoneKey() writes them. */
function* enclosers(name: string): Iterable<string> {
  for (let rest = name; rest !== ''; rest = rest.replace(/^(?:\\.|[^.\\])*\.?/, '')) yield rest;
  yield '.';
}
