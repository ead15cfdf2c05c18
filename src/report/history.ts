/**
 * The rows that a server keeps: one a minute, one an hour, one a day for its clients. They are kept by the order in which they were begun,
 * not by their time, so that a clock that jumps cannot make old rows look older than they are. If a clock comes back to a minute
 * or hour, that goes on in the same row.
 */
import { type ClientDay, decodeClientDay, encodeClientDay } from './client-day.js';
import { decodeRow, encodeRow, mergeCells, type Row } from './row.js';

const MINUTE = 60;
const HOUR = 3600;
/**
 * Rows of minutes: those of 48 hours. Rows of hours: those of 90 days. Rows of days: as many, and one for each restart that lost its key,
 * up to this limit.
 */
const LIMITS = { m: 2880, h: 2160, d: 120 } as const;
type Kind = keyof typeof LIMITS;
const SECONDS = { m: MINUTE, h: HOUR } as const;

/** A key, and the value to store by it; undefined: the key is removed. */
export type Change = readonly [key: string, value: Uint8Array | undefined];

export class History {
  readonly #rows = { m: new Map<string, Row>(), h: new Map<string, Row>() };
  readonly #days = new Map<string, ClientDay>();
  #order = 0;

  /** Takes the stored rows and days; returns the keys of other or damaged entries. */
  load(stored: Iterable<readonly [key: string, value: Uint8Array]>): string[] {
    const bad: string[] = [];
    const rows: Row[] = [];
    const days: ClientDay[] = [];
    for (const [key, value] of stored) {
      const row = key.startsWith('d') ? undefined : decodeRow(value);
      const day = key.startsWith('d') ? decodeClientDay(value) : undefined;
      if (row !== undefined && key === keyOf(row)) rows.push(row);
      else if (day !== undefined && key === keyOfDay(day)) days.push(day);
      else bad.push(key);
    }
    for (const row of rows.sort(byOrder)) this.#rows[row.seconds === HOUR ? 'h' : 'm'].set(keyOf(row), row);
    for (const day of days.sort(byOrder)) this.#days.set(keyOfDay(day), day);
    this.#order = Math.max(0, ...rows.map(({ order }) => order), ...days.map(({ order }) => order));
    return bad;
  }

  /** Adds the counts until `now`, seconds since 1970, to the rows; returns the entries to store. */
  record(now: number, cells: ReadonlyMap<number, number>): Change[] {
    return (['m', 'h'] as const).flatMap((kind) => {
      const seconds = SECONDS[kind];
      const at = Math.floor(now / seconds) * seconds;
      const before = this.#rows[kind].get(kind + at);
      const order = before?.order ?? ++this.#order;
      const row = { at, seconds, order, cells: mergeCells(before?.cells ?? new Map(), cells) };
      this.#rows[kind].set(kind + at, row);
      return [[kind + at, encodeRow(row)] as const, ...this.#surplus(kind, this.#rows[kind])];
    });
  }

  /** Notes all clients of a day that are known so far; returns the entries to store. */
  recordDay(day: Omit<ClientDay, 'order'>): Change[] {
    const key = keyOfDay(day);
    const order = this.#days.get(key)?.order ?? ++this.#order;
    const noted = { ...day, order };
    this.#days.set(key, noted);
    return [[key, encodeClientDay(noted)], ...this.#surplus('d', this.#days)];
  }

  day(day: number, mark: string): ClientDay | undefined {
    return this.#days.get(keyOfDay({ day, mark }));
  }

  get minutes(): Row[] {
    return [...this.#rows.m.values()];
  }

  get hours(): Row[] {
    return [...this.#rows.h.values()];
  }

  get days(): ClientDay[] {
    return [...this.#days.values()];
  }

  /** Removes the rows that were begun first. */
  #surplus(kind: Kind, rows: Map<string, unknown>): Change[] {
    const gone = [...rows.keys()].slice(0, Math.max(0, rows.size - LIMITS[kind]));
    for (const key of gone) rows.delete(key);
    return gone.map((key) => [key, undefined]);
  }
}

function keyOf({ at, seconds }: Row): string {
  return `${seconds === HOUR ? 'h' : 'm'}${at}`;
}

function keyOfDay({ day, mark }: Pick<ClientDay, 'day' | 'mark'>): string {
  return `d${day}-${mark}`;
}

function byOrder(one: { readonly order: number }, other: { readonly order: number }): number {
  return one.order - other.order;
}
