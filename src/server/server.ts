/** The control thread: loads zones, reads certificates, and gives both to the data plane that answers. */
import type { Config } from '../config/schema.js';
import { isTapped } from '../config/tap.js';
import { AdotdError, ErrorCode } from '../errors.js';
import { Counters } from '../observe/counters/counters.js';
import type { Log } from '../observe/log.js';
import type { Tap, TapStatus } from '../observe/tap/tap.js';
import { type Clock, systemClock } from '../session/clock.js';
import type { Endpoint } from '../transport/transport.js';
import { type Diagnostic, formatDiagnostic } from '../zone/diagnostics.js';
import type { Effect } from './config-change.js';
import type { DataPlane } from './plane/data-plane.js';
import { openPlane, type PlaneOptions } from './plane/open-plane.js';
import { policiesOf, policyPlaces, unservedPolicies } from './policies.js';
import { type ConfigFile, Reloader, type ReloadOutcome, type ReloadParts } from './reload.js';
import type { TlsService } from './tls-service.js';
import type { LoaderSettings } from './zones/load-zones.js';
import type { ServedZones, ZonesReport } from './zones/served-zones.js';
import type { ZoneFile } from './zones/zone-files.js';
import { type ReloadRequest, ZoneLoader, type ZoneSettings } from './zones/zone-loader.js';

/** ADOTD_ZONE_INVALID with what is wrong with the zones; the message has one line for each mistake. */
export class ZonesError extends AdotdError {
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    super(ErrorCode.ZONE_INVALID, diagnostics.map(formatDiagnostic).join('\n'));
    this.diagnostics = diagnostics;
  }
}

export interface ServerOptions extends PlaneOptions {
  /** The zones to serve; asked again by every reload. May throw ADOTD_FILE. */
  zones(config: Config): readonly ZoneFile[];
  /** Where the configuration can be read again. */
  readonly configFile?: ConfigFile | undefined;
  /** Called when another configuration is in force, with what the keys that have changed concern. */
  applied?(config: Config, effects: ReadonlySet<Effect>): void;
  readonly log: Log;
  readonly loader: LoaderSettings;
  /** Makes what TLS is served with for these nameservers; when absent, openTls() does. */
  tls?(nameservers: readonly string[]): TlsService;
  readonly clock?: Clock;
}

/** A server that answers. */
export interface Server {
  /** Addresses bound, in the order of the configuration. */
  readonly udp: readonly Endpoint[];
  readonly tcp: readonly Endpoint[];
  readonly tls: readonly Endpoint[];
  /** What answers; its status tells how. */
  readonly plane: DataPlane;
  /** What was counted so far. */
  readonly counters: Counters;
  /** What was recorded for the query log and dnstap; undefined: both are off. */
  readonly tap: TapStatus | undefined;
  /** What the last load or reload did. */
  readonly zones: ZonesReport;
  /**
   * Loads what was asked for, without a request everything that has changed, while answering from what there is; what has errors
   * stays as it was. Fulfilled when all answers come from what was loaded. Never throws; one after the other.
   */
  reload(request?: ReloadRequest): Promise<ReloadOutcome>;
  /** The zones there are, file by file. */
  readonly loaded: ServedZones;
  /** undefined: TLS is not served. */
  readonly tlsService: TlsService | undefined;
  /** What was reloaded, and what is in force. */
  readonly reloader: Reloader;
  readonly state: 'ready' | 'draining';
  /**
   * Takes no more queries, finishes those that have begun, and frees the ports. `drainTime`: milliseconds that sessions have for
   * it; as configured when absent.
   */
  close(drainTime?: number): Promise<void>;
}

/**
 * Loads the zones and binds the addresses; everything answers when the promise is fulfilled. Throws ADOTD_LISTEN,
 * ADOTD_CONFIG, ADOTD_FILE, and with `config.strict` ZonesError.
 */
export async function createServer(options: ServerOptions): Promise<Server> {
  const { config, log, clock = systemClock } = options;
  const loader = new ZoneLoader(options.loader, clock, log);
  // Of the file as it was when this configuration was read.
  let places = { of: config, placeOf: policyPlaces(options.configFile, config) };
  const zoneSettings = (wanted: Config): ZoneSettings => {
    if (places.of !== wanted) places = { of: wanted, placeOf: policyPlaces(options.configFile, wanted) };
    const { placeOf } = places;
    return {
      list: () => options.zones(wanted),
      folder: wanted.zones.folder,
      nsec3MaxIterations: wanted.nsec3_max_iterations,
      policies: policiesOf(wanted),
      policyMistakes: (zones) => unservedPolicies(wanted.zones.policies, zones, placeOf),
    };
  };
  const report = await loader.load(zoneSettings(config));
  if (config.strict && !report.sound) throw new ZonesError(report.diagnostics);
  let plane: DataPlane | undefined;
  const openTlsService = async (): Promise<TlsService> => {
    if (options.tls !== undefined) return options.tls(report.nameservers);
    const { openTls } = await import('./tls-service.js');
    return openTls(config, report.nameservers, clock, log, async (next) => plane?.replaceTls(next));
  };
  const tls = config.tls.enabled ? await openTlsService() : undefined;
  const tap = await openTap(config, clock);
  try {
    tap?.start(log);
    plane = await openPlane(options, report.catalog, tls, { counters: new Counters(), clock, log }, tap);
  } catch (error) {
    tls?.close();
    await tap?.stop();
    throw error;
  }
  const serving = plane;
  logPlane(serving, log);
  let closed: Promise<void> | undefined;
  const parts: ReloadParts = {
    loader,
    zoneSettings,
    plane: {
      configure: async (next) => !closed && serving.configure(next),
      publish: async (catalog) => (closed ? undefined : serving.publish(catalog)),
    },
    tls,
    configFile: options.configFile,
    applied: (next, effects) => options.applied?.(next, effects),
    clock,
    log,
  };
  const reloader = new Reloader(parts, config, report);

  return {
    udp: serving.udp,
    tcp: serving.tcp,
    tls: serving.tls,
    plane: serving,
    get counters() {
      return serving.counters();
    },
    get tap() {
      return tap?.status;
    },
    get zones() {
      return reloader.report;
    },
    loaded: loader.zones,
    tlsService: tls,
    reloader,
    get state() {
      return closed ? 'draining' : 'ready';
    },
    reload: (request = {}) => reloader.reload(request),
    close(drainTime) {
      tls?.close();
      closed ??= serving.close(drainTime).then(() => tap?.stop());
      return closed;
    },
  };
}

/** The tap that the configuration asks for; undefined: neither query log nor dnstap, and then nothing of them is loaded. */
async function openTap(config: Config, clock: Clock): Promise<Tap | undefined> {
  if (!isTapped(config)) return undefined;
  const { createTap } = await import('../observe/tap/tap.js');
  return createTap(config, clock);
}

function logPlane({ status }: DataPlane, log: Log): void {
  const { path, udpWorkers, streamWorkers } = status;
  const text =
    path === 'embedded'
      ? 'queries are answered embedded: one thread, node:dgram and node:net'
      : `queries are answered by threads: ${udpWorkers} for UDP (recvmmsg), ${streamWorkers} for streams`;
  log.info({ plane: status }, text);
}
