/**
 * The history of a zone: the differences that lead to the version that is served, for IXFR. They lie in segments beside the
 * images: serials and lengths in words, then both runs. So a new catalog refers to them and does not carry them.
 */
import type { Difference } from '../zone/changes/difference.js';

const FROM = 0;
const TO = 1;
const REMOVED = 2;
const ADDED = 3;
const FIXED = 4;

/** A difference as it lies in a segment. */
export function packDifference({ from, to, removed, added }: Difference): Uint8Array {
  const octets = FIXED * 4 + removed.length + added.length;
  const bytes = new Uint8Array(new SharedArrayBuffer((octets + 3) & ~3));
  const words = new Int32Array(bytes.buffer, 0, FIXED);
  words[FROM] = from;
  words[TO] = to;
  words[REMOVED] = removed.length;
  words[ADDED] = added.length;
  bytes.set(removed, FIXED * 4);
  bytes.set(added, FIXED * 4 + removed.length);
  return bytes;
}

/** The difference at word `base` of a segment, whose runs are views. */
export function unpackDifference(
  { words, bytes }: { readonly words: Int32Array; readonly bytes: Uint8Array },
  base: number,
  apex: Uint8Array,
): Difference {
  const [removed, added] = [words[base + REMOVED]!, words[base + ADDED]!];
  const at = (base + FIXED) << 2;
  return {
    apex,
    from: words[base + FROM]! >>> 0,
    to: words[base + TO]! >>> 0,
    removed: bytes.subarray(at, at + removed),
    added: bytes.subarray(at + removed, at + removed + added),
  };
}

/**
 * The last differences of `history` (oldest first) that together are no longer than the zone of `image`: instead of longer
 * ones, the whole zone would be sent anyway. The image's own length stands for that of its records.
 */
export function boundedHistory(history: readonly Difference[], image: Uint8Array): readonly Difference[] {
  let room = image.byteLength;
  let first = history.length;
  for (; first > 0; first--) {
    const { removed, added } = history[first - 1]!;
    room -= removed.length + added.length;
    if (room < 0) break;
  }
  return first === 0 ? history : history.slice(first);
}
