/** The server as a process of its own: it starts, is operated, and ends when a signal or an operator says so. */
import { metricsEndpoint } from '../config/metrics.js';
import type { Config } from '../config/schema.js';
import { summaryOf, summaryText } from '../observe/counters/summary.js';
import type { Log, ServerLog } from '../observe/log.js';
import type { ServerFacts } from '../observe/metrics/server-facts.js';
import type { TsigKey } from '../protocol/tsig/tsig-key.js';
import type { ReportData } from '../report/report-data.js';
import type { TlsSettings } from '../tls/tls-context.js';
import { version } from '../version.js';
import { openRecorder } from './evidence/open-recorder.js';
import type { Recorder } from './evidence/recorder.js';
import { metricsFacts } from './metrics/metrics-facts.js';
import { listenMetrics, type MetricsListener } from './metrics/metrics-listener.js';
import { type FollowedFile, type Operation, operate, type StopRequest, statusText } from './operate.js';
import { notedLog, RecentEvents } from './page/recent-events.js';
import type { Fixture } from './plane/transport-context.js';
import { checkPrivileges, giveUpPrivileges, type Identity, rootWarning } from './process/privileges.js';
import { createNotifier, type Notifier } from './process/service-notify.js';
import { takeSignals } from './process/signals.js';
import { takeActivatedSockets } from './process/socket-activation.js';
import { unblockUsr1 } from './process/unblock-usr1.js';
import type { ConfigFile } from './reload.js';
import { createServer, type Server } from './server.js';
import { StartTroubles } from './start-troubles.js';
import { zonesOfConfig } from './zones/zone-files.js';
import { knownNames } from './zones/zone-outcome.js';

/** Faults that are injected on purpose, in a server for tests. */
export interface InjectedFaults extends FollowedFile {
  readonly interceptor: Fixture;
  /**
   * Called once the server runs. `tls`: its certificates and keys, for faults in TLS; undefined where TLS is not served. `zones`: the names
   * of its zones; faults of other names are warned of. `keys`: those of TSIG.
   */
  serve(facts: { tls(): TlsSettings | undefined; zones(): readonly string[]; keys(): readonly TsigKey[] }): void;
}

interface DaemonOptions {
  readonly config: Config;
  readonly configFile: ConfigFile | undefined;
  readonly faults: InjectedFaults | undefined;
  readonly log: ServerLog;
  /** Shows how far loading is, while the server starts. */
  readonly progress: { show(done: number, all: number): void; clear(): void };
  /** Called once every address answers. */
  ready(server: Server): void;
}

/** The parts that run already. */
interface Running {
  server?: Server;
  /** undefined: nothing is recorded. */
  recorder?: Recorder | undefined;
  operation?: Operation;
  stop(request: StopRequest): void;
}

/** Serves until it is told to stop. Throws as createServer(), operate() and checkPrivileges() do. */
export async function runDaemon(given: DaemonOptions): Promise<void> {
  const events = new RecentEvents();
  const options = { ...given, log: notedLog(given.log, events) };
  const { config, configFile, faults, log } = options;
  const running: Running = { stop: () => process.exit(0) };
  const notifier = openNotifier(log);
  const identity = checkPrivileges(config, process.env);
  const warning = rootWarning(config);
  if (warning !== undefined) log.warn({}, warning);
  // Before the zones are loaded, too: a probe learns that the server is not ready yet.
  const troubles = new StartTroubles(config.strict, log);
  let metrics: MetricsListener | undefined;
  const listen = async (): Promise<void> => {
    metrics = await openMetrics(config, running, events, log);
  };
  await listen().catch((error) => troubles.again(error, 'metrics address', listen));
  const server = await start(options, running, identity, troubles);
  faults?.serve({
    tls: () => server.tlsService?.settings,
    zones: () => knownNames(server.loaded.status()),
    keys: () => server.plane.settings.answers.tsigKeys,
  });
  const stop = (request: StopRequest): void => running.stop(request);
  running.recorder = openRecorder(server, config, log);
  const report = (since: number): ReportData | undefined => running.recorder?.data(since);
  const operation = await operate(server, { config, configFile, faults, notifier, log, stop, report, events }).catch(
    async (error) => {
      await server.close();
      throw error;
    },
  );
  running.operation = operation;
  options.ready(server);
  notifier.ready(statusText(server));
  const hungUp = takeSignals({
    SIGHUP: () => void operation.hangup(),
    SIGUSR1: () => logStatistics(server, log),
    SIGTERM: () => running.stop({ signal: 'SIGTERM' }),
    SIGINT: () => running.stop({ signal: 'SIGINT' }),
  });
  unblockUsr1();
  if (!hungUp) void operation.catchUp(Date.now() - process.uptime() * 1000);

  const { signal, drainTime } = await new Promise<StopRequest>((resolve) => {
    running.stop = resolve;
  });
  log.info({ signal, drainTime }, 'stopping');
  notifier.stopping('finishing what has begun');
  await server.close(drainTime);
  await operation.close();
  // Last, so that the end can be watched.
  await metrics?.close();
  logStatistics(server, log);
  notifier.close();
}

function openNotifier(log: Log): Notifier {
  const notifier = createNotifier(process.env, {
    failed: (reason) => log.warn({}, `the service manager cannot be notified: ${reason}`),
  });
  if (notifier.obstacle !== undefined) log.warn({}, `the service manager is not notified: ${notifier.obstacle}`);
  return notifier;
}

/** Loads the zones and binds the addresses. */
async function start(
  { config, configFile, faults, log, progress }: DaemonOptions,
  running: Running,
  identity: Identity | undefined,
  troubles: StartTroubles,
): Promise<Server> {
  const ownFile = configFile === undefined ? [] : [configFile.path];
  try {
    running.server = await createServer({
      config,
      sockets: takeActivatedSockets(config, log),
      user: identity,
      bound: identity && ((sources) => giveUpPrivileges(config, identity, log, [...ownFile, ...sources])),
      zones: zonesOfConfig,
      configFile,
      applied: (next, effects) => running.operation?.applied(next, effects),
      drained: async () => running.recorder?.close(),
      log,
      troubles,
      loader: { thread: true, progress: progress.show },
      fixture: faults?.interceptor,
    });
  } finally {
    progress.clear();
  }
  const { server } = running;
  warnOfWildcards(server, config, log);
  const { served, failed, waiting } = server.zoneCounts;
  if (served + failed + waiting === 0) log.warn({ ...config.zones }, 'there are no zones to serve');
  return server;
}

/** node:dgram cannot choose the source address of an answer. */
function warnOfWildcards({ plane }: Server, { listen }: Config, log: Log): void {
  if (plane.status.path !== 'embedded' || !listen.some((address) => address === '0.0.0.0' || address === '::')) return;
  log.warn(
    { listen },
    'listening on a wildcard address, embedded: on a host with several addresses, UDP answers may leave from another address than the one that was asked; list the addresses instead',
  );
}

/** Opens metrics and probes; undefined when they are not configured. Throws ADOTD_LISTEN. */
async function openMetrics(
  config: Config,
  running: Running,
  events: RecentEvents,
  log: ServerLog,
): Promise<MetricsListener | undefined> {
  const endpoint = metricsEndpoint(config);
  if (endpoint === undefined) return undefined;
  const facts = (): ServerFacts => metricsFacts(version(), log.lost, running.server);
  const report = (since: number): ReportData | undefined => running.recorder?.data(since);
  // A server without metrics does not load it.
  const { openPage } = await import('./page/open-page.js');
  const page = openPage(config, { server: () => running.server, report, events });
  return listenMetrics({ endpoint, zoneLimit: config.metrics.zones, facts, report, page, log });
}

function logStatistics({ counters, plane }: Server, log: Log): void {
  const { path, udpWorkers, streamWorkers, restarts } = plane.status;
  const text = `plane: ${path} udp=${udpWorkers} streams=${streamWorkers} restarts=${restarts}`;
  const statistics = summaryOf(counters);
  log.info({ plane: plane.status, statistics }, `statistics: ${summaryText(statistics)}; ${text}`);
}
