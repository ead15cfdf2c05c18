/** Adds up differences: a chain of them becomes one that does the same (RFC 1995 §5, "condensation"). */
import { AdotdError, ErrorCode } from '../../errors.js';
import { nameToText, sameName } from '../../protocol/name.js';
import { type Difference, differenceOf } from './difference.js';
import { RunCursor, type RunPair, RunWriter } from './record-run.js';

/**
 * The sum of two differences. A record that the first adds and the second removes is in neither run of the result. A record that the
 * first removes and the second adds again is left out when it is the same octet by octet; with another TTL or letter case it
 * stays. Throws ADOTD_CHANGE_SERIAL when the second does not begin where the first ends, or leads back to its beginning;
 * ADOTD_RECORD_MISSING and ADOTD_RECORD_PRESENT when no zone can take both.
 */
export function compose(first: Difference, second: Difference): Difference {
  const { apex } = first;
  if (!sameName(apex, 0, second.apex, 0) || first.to !== second.from) {
    const found = `found ${describe(second)} behind ${describe(first)}`;
    throw new AdotdError(ErrorCode.CHANGE_SERIAL, `${found}, expected a change that begins where the other ends`);
  }
  const { removed, added } = composeRuns(apex, first, second);
  return differenceOf(apex, removed, added);
}

/** As compose(), but serials do not matter: the sum may lead back to its beginning. Runs may be without SOA records. */
export function composeRuns(apex: Uint8Array, first: RunPair, second: RunPair): RunPair {
  // Records of the older version that the second removes; and records that the first adds and that stay.
  const { left, right } = cancel(new RunCursor(second.removed), new RunCursor(first.added), false);
  // Records that the first removes and that stay removed; and all others that the second adds.
  const kept = cancel(new RunCursor(first.removed), new RunCursor(second.added), true);
  const removed = union(kept.left, left, ErrorCode.RECORD_MISSING, 'removed', apex);
  const added = union(kept.right, right, ErrorCode.RECORD_PRESENT, 'added', apex);
  return { removed, added };
}

function describe({ apex, from, to }: Difference): string {
  return `the change of ${nameToText(apex)} from serial ${from} to ${to}`;
}

/** Two runs without the records that they have in common; `exactly`: records count as the same only when they are spelt alike. */
function cancel(a: RunCursor, b: RunCursor, exactly: boolean): { left: Uint8Array; right: Uint8Array } {
  const left = new RunWriter();
  const right = new RunWriter();
  while (!a.isAtEnd || !b.isAtEnd) {
    const order = a.isAtEnd ? 1 : b.isAtEnd ? -1 : a.compare(b);
    if (order === 0 && (!exactly || a.isSpeltAs(b))) {
      a.next();
      b.next();
    } else {
      if (order <= 0) left.take(a);
      if (order >= 0) right.take(b);
    }
  }
  return { left: left.finish(), right: right.finish() };
}

/** Both runs in one, which have no record in common. */
function union(one: Uint8Array, other: Uint8Array, code: ErrorCode, what: string, apex: Uint8Array): Uint8Array {
  const [a, b] = [new RunCursor(one), new RunCursor(other)];
  const writer = new RunWriter();
  while (!a.isAtEnd || !b.isAtEnd) {
    const order = a.isAtEnd ? 1 : b.isAtEnd ? -1 : a.compare(b);
    if (order === 0)
      throw new AdotdError(
        code,
        `found ${a.describe()} of ${nameToText(apex)} ${what} by two changes in succession, expected it once`,
      );
    writer.take(order < 0 ? a : b);
  }
  return writer.finish();
}
