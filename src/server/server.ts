/** The control thread: loads zones, reads certificates, and gives both to the data plane that answers. */
import { AdotdError, ErrorCode } from '../errors.js';
import { Counters } from '../observe/counters.js';
import type { Log } from '../observe/log.js';
import { createTap, type TapStatus } from '../observe/tap/tap.js';
import { type Clock, systemClock } from '../session/clock.js';
import type { Endpoint } from '../transport/transport.js';
import { type Diagnostic, formatDiagnostic } from '../zone/diagnostics.js';
import { type LoaderSettings, loadZones } from './loader.js';
import { openPlane, type PlaneOptions } from './open-plane.js';
import type { DataPlane } from './plane.js';
import { openTls } from './tls-service.js';
import type { ZoneFile } from './zone-source.js';
import { Zones, type ZonesReport } from './zones.js';

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
  zones(): readonly ZoneFile[];
  readonly log: Log;
  readonly loader: LoaderSettings;
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
   * Loads all zones, and reads the certificates, anew while answering from the old ones; what has errors stays as it was.
   * Never throws.
   */
  reload(): Promise<void>;
  /** Takes no more queries, finishes those that have begun, and frees the ports. */
  close(): Promise<void>;
}

/**
 * Loads the zones and binds the addresses; everything answers when the promise is fulfilled. Throws ADOTD_LISTEN,
 * ADOTD_CONFIG, ADOTD_FILE, and with `config.strict` ZonesError.
 */
export async function createServer(options: ServerOptions): Promise<Server> {
  const { config, log, clock = systemClock } = options;
  const zones = new Zones();
  const load = async (serving: boolean): Promise<ZonesReport> => {
    const began = performance.now();
    const loadOptions = { now: clock.seconds(), nsec3MaxIterations: config.nsec3_max_iterations };
    const results = await loadZones(options.zones(), loadOptions, options.loader, serving);
    const report = zones.apply(results);
    for (const { zone, serial, records, image } of results) {
      if (image) log.debug({ file: zone.file, serial, records }, 'zone loaded');
    }
    logReport(report, Math.round(performance.now() - began), log);
    return report;
  };

  let report = await load(false);
  if (config.strict && !report.sound) throw new ZonesError(report.diagnostics);
  let plane: DataPlane | undefined;
  const openTlsService = () => openTls(config, report.nameservers, clock, log, (next) => plane?.replaceTls(next));
  const tls = config.tls.enabled ? await openTlsService() : undefined;
  const tap = createTap(config, clock);
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
  let loading = Promise.resolve();
  let closed: Promise<void> | undefined;

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
      return report;
    },
    reload() {
      loading = loading.then(async () => {
        try {
          report = await load(true);
          if (closed) return;
          await serving.publish(report.catalog);
          await tls?.refresh(report.nameservers);
        } catch (error) {
          log.error({ err: error }, 'reload failed, the zones stay as they were');
        }
      });
      return loading;
    },
    close() {
      tls?.close();
      closed ??= serving.close().then(() => tap?.stop());
      return closed;
    },
  };
}

function logPlane({ status }: DataPlane, log: Log): void {
  const { path, udpWorkers, streamWorkers } = status;
  const text =
    path === 'embedded'
      ? 'queries are answered embedded: one thread, node:dgram and node:net'
      : `queries are answered by threads: ${udpWorkers} for UDP (recvmmsg), ${streamWorkers} for streams`;
  log.info({ plane: status }, text);
}

function logReport(report: ZonesReport, milliseconds: number, log: Log): void {
  for (const { severity, file, line, column, message } of report.diagnostics) {
    const text = `${file}:${line}:${column}: ${message}`;
    if (severity === 'error') log.error({ file, line, column }, text);
    else log.warn({ file, line, column }, text);
  }
  const { served, failed, kept, records } = report;
  const fields = { zones: served, failed, kept, records, milliseconds };
  const notes = [
    ...(failed > 0 ? [`${failed} failed and are answered with SERVFAIL`] : []),
    ...(kept > 0 ? [`${kept} of them as before, for their files have errors`] : []),
  ];
  const text = [`${served} zones served`, ...notes].join(', ');
  if (notes.length > 0) log.warn(fields, text);
  else log.info(fields, text);
}
