/** A running server is operated: by signals, by its control socket, by files that change. */
import type { Config } from '../config/schema.js';
import type { Log } from '../observe/log.js';
import { type ControlService, openControl } from '../server/control-service.js';
import { controlView } from '../server/control-view.js';
import type { Effect } from '../server/live-config.js';
import type { Notifier } from '../server/notify.js';
import type { ConfigFile, ReloadOutcome } from '../server/reload.js';
import type { Server } from '../server/server.js';
import type { ReloadRequest } from '../server/zone-loader.js';
import { outcomeText } from '../server/zone-outcome.js';
import { version } from './version.js';

export interface LiveOptions {
  readonly config: Config;
  readonly configFile: ConfigFile | undefined;
  readonly notifier: Notifier;
  readonly log: Log & { level: string };
  /** Ends the server. */
  stop(end: { readonly signal: string; readonly drainTime?: number | undefined }): void;
}

export interface LiveOperation {
  /** SIGHUP: everything that has changed is loaded. */
  hangup(): Promise<void>;
  /** Another configuration is in force. */
  applied(config: Config, effects: ReadonlySet<Effect>): void;
  close(): Promise<void>;
}

/** Opens the control socket of a server that answers, and watches its files. Throws ADOTD_LISTEN. */
export async function operateLive(server: Server, options: LiveOptions): Promise<LiveOperation> {
  const { config, configFile, notifier, log } = options;
  const reload = async (request: ReloadRequest): Promise<ReloadOutcome> => {
    notifier.reloading();
    const outcome = await server.reload(request);
    logOutcome(outcome, log);
    notifier.ready(statusText(server));
    return outcome;
  };
  const target = controlView(server, {
    version: version(),
    since: Math.floor(Date.now() / 1000 - process.uptime()),
    config: configFile?.path,
    watching: () => false,
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
  return {
    async hangup() {
      log.info({}, 'loading what has changed');
      await reload({});
    },
    applied(next, effects) {
      if (effects.has('log')) log.level = next.log.level;
    },
    async close() {
      await control?.close();
    },
  };
}

/** The last line of a reload; those before it say what was wrong. */
function logOutcome(outcome: ReloadOutcome, log: Log): void {
  const { counts, errors, certificates, milliseconds } = outcome;
  const text = `reload done: zones ${outcomeText(counts)}`;
  const fields = {
    zones: counts,
    errors,
    certificates,
    config: outcome.config,
    milliseconds: Math.round(milliseconds),
  };
  if (errors.length > 0 || counts.failed + counts.kept > 0) log.warn(fields, `${text}; with errors`);
  else log.info(fields, text);
}

/** For `systemctl status`. */
export function statusText({ zones }: Server): string {
  const served = `serves ${zones.served} ${zones.served === 1 ? 'zone' : 'zones'}`;
  return zones.failed > 0 ? `${served}; ${zones.failed} cannot be loaded` : served;
}
