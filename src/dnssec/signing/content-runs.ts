/** Runs of a signed zone without the records that signing makes. */
import { sameName } from '../../protocol/name.js';
import { RunCursor, type RunPair, runWithout } from '../../zone/changes/record-run.js';
import { isKeyType, isSignersType } from './signers-types.js';

/** Whether signing makes the current record of a run. */
function isOurs({ octets, at, type }: RunCursor, apex: Uint8Array): boolean {
  return isSignersType(type, sameName(octets, at, apex, 0));
}

/**
 * `www.example. NSEC`: the first record of a run that signing makes; undefined: it has none. With `hasForeign`, keys do not count: they
 * may be those of other signers.
 */
export function signersRecordIn(apex: Uint8Array, run: Uint8Array, hasForeign: boolean): string | undefined {
  for (const cursor = new RunCursor(run); !cursor.isAtEnd; cursor.next())
    if (isOurs(cursor, apex) && !(hasForeign && isKeyType(cursor.type))) return cursor.describe();
  return undefined;
}

/** Both runs without records that signing makes. */
export function contentOf(apex: Uint8Array, { removed, added }: RunPair): RunPair {
  const filtered = (run: Uint8Array): Uint8Array => runWithout(run, (record) => isOurs(record, apex));
  return { removed: filtered(removed), added: filtered(added) };
}
