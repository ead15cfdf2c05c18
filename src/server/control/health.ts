/** One word for the whole state of a server, by the classes of monitoring plugins. `adotd ctl status` ends with it. */
import type { Health, ServerStatus } from './control-target.js';

/** The part of the status that it depends on. */
type Judged = Pick<ServerStatus, 'zones' | 'problems' | 'restart' | 'state'> & {
  readonly certificates: readonly Pick<ServerStatus['certificates'][number], 'begins' | 'expires'>[];
};

/** `now`: seconds since 1970. */
export function healthOf(status: Judged, now: number): Health {
  const { zones, certificates, problems, restart, state } = status;
  const isOutOfTime = ({ begins, expires }: { begins: number; expires: number }): boolean =>
    begins > now || expires <= now;
  if (zones.failed > 0 || zones.served + zones.waiting === 0 || certificates.some(isOutOfTime)) return 'critical';
  if (zones.kept + zones.waiting > 0 || problems.length > 0 || restart.length > 0 || state !== 'ready')
    return 'warning';
  return 'ok';
}
