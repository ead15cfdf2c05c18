/** Makes a server's ControlTarget. */
import { imageText } from '../../image/text.js';
import { summaryOf } from '../../observe/counters/summary.js';
import { zoneKey } from '../../protocol/name.js';
import type { Server } from '../server.js';
import type { ReloadRequest } from '../zones/zone-loader.js';
import { statusWithTies } from '../zones/zone-ties.js';
import type { ControlTarget, LogLevelName, ServerStatus } from './control-target.js';
import { healthOf } from './health.js';
import { problemsOf } from './problems.js';

/** The parts that the control interface needs besides the server. */
export interface ControlContext {
  readonly version: string;
  /** Seconds since 1970. */
  readonly since: number;
  /** Path of the configuration. */
  readonly config: string | undefined;
  readonly watching: () => boolean;
  readonly logLevel: { get(): string; set(level: LogLevelName): void };
  /** As SIGTERM; `seconds`: the time for sessions to finish; undefined: as configured. */
  drain(seconds: number | undefined): void;
  report: ControlTarget['report'];
  top: ControlTarget['top'];
  /** As SIGHUP, or less. */
  reload(request: ReloadRequest): ReturnType<Server['reload']>;
}

export function controlView(server: Server, context: ControlContext): ControlTarget {
  const { loaded, plane } = server;
  return {
    status: () => statusOf(server, context),
    zones: (name) => statusWithTies(loaded, server.keeper, server.life, name),
    report: (since) => context.report(since),
    top: () => context.top(),
    statistics: () => summaryOf(server.counters),
    sessions: (longest) => plane.sessions(longest),
    reload: (request) => context.reload(request),
    acceptFile(zone) {
      server.keeper.acceptFile(zoneKey(zone));
      return context.reload({ zone });
    },
    dump(name) {
      const zone = server.keeper.get(zoneKey(name));
      return zone?.state === 'served' && zone.image !== undefined ? imageText(zone.image) : undefined;
    },
    notify: (name) => server.life.notifier.notify(zoneKey(name)),
    transfer: (name, isFull) => server.life.secondaries.transfer(zoneKey(name), isFull),
    catalogs: () => server.life.catalogs.followed(),
    acceptCatalog: (name) => server.life.catalogs.accept(zoneKey(name)),
    signing: server.life.signing,
    switchKeys: async () => (await server.life.signals?.switchNow()) ?? [],
    drain: (seconds) => context.drain(seconds),
    setLogLevel(level) {
      const before = context.logLevel.get();
      context.logLevel.set(level);
      return before;
    },
  };
}

function statusOf(server: Server, { version, since, config, watching, logLevel }: ControlContext): ServerStatus {
  const { udp, tcp, tls, reloader } = server;
  const certificates = server.tlsService?.certificates ?? [];
  const plane = server.plane.status;
  const status = {
    version,
    process: process.pid,
    state: server.state,
    since,
    config,
    addresses: { udp, tcp, tls },
    plane,
    zones: server.zoneCounts,
    certificates: certificates.map(({ certFile, subject, names, notBefore, notAfter, pin }) => {
      const [begins, expires] = [notBefore.getTime() / 1000, notAfter.getTime() / 1000];
      return { file: certFile, subject, names, begins, expires, pin };
    }),
    keysWaiting: server.life.signals?.waits() ?? [],
    reloads: reloader.tally,
    restart: reloader.restart,
    problems: problemsOf(server),
    logLevel: logLevel.get(),
    watching: watching(),
    memory: process.memoryUsage.rss(),
  };
  return { ...status, health: healthOf(status, Date.now() / 1000) };
}
