/** Seconds that have passed, the machine's sleep included. Changes of the time of day have no effect on them. */
import { uptime } from 'node:os';
import { performance } from 'node:perf_hooks';

/** Seconds by which the two clocks may differ without a sleep: uptime() is in whole seconds on some systems. */
const GRAIN = 2;

/**
 * Returns a clock in seconds. node's clock of the process stands still while the machine sleeps; that of the system does not,
 * but is coarse. So the first is read, and the lead that the second has gained is added.
 */
export function elapsedTime(running = (): number => performance.now() / 1000, system = uptime): () => number {
  let ahead = system() - running();
  let slept = 0;
  return () => {
    const now = running();
    const gained = system() - now - ahead;
    if (gained > GRAIN) {
      slept += gained;
      ahead += gained;
    }
    return now + slept;
  };
}
