/** Opens the data plane, and the parts that it needs: TLS, and the tap of the query log and dnstap. */
import type { Config } from '../config/schema.js';
import { isTapped } from '../config/tap.js';
import { createDayMemory } from '../observe/clients/day-clients.js';
import { Counters } from '../observe/counters/counters.js';
import type { Log } from '../observe/log.js';
import type { Tap } from '../observe/tap/tap.js';
import type { Clock } from '../session/clock.js';
import type { TlsSettings } from '../tls/tls-context.js';
import { ClientAuthorities } from './certificates/client-authorities.js';
import type { CertificateGate } from './certificates/pin-rollover.js';
import type { TlsService } from './certificates/tls-service.js';
import type { DataPlane } from './plane/data-plane.js';
import { openPlane, type PlaneOptions } from './plane/open-plane.js';
import { openRequests, type RequestHandlers } from './requests.js';
import type { ServedTls } from './signals/transport-signals.js';
import type { StartTroubles } from './start-troubles.js';
import type { TransfersOut } from './transfers-out.js';
import type { ZonesReport } from './zones/served-zones.js';

interface PartsOptions extends Omit<PlaneOptions, 'bound'> {
  /** As ServerOptions have it. */
  bound?: ((sources: readonly string[]) => void) | undefined;
  /** Provides TLS for these nameservers in place of openTls(). */
  tls?(nameservers: readonly string[]): TlsService;
  readonly log: Log;
  readonly troubles: StartTroubles;
  readonly transfersOut: TransfersOut;
  readonly requests: RequestHandlers;
  /** Holds certificates back; undefined: without state, none is. */
  readonly gate: CertificateGate | undefined;
}

/** The data plane, and the parts that it needs. */
export interface Parts {
  readonly tls: TlsService | undefined;
  readonly tap: Tap | undefined;
  readonly plane: DataPlane;
  /** Of clients that have to show a certificate. */
  readonly clientAuthorities: ClientAuthorities;
}

/** Its `changed` is called when TLS is served with other settings. */
export interface TlsFollower {
  changed: (() => void) | undefined;
}

/** The port of TLS, and its service; undefined: TLS is not served. */
export function servedTls({ tls, plane }: Parts): ServedTls | undefined {
  const [endpoint] = plane.tls;
  if (tls === undefined || endpoint === undefined) return undefined;
  return { port: endpoint.port, reconsider: () => tls.reconsider() };
}

/** Opens TLS, the tap and the data plane; if the data plane cannot be opened, the others are closed. */
export async function openParts(
  options: PartsOptions,
  { nameservers, catalog }: ZonesReport,
  sources: () => readonly string[],
  clock: Clock,
  follow: TlsFollower,
): Promise<Parts> {
  const { config, log, troubles, bound: giveUp } = options;
  let plane: DataPlane | undefined;
  const openTlsService = async (): Promise<TlsService> => {
    if (options.tls !== undefined) return options.tls(nameservers);
    const { openTls } = await import('./certificates/open-tls.js');
    const changed = async (next: TlsSettings): Promise<void> => {
      await plane?.replaceTls(next);
      follow.changed?.();
    };
    return openTls(config, nameservers, clock, log, changed, options.gate);
  };
  const tls = config.tls.enabled ? await openTlsService() : undefined;
  const tap = await openTap(config, clock);
  try {
    const startTap = (): void => tap?.start(log, (error, what, open) => troubles.again(error, what, open));
    if (giveUp === undefined) startTap();
    const bound = (): void => {
      if (giveUp === undefined) return;
      giveUp(sources());
      startTap();
    };
    const handle = openRequests(options.requests, () => plane?.settings, clock, log);
    const transferred = options.transfersOut.add.bind(options.transfersOut);
    const days = config.report.enabled ? createDayMemory(1) : [];
    const services = { counters: new Counters(undefined, days[0]), days, clock, log, handle, transferred };
    const clientAuthorities = new ClientAuthorities(config, log, async (cas) => plane?.replaceClientCas(cas));
    plane = await openPlane({ ...options, bound }, catalog, tls, services, tap, clientAuthorities.current);
    logPlane(plane, log);
    return { tls, tap, plane, clientAuthorities };
  } catch (error) {
    tls?.close();
    troubles.close();
    await tap?.stop();
    throw error;
  }
}

/** The tap for the query log and dnstap; undefined where both are off, and then their modules are not loaded. */
async function openTap(config: Config, clock: Clock): Promise<Tap | undefined> {
  if (!isTapped(config)) return undefined;
  const { createTap } = await import('../observe/tap/tap.js');
  return createTap(config, clock);
}

function logPlane({ status }: DataPlane, log: Log): void {
  const { path, udpWorkers, streamWorkers, streams } = status;
  const text =
    path === 'embedded'
      ? 'queries are answered embedded: one thread, node:dgram and node:net'
      : `queries are answered by threads: ${udpWorkers} for UDP (recvmmsg), ${streamWorkers} for streams (${streams === 'epoll' ? 'epoll' : 'node:net'})`;
  log.info({ plane: status }, text);
}
