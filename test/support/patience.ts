/** How long tests wait for what is bound to come. */
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Milliseconds. No measure of speed: what comes ends the wait at once, and the slowest machine has time. Only what never comes takes so long.
 * The mutation test, for which something often never comes, asks for less.
 */
export const PATIENCE = Number(process.env.ADOTD_PATIENCE ?? 60_000);

interface Waiting {
  /** Milliseconds between two looks. */
  readonly pause?: number;
  /** Milliseconds. */
  readonly patience?: number;
}

/** Waits until something is so. Throws `what`, the thing that does not come, and what `log` returns. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  log = (): string => '',
  { pause = 20, patience = PATIENCE }: Waiting = {},
): Promise<void> {
  for (const end = performance.now() + patience; !(await isSo()); await sleep(pause))
    if (performance.now() > end) throw new Error(`this does not come: ${what}\n${log()}`);
}
