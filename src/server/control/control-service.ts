/** The control interface of a running server: its socket, for as long as the server runs. */
import type { Config } from '../../config/schema.js';
import { AdotdError } from '../../errors.js';
import type { Log } from '../../observe/log.js';
import { controlServer } from './control.js';
import { defaultSocket, listenOnSocket } from './control-socket.js';
import type { ControlTarget } from './control-target.js';

export interface ControlService {
  readonly path: string;
  /** Removes the socket; what is being answered has a moment to be finished. */
  close(): Promise<void>;
}

/** Milliseconds that answers under way get when the service closes. */
const CLOSE_TIME = 500;

/**
 * Opens the control socket of the configuration, or else the usual one. Without either there is none; where the usual one cannot be
 * opened, the log says why. Throws ADOTD_LISTEN for the one that is configured.
 */
export async function openControl(
  { control }: Pick<Config, 'control'>,
  env: Readonly<Record<string, string | undefined>>,
  target: ControlTarget,
  log: Log,
): Promise<ControlService | undefined> {
  const path = control.socket ?? defaultSocket(env);
  if (path === undefined) return undefined;
  const server = controlServer(target, log);
  try {
    await listenOnSocket(server, path);
  } catch (error) {
    if (control.socket !== undefined || !(error instanceof AdotdError)) throw error;
    log.warn({ err: error }, `${error.message}; adotd ctl cannot be used`);
    return undefined;
  }
  server.on('error', (error) => log.error({ err: error }, `the control socket ${path} failed: ${error.message}`));
  log.info({ socket: path }, `control socket ${path}`);
  return {
    path,
    close: () =>
      new Promise((resolve) => {
        const late = setTimeout(() => server.closeAllConnections(), CLOSE_TIME);
        server.close(() => {
          clearTimeout(late);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}
