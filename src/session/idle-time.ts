/** How long a session may be idle while there are so many, and what clients are told of it. Pure, for whoever shows it too. */

/** Part of the limit on connections from which on the idle time shrinks, and at which it is shortest. */
const SHRINK_FROM = 0.5;
const SHRINK_TO = 0.9;
/** Part of the limit from which on clients are asked to close (keepalive 0). */
export const SHED_FROM = 0.95;

/** Milliseconds at a load of `load`, the part of the limit that is used; between `idleTime` and `idleTimeMin`. */
export function idleTimeAt(load: number, { idleTime, idleTimeMin }: { idleTime: number; idleTimeMin: number }): number {
  if (load <= SHRINK_FROM) return idleTime;
  const part = Math.min(1, (load - SHRINK_FROM) / (SHRINK_TO - SHRINK_FROM));
  return Math.max(idleTimeMin, Math.round(idleTime - (idleTime - idleTimeMin) * part));
}
