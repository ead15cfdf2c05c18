/** The SOA records in runs (record-run.ts). */
import { Type } from '../../protocol/iana.js';
import { sameName } from '../../protocol/name.js';
import { RunCursor, RunWriter, runWithout } from './record-run.js';

/** A record of the apex. */
interface ApexRecord {
  /** Seconds. */
  readonly ttl: number;
  readonly rdata: Uint8Array;
}

/** The SOA record in a run; undefined: it has none. */
export function soaIn(run: Uint8Array): ApexRecord | undefined {
  for (const cursor = new RunCursor(run); !cursor.isAtEnd; cursor.next())
    if (cursor.type === Type.SOA) return { ttl: cursor.ttl, rdata: run.slice(cursor.rdataAt, cursor.end) };
  return undefined;
}

/** The run with an SOA record in its place; it replaces the one that the run has. */
export function withSoa(run: Uint8Array, apex: Uint8Array, { ttl, rdata }: ApexRecord): Uint8Array {
  const writer = new RunWriter();
  const cursor = new RunCursor(runWithout(run, ({ type }) => type === Type.SOA));
  while (!cursor.isAtEnd && cursor.type < Type.SOA && sameName(cursor.octets, cursor.at, apex, 0)) writer.take(cursor);
  writer.add(apex, 0, Type.SOA, ttl, rdata, 0, rdata.length);
  while (!cursor.isAtEnd) writer.take(cursor);
  return writer.finish();
}
