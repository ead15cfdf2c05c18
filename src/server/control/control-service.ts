/** The control socket of a running server. */
import type { Config } from '../../config/schema.js';
import { AdotdError } from '../../errors.js';
import type { Log } from '../../observe/log.js';
import { controlServer } from './control.js';
import { defaultSocket, listenOnSocket } from './control-socket.js';
import type { ControlTarget } from './control-target.js';

export interface ControlService {
  readonly path: string;
  /** Removes the socket; responses under way have CLOSE_TIME to finish. */
  close(): Promise<void>;
}

/** Milliseconds that responses under way have when the service closes. */
const CLOSE_TIME = 500;

/**
 * Opens the control socket of the configuration, or else the default one; undefined if there is neither. When the default one cannot be
 * opened, the log gives the reason. Throws ADOTD_LISTEN for the configured one.
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
