/** IDs of queries whose answers may still come, or come once more. */

/** IDs for which late answers are recognized, and as many IDs for which repeated answers are; a guess, far below all 65,536. */
const MAX_REMEMBERED = 4096;

/** Adds an ID, and drops the oldest beyond MAX_REMEMBERED. */
export function remember(ids: Set<number>, id: number): void {
  ids.add(id);
  const [oldest] = ids;
  if (ids.size > MAX_REMEMBERED && oldest !== undefined) ids.delete(oldest);
}
