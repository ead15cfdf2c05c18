/**
 * Records the evidence of a server: once a minute, the counts since the last time, and the clients of the day. Without a table of the
 * state it is kept in memory only.
 */
import { createHash, randomBytes } from 'node:crypto';
import { messageOf } from '../../errors.js';
import { beginDay, clientsOfDay, type DayMemory } from '../../observe/clients/day-clients.js';
import { followedOneIn, narrow } from '../../observe/clients/followed-clients.js';
import type { Log } from '../../observe/log.js';
import { type Change, History } from '../../report/history.js';
import { BLOCKS, isCpu } from '../../report/measures.js';
import { dataOf, type ReportData } from '../../report/report-data.js';
import type { Clock, Timer } from '../../session/clock.js';
import type { StoredTable } from '../../state/stored-table.js';
import { type Cells, cellsBetween } from './counted-cells.js';

/** Seconds. */
const MINUTE = 60;
const DAY = 86_400;
/**
 * Minutes from one storing of the clients of the day to the next: if the machine fails, the clients of this time may be missing. A guess.
 */
const CLIENTS_EVERY = 10;
/** The name of the row that has the key of the day. */
const KEY = 'key';
const KEY_OCTETS = 8;
const KEY_FORMAT = 1;
const KEY_AT = 5;

interface RecorderParts {
  /** All that was counted since the start. */
  counted(): Cells;
  readonly days: readonly DayMemory[];
  /** undefined: there is no state. */
  readonly table: Pick<StoredTable, 'keys' | 'get' | 'put' | 'remove'> | undefined;
  /** The name of this server. */
  readonly server: string;
  readonly clock: Clock;
  readonly log: Pick<Log, 'warn'>;
}

export class Recorder {
  readonly #parts: RecorderParts;
  readonly #history = new History();
  readonly #timer: Timer;
  #counted: ReadonlyMap<number, number> = new Map();
  #day = -1;
  #mark = '';
  /** Seconds since 1970. */
  #followedSince = 0;
  #minutes = 0;
  /** Fulfilled when all writes so far are done. */
  #written: Promise<void> = Promise.resolve();
  #hasFailed = false;
  #isClosed = false;

  constructor(parts: RecorderParts) {
    this.#parts = parts;
    const { table, clock } = parts;
    if (table !== undefined) this.#load(table);
    this.#beginDay(this.#storedKey());
    // The CPU time that the threads took to start is no cost of queries.
    this.#counted = new Map([...parts.counted()].filter(([id]) => isCpu(id)));
    this.#timer = clock.timer(() => {
      // It fires when the next minute has begun.
      this.record(1);
      this.#wait();
    });
    this.#wait();
  }

  /** Notes the counts since the last time; `before`: seconds since the end of the minute that they belong to. */
  record(before = 0): void {
    const now = this.#parts.clock.seconds();
    const counted = this.#counts(now);
    const changes = this.#history.record(now - before, cellsBetween(this.#counted, counted));
    this.#counted = counted;
    const isOver = Math.floor(now / DAY) !== this.#day;
    if (isOver || ++this.#minutes % CLIENTS_EVERY === 0) changes.push(...this.#clients());
    this.#store(changes);
    if (isOver) this.#beginDay(undefined);
  }

  /** The records from `since`, seconds since 1970, until now. */
  data(since = 0): ReportData {
    this.record();
    this.#clients();
    const { server, table } = this.#parts;
    return dataOf(this.#history, server, table !== undefined, since);
  }

  /** Fulfilled when all is stored. */
  async close(): Promise<void> {
    if (this.#isClosed) return this.#written;
    this.#isClosed = true;
    this.#timer.clear();
    this.record();
    this.#store(this.#clients());
    await this.#written;
  }

  /** At the end of each minute by the machine's clock. */
  #wait(): void {
    if (!this.#isClosed) this.#timer.set((MINUTE - (this.#parts.clock.seconds() % MINUTE)) * 1000);
  }

  /** All that was counted since the start, and how clients are followed. */
  #counts(now: number): Cells {
    const counted = this.#parts.counted();
    const [first] = this.#parts.days;
    if (first === undefined) return counted;
    counted.set(BLOCKS.followed.id, Math.max(0, now - this.#followedSince));
    counted.set(BLOCKS.followed.id + 1, followedOneIn(first.followed));
    narrow(first.followed);
    return counted;
  }

  #clients(): Change[] {
    const { days } = this.#parts;
    if (days.length === 0) return [];
    return this.#history.recordDay({ day: this.#day, mark: this.#mark, sketches: clientsOfDay(days) });
  }

  /** Begins the day of the clock: with the stored key, if it is one of this day, else with another one. */
  #beginDay(stored: { readonly day: number; readonly key: Uint8Array } | undefined): void {
    const { days, clock } = this.#parts;
    this.#followedSince = clock.seconds();
    this.#day = Math.floor(this.#followedSince / DAY);
    const isSame = stored?.day === this.#day;
    const key = isSame ? stored.key : new Uint8Array(randomBytes(KEY_OCTETS));
    this.#mark = createHash('sha256').update('adotd clients of a day').update(key).digest('hex').slice(0, 16);
    beginDay(days, key, this.#history.day(this.#day, this.#mark)?.sketches);
    if (isSame) return;
    const value = Buffer.alloc(KEY_AT + KEY_OCTETS);
    value[0] = KEY_FORMAT;
    value.writeUInt32BE(this.#day, 1);
    value.set(key, KEY_AT);
    this.#store([[KEY, value]]);
  }

  #storedKey(): { day: number; key: Uint8Array } | undefined {
    const value = this.#read(KEY);
    if (value?.length !== KEY_AT + KEY_OCTETS || value[0] !== KEY_FORMAT) return undefined;
    return { day: new DataView(value.buffer, value.byteOffset).getUint32(1), key: value.slice(KEY_AT) };
  }

  #load(table: Pick<StoredTable, 'keys'>): void {
    const found = table.keys().filter((key) => key !== KEY);
    const values = found.flatMap((key) => {
      const value = this.#read(key);
      return value === undefined ? [] : [[key, value] as const];
    });
    const bad = this.#history.load(values);
    if (bad.length === 0) return;
    this.#parts.log.warn(
      { keys: bad.slice(0, 10) },
      `${bad.length} rows of the report cannot be read, and are removed`,
    );
    this.#store(bad.map((key) => [key, undefined]));
  }

  #read(key: string): Uint8Array | undefined {
    try {
      return this.#parts.table?.get(key);
    } catch (error) {
      this.#parts.log.warn({ err: error }, `a row of the report is lost: ${messageOf(error)}`);
      return undefined;
    }
  }

  #store(changes: readonly Change[]): void {
    const { table, log } = this.#parts;
    if (table === undefined || changes.length === 0) return;
    const writes = changes.map(([key, value]) => (value === undefined ? table.remove(key) : table.put(key, value)));
    const all = Promise.all(writes).then(
      () => {
        this.#hasFailed = false;
      },
      (error: unknown) => {
        if (!this.#hasFailed) log.warn({ err: error }, `the report is not stored: ${messageOf(error)}`);
        this.#hasFailed = true;
      },
    );
    this.#written = this.#written.then(() => all);
  }
}
