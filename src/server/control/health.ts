/** One word for the whole state of a server, by the classes of monitoring plugins: what `adotd ctl status` ends with. */
import type { ServerStatus } from './control-target.js';

/**
 * `critical`: clients get no answers, or none that they may trust: a zone failed, no zone is served, or a certificate has expired or is
 * not valid yet. `warning`: all is answered, but not from the files as they are now, or not for long: errors in files, zones that are
 * kept as they were, a change that waits for a restart, draining.
 */
export type Health = 'ok' | 'warning' | 'critical';

/** `now`: seconds since 1970. */
export function healthOf(status: Omit<ServerStatus, 'health'>, now: number): Health {
  const { zones, certificates, problems, restart, state } = status;
  const isOutOfTime = ({ begins, expires }: { begins: number; expires: number }): boolean =>
    begins > now || expires <= now;
  if (zones.failed > 0 || zones.served === 0 || certificates.some(isOutOfTime)) return 'critical';
  if (zones.kept > 0 || problems.length > 0 || restart.length > 0 || state !== 'ready') return 'warning';
  return 'ok';
}
