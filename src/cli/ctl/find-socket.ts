/** Finds the control socket. */
import { controlFolders, socketsIn } from '../../server/control/control-folders.js';
import { defaultSocket, stateOf } from '../../server/control/control-socket.js';
import { UsageError } from '../arguments.js';

/** The socket of a server that the unit of deploy/systemd has started. */
export const SYSTEM_SOCKET = '/run/adotd/adotd.sock';

/**
 * The socket that is given or configured; else the only one on which a server answers in the first folder that has one: the user's own
 * come before the system's. Throws UsageError for several.
 */
export async function socketOf(socket: string | undefined, config: string | undefined): Promise<string> {
  if (socket !== undefined) return socket;
  const configured = config === undefined ? undefined : await socketInConfig(config);
  const known = configured ?? defaultSocket(process.env);
  if (known !== undefined) return known;
  const uid = process.getuid?.() ?? -1;
  const folders = socketsIn(controlFolders(process.env, uid), uid);
  for (const paths of folders) {
    const answering: string[] = [];
    for (const path of paths) if ((await stateOf(path)) !== 'ECONNREFUSED') answering.push(path);
    if (answering.length > 1)
      throw new UsageError(`adotd ctl: several servers run; choose one by --socket PATH: ${answering.join(', ')}`);
    if (answering[0] !== undefined) return answering[0];
  }
  // The error about a socket without a server tells more than an error about no socket.
  return folders.flat()[0] ?? SYSTEM_SOCKET;
}

/** Reads the configuration. The modules for YAML and the schema are loaded here only: that takes longer than the server's answer. */
async function socketInConfig(file: string): Promise<string | undefined> {
  const { readConfig } = await import('../../config/load.js');
  return readConfig(file).control.socket;
}
