/** The control socket of a running server. */
import { existsSync } from 'node:fs';
import type { Server } from 'node:http';
import { join } from 'node:path';
import type { Config } from '../../config/schema.js';
import { AdotdError } from '../../errors.js';
import type { Log } from '../../observe/log.js';
import { controlServer } from './control.js';
import { controlFolders, ownFolder, removeAbandoned, SOCKET_FILE } from './control-folders.js';
import { ANSWERS, defaultSocket, listenOnSocket, stateOf } from './control-socket.js';
import type { ControlTarget } from './control-target.js';

export interface ControlService {
  readonly path: string;
  /** Removes the socket; responses under way have CLOSE_TIME to finish. */
  close(): Promise<void>;
}

/** Milliseconds that responses under way have when the service closes. */
const CLOSE_TIME = 500;

/**
 * Opens the control socket of the configuration, or else the one in the service manager's folder, or else one in a folder of the user's
 * own. When one that nobody has configured cannot be opened, the log gives the reason, and the result is undefined. Throws ADOTD_LISTEN
 * for the configured one.
 */
export async function openControl(
  { control }: Pick<Config, 'control'>,
  env: Readonly<Record<string, string | undefined>>,
  target: ControlTarget,
  log: Log,
): Promise<ControlService | undefined> {
  const server = controlServer(target, log);
  let path = control.socket ?? defaultSocket(env);
  try {
    if (path === undefined) path = await listenInOwnFolder(server, env);
    else await listenOnSocket(server, path);
  } catch (error) {
    if (control.socket !== undefined || !(error instanceof AdotdError)) throw error;
    log.warn({ err: error }, `${error.message}; adotd ctl cannot be used`);
    return undefined;
  }
  if (path === undefined) {
    log.info({}, 'there is no folder for a control socket, so adotd ctl cannot be used: set control.socket');
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

/** Listens in the user's own folder: on the usual name, or where another server answers there, on one with the process's number. */
async function listenInOwnFolder(
  server: Server,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const uid = process.getuid?.() ?? -1;
  const folder = ownFolder(controlFolders(env, uid), uid);
  if (folder === undefined) return undefined;
  removeAbandoned(folder);
  const usual = join(folder, SOCKET_FILE);
  const taken = existsSync(usual) && (await stateOf(usual)) === ANSWERS;
  const path = taken ? join(folder, `adotd-${process.pid}.sock`) : usual;
  await listenOnSocket(server, path);
  return path;
}
