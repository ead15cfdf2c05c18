/** A running server is operated: by signals, by its control socket, by files that change. */
import { dirname, resolve } from 'node:path';
import type { Config } from '../config/schema.js';
import type { Log } from '../observe/log.js';
import { systemClock } from '../session/clock.js';
import { version } from '../version.js';
import type { Effect } from './config-change.js';
import { type ControlService, openControl } from './control/control-service.js';
import { controlView } from './control/control-view.js';
import type { Notifier } from './process/service-notify.js';
import type { ConfigFile, ReloadOutcome } from './reload.js';
import type { Server } from './server.js';
import { changedSince } from './watch/changed-since.js';
import { createWatcher, type WatchedPaths, type Watcher } from './watch/watch.js';
import type { ReloadRequest } from './zones/zone-loader.js';
import { outcomeText } from './zones/zone-outcome.js';

/** A file that is read again when it changes. */
export interface FollowedFile {
  readonly file: string;
  /** Reads the file again, unless the request is about something else; a line for each mistake. */
  reload(request: ReloadRequest): readonly string[];
}

/** What makes the server stop. */
export interface StopRequest {
  /** For the log: `SIGTERM`, or `drain`. */
  readonly signal: string;
  /** Milliseconds that sessions have to finish; undefined: as configured. */
  readonly drainTime?: number | undefined;
}

interface OperationOptions {
  readonly config: Config;
  readonly configFile: ConfigFile | undefined;
  /** A file of faults to inject, in a server for tests. */
  readonly faults?: FollowedFile | undefined;
  readonly notifier: Notifier;
  readonly log: Log & { level: string };
  /** Ends the server. */
  stop(request: StopRequest): void;
}

export interface Operation {
  /** SIGHUP: everything that has changed is loaded. */
  hangup(): Promise<void>;
  /**
   * Loads what has changed since `since` (milliseconds since 1970): since before it was read, for it was not watched yet, and with many
   * zones that is seconds.
   */
  catchUp(since: number): Promise<void>;
  /** Another configuration is in force. */
  applied(config: Config, effects: ReadonlySet<Effect>): void;
  close(): Promise<void>;
}

/** Opens the control socket of a server that answers, and watches its files. Throws ADOTD_LISTEN. */
export async function operate(server: Server, options: OperationOptions): Promise<Operation> {
  const { config, configFile, faults, notifier, log } = options;
  const reload = async (request: ReloadRequest): Promise<ReloadOutcome> => {
    notifier.reloading();
    const done = await server.reload(request);
    const outcome = { ...done, errors: [...done.errors, ...(faults?.reload(request) ?? [])] };
    logOutcome(outcome, request.paths !== undefined, log);
    notifier.ready(statusText(server));
    watcher?.update(watchedPaths(server, options));
    return outcome;
  };
  let watcher: Watcher | undefined;
  const watch = ({ watch: { enabled, settle, poll } }: Config): void => {
    watcher?.close();
    watcher = undefined;
    if (!enabled) return;
    const changed = (paths: ReadonlySet<string>): void => void reload({ paths });
    watcher = createWatcher({ settle, poll, clock: systemClock, log, changed });
    watcher.update(watchedPaths(server, options));
  };
  const target = controlView(server, {
    version: version(),
    since: Math.floor(Date.now() / 1000 - process.uptime()),
    config: configFile?.path,
    watching: () => watcher !== undefined,
    logLevel: {
      get: () => log.level,
      set: (level) => {
        log.level = level;
      },
    },
    reload,
    drain(seconds) {
      options.stop({ signal: 'drain', drainTime: seconds === undefined ? undefined : seconds * 1000 });
    },
  });
  const control: ControlService | undefined = await openControl(config, process.env, target, log);
  watch(config);
  return {
    async hangup() {
      log.info({}, 'loading what has changed');
      await reload({});
    },
    async catchUp(since) {
      if (watcher === undefined) return;
      const { files, folders } = watchedPaths(server, options);
      // The certificate that was made here is as it was made.
      const own = config.tls.certificates.length === 0 ? resolve(config.tls.certs_folder) : undefined;
      const others = [...files].filter((file) => dirname(resolve(file)) !== own);
      const paths = changedSince([...others, ...folders], since);
      if (paths.size > 0) await reload({ paths });
    },
    applied(next, effects) {
      if (effects.has('log')) log.level = next.log.level;
      if (effects.has('watch')) watch(next);
    },
    async close() {
      watcher?.close();
      await control?.close();
    },
  };
}

/** Every file that what is served comes from. */
function watchedPaths(
  { loaded, tlsService, reloader }: Server,
  { configFile, faults }: OperationOptions,
): WatchedPaths {
  const { zones, cookies } = reloader.config;
  const files = new Set([...loaded.sources.keys(), ...(tlsService?.files ?? [])]);
  if (configFile) files.add(configFile.path);
  if (faults) files.add(faults.file);
  if (cookies.secret_file !== undefined) files.add(cookies.secret_file);
  return { files, folders: zones.folder === undefined ? [] : [zones.folder] };
}

/** The last line of a reload; those before it say what was wrong. */
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
  // Many things happen to files that change nothing.
  else if (idle && watched) log.debug(fields, text);
  else log.info(fields, text);
}

/** For `systemctl status`. */
export function statusText({ zones }: Server): string {
  const served = `serves ${zones.served} ${zones.served === 1 ? 'zone' : 'zones'}`;
  return zones.failed > 0 ? `${served}; ${zones.failed} cannot be loaded` : served;
}
