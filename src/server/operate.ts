/** Operates a running server: by signals, by its control socket, and by files that change. */

import { dirname, resolve } from 'node:path';
import type { Config } from '../config/schema.js';
import { counted } from '../errors.js';
import type { Log } from '../observe/log.js';
import type { ReportData } from '../report/report-data.js';
import { systemClock, wallTime } from '../session/clock.js';
import { version } from '../version.js';
import type { Effect } from './config-change.js';
import { type ControlService, openControl } from './control/control-service.js';
import { type ControlContext, controlView } from './control/control-view.js';
import { topViewNow } from './page/open-page.js';
import type { RecentEvents } from './page/recent-events.js';
import { filesOfPeers } from './process/files-after-drop.js';
import type { Notifier } from './process/service-notify.js';
import type { ConfigFile, ReloadOutcome } from './reload.js';
import type { Server } from './server.js';
import { changedSince, TICK } from './watch/file-looks.js';
import { createWatcher, type WatchedPaths, type Watcher } from './watch/watch.js';
import type { ReloadRequest } from './zones/zone-loader.js';
import { outcomeText } from './zones/zone-outcome.js';

/** A file that is read again when it changes. */
export interface FollowedFile {
  readonly file: string;
  /** Reads the file again, unless the request is about something else; returns a line for each mistake. */
  reload(request: ReloadRequest): readonly string[];
}

/** Why the server stops. */
export interface StopRequest {
  /** For the log: `SIGTERM`, or `drain`. */
  readonly signal: string;
  /** Milliseconds that sessions have to finish; undefined: as configured. */
  readonly drainTime?: number | undefined;
}

interface OperationOptions {
  readonly config: Config;
  readonly configFile: ConfigFile | undefined;
  /** The file of injected faults, in a server for tests. */
  readonly faults?: FollowedFile | undefined;
  readonly notifier: Notifier;
  readonly log: Log & { level: string };
  /** The records since a moment, seconds since 1970; undefined: nothing is recorded. */
  report(since: number): ReportData | undefined;
  /** The last lines of the log. */
  readonly events: RecentEvents;
  /** Ends the server. */
  stop(request: StopRequest): void;
}

export interface Operation {
  /** SIGHUP: loads everything that has changed. */
  hangup(): Promise<void>;
  /**
   * Loads every file that has changed since `since` (milliseconds since 1970). Called once after the start: with many zones, the start
   * takes seconds, in which no file is watched yet.
   */
  catchUp(since: number): Promise<void>;
  /** To be called when another configuration is in force. */
  applied(config: Config, effects: ReadonlySet<Effect>): void;
  close(): Promise<void>;
}

/** Opens the control socket of a server that answers, and watches its files. Throws ADOTD_LISTEN. */
export async function operate(server: Server, options: OperationOptions): Promise<Operation> {
  const { config, faults, notifier, log } = options;
  const watch = fileWatch(server, options, (paths) => void reload({ paths }));
  const reload = async (request: ReloadRequest): Promise<ReloadOutcome> => {
    notifier.reloading();
    const began = wallTime();
    const done = await server.reload(request);
    const outcome = { ...done, errors: [...done.errors, ...(faults?.reload(request) ?? [])] };
    logOutcome(outcome, request.paths !== undefined, log);
    notifier.ready(statusText(server));
    // A file that is new here may have changed after it was read, and before it was watched.
    const late = changedSince(watch.update(), began - TICK);
    if (late.size > 0) void reload({ paths: late });
    return outcome;
  };
  const target = controlView(
    server,
    controlContext(server, options, () => watch.active, reload),
  );
  const control: ControlService | undefined = await openControl(config, process.env, target, log);
  watch.configure(config);
  return {
    async hangup() {
      log.info({}, 'loading changed files');
      await reload({});
    },
    async catchUp(since) {
      if (!watch.active) return;
      const paths = changedSince(pathsAtStart(server, options), since);
      if (paths.size > 0) await reload({ paths });
    },
    applied(next, effects) {
      if (effects.has('log')) log.level = next.log.level;
      if (effects.has('watch')) watch.configure(next);
    },
    async close() {
      watch.close();
      await control?.close();
    },
  };
}

/** The watch on a server's files. */
interface FileWatch {
  readonly active: boolean;
  /** Begins anew, or ends, as `config` wants it. */
  configure(config: Config): void;
  /** Follows the files of the zones and certificates that are served now. Returns those that were not watched before. */
  update(): readonly string[];
  close(): void;
}

function fileWatch(
  server: Server,
  options: OperationOptions,
  changed: (paths: ReadonlySet<string>) => void,
): FileWatch {
  let watcher: Watcher | undefined;
  return {
    get active() {
      return watcher !== undefined;
    },
    configure({ watch: { enabled, settle, poll } }) {
      watcher?.close();
      watcher = enabled ? createWatcher({ settle, poll, clock: systemClock, log: options.log, changed }) : undefined;
      watcher?.update(watchedPaths(server, options));
    },
    update: () => watcher?.update(watchedPaths(server, options)) ?? [],
    close: () => watcher?.close(),
  };
}

function controlContext(
  server: Server,
  { config, configFile, log, stop, report, events }: OperationOptions,
  watching: () => boolean,
  reload: ControlContext['reload'],
): ControlContext {
  return {
    version: version(),
    since: Math.floor(Date.now() / 1000 - process.uptime()),
    config: configFile?.path,
    watching,
    logLevel: {
      get: () => log.level,
      set: (level) => {
        log.level = level;
      },
    },
    reload,
    report,
    top: topViewNow(config, server, events),
    drain: (seconds) => stop({ signal: 'drain', drainTime: seconds === undefined ? undefined : seconds * 1000 }),
  };
}

/** The watched paths, without the certificate that the server may just have made itself. */
function pathsAtStart(server: Server, options: OperationOptions): string[] {
  const { certificates, certs_folder: folder } = options.config.tls;
  const { files, folders } = watchedPaths(server, options);
  const made = certificates.length === 0 ? resolve(folder) : undefined;
  return [...[...files].filter((file) => dirname(resolve(file)) !== made), ...folders];
}

/** All files that zones, certificates and the configuration come from. */
function watchedPaths(
  { loaded, tlsService, reloader }: Server,
  { configFile, faults }: OperationOptions,
): WatchedPaths {
  const { zones } = reloader.config;
  const files = new Set([...loaded.sources.keys(), ...(tlsService?.files ?? []), ...reloader.authorityFiles]);
  if (configFile) files.add(configFile.path);
  if (faults) files.add(faults.file);
  for (const file of filesOfPeers(reloader.config)) files.add(file);
  return { files, folders: zones.folder === undefined ? [] : [zones.folder] };
}

/** Logs the last line of a reload; the lines before it name the mistakes. `watched`: the reload was caused by a change of files. */
function logOutcome(outcome: ReloadOutcome, watched: boolean, log: Log): void {
  const { counts, errors, certificates, milliseconds } = outcome;
  const text = `reload done: zones ${outcomeText(counts)}`;
  const fields = {
    zones: counts,
    errors,
    certificates,
    config: outcome.config,
    milliseconds: Math.round(milliseconds),
  };
  const { changed = [], restart = [] } = outcome.config ?? {};
  const idle = outcome.zones.length === 0 && certificates !== 'replaced' && changed.length + restart.length === 0;
  if (errors.length > 0 || counts.failed + counts.kept > 0) log.warn(fields, `${text}; with errors`);
  // Many events of files change nothing.
  else if (idle && watched) log.debug(fields, text);
  else log.info(fields, text);
}

/** For `systemctl status`. */
export function statusText({ zoneCounts: zones }: Pick<Server, 'zoneCounts'>): string {
  const served = `serves ${counted(zones.served, 'zone')}`;
  const notes = [
    ...(zones.failed > 0 ? [`${zones.failed} cannot be answered`] : []),
    ...(zones.waiting > 0 ? [`${zones.waiting} not transferred yet`] : []),
  ];
  return [served, ...notes].join('; ');
}
