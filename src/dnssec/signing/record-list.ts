/** Gathers records in any order, and makes a run of them (zone/changes/record-run.ts). */
import { RunCursor, RunWriter } from '../../zone/changes/record-run.js';

export class RecordList {
  readonly #writer = new RunWriter();

  /** Adds a record; `owner` in wire format, `ttl` in seconds. */
  add(owner: Uint8Array, type: number, ttl: number, rdata: Uint8Array): void {
    this.#writer.add(owner, 0, type, ttl, rdata, 0, rdata.length);
  }

  /** Adds all records of a run. */
  addRun(run: Uint8Array): void {
    for (const cursor = new RunCursor(run); !cursor.isAtEnd; ) this.#writer.take(cursor);
  }

  /** The records in canonical order. */
  toRun(): Uint8Array {
    const octets = this.#writer.finish();
    const records: RunCursor[] = [];
    for (const cursor = new RunCursor(octets); !cursor.isAtEnd; cursor.next())
      records.push(new RunCursor(octets.subarray(cursor.at, cursor.end)));
    records.sort((a, b) => a.compare(b));
    const sorted = new RunWriter();
    for (const record of records) sorted.take(record);
    return sorted.finish();
  }
}
