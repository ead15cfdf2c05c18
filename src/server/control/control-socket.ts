/** The Unix socket of the control interface. From its first moment on, only the server's user may open it. */
import { existsSync, lstatSync, statSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { AdotdError, codeOf, ErrorCode, messageOf } from '../../errors.js';
import { MAX_UNIX_PATH } from '../../transport/unix-path.js';
import { managedFolder, SOCKET_FILE } from './control-folders.js';

/** For mode 600. */
const UMASK = 0o177;

/** The default socket, in the folder that systemd makes (RuntimeDirectory=); undefined without that folder. */
export function defaultSocket(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const folder = managedFolder(env);
  return folder === undefined ? undefined : join(folder, SOCKET_FILE);
}

/**
 * Has `server` listen on the socket `path`. An old socket on which nobody answers was left by a server that was killed: it is replaced.
 * Throws ADOTD_LISTEN. When `server` is closed, Node removes the socket.
 */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  if (isTooLong(path)) throw failed(path, tooLong(path));
  try {
    await bind(server, path);
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE') throw failed(path, reasonOf(path, error), error);
    await removeStale(path);
    try {
      await bind(server, path);
    } catch (again) {
      throw failed(path, reasonOf(path, again), again);
    }
  }
}

/** A mistake that would keep a server from listening on `path`, found without trying; a warning if it may disappear by itself. */
export function socketPathMistake(
  path: string,
): { readonly severity: 'error' | 'warning'; readonly message: string } | undefined {
  if (isTooLong(path)) return { severity: 'error', message: failed(path, tooLong(path)).message };
  // The service manager makes the folder when it starts the server.
  if (!existsSync(dirname(path))) {
    return {
      severity: 'warning',
      message: `the folder of the control socket ${path} does not exist; a start needs it`,
    };
  }
  if (!statSync(dirname(path)).isDirectory()) {
    return { severity: 'error', message: failed(path, `${dirname(path)} is no folder`).message };
  }
  const there = lstatSync(path, { throwIfNoEntry: false });
  return there && !there.isSocket() ? { severity: 'error', message: failed(path, NO_SOCKET).message } : undefined;
}

const NO_SOCKET = 'there is a file that is no socket: remove it, or choose another control.socket';

function isTooLong(path: string): boolean {
  return Buffer.byteLength(path) > MAX_UNIX_PATH;
}

function tooLong(path: string): string {
  const octets = Buffer.byteLength(path);
  return `the path has ${octets} octets, the system takes ${MAX_UNIX_PATH}: choose a shorter control.socket`;
}

function bind(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // The socket is made within this call, so that no other file of the process gets its mode.
    const before = process.umask(UMASK);
    try {
      server.listen({ path }, () => {
        server.off('error', reject);
        resolve();
      });
    } finally {
      process.umask(before);
    }
  });
}

/** Removes a socket that nobody answers on. */
async function removeStale(path: string): Promise<void> {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) {
    throw failed(path, NO_SOCKET);
  }
  const state = await stateOf(path);
  if (state === ANSWERS) throw failed(path, 'another server answers there: stop it, or choose another control.socket');
  if (state !== 'ECONNREFUSED') throw failed(path, `it is unclear whether a server answers there (${state})`);
  unlinkSync(path);
}

/** The result of stateOf() for a socket on which somebody answers. */
export const ANSWERS = 'answers';

/** ANSWERS, or the code of the error that connecting to the socket ends with. */
export function stateOf(path: string): Promise<string> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(ANSWERS);
    });
    probe.once('error', (error) => resolve(codeOf(error)));
  });
}

/** Why the socket cannot be made, with a remedy if there is one. */
function reasonOf(path: string, error: unknown): string {
  // libuv turns the system's ENOENT into EACCES.
  if (!existsSync(dirname(path))) return 'its folder does not exist: it has to be made first';
  if (codeOf(error) === 'EACCES') {
    return 'permission denied: its folder has to be writable to the user that the server runs as';
  }
  return messageOf(error);
}

function failed(path: string, reason: string, cause?: unknown): AdotdError {
  return new AdotdError(ErrorCode.LISTEN, `cannot listen on the control socket ${path}: ${reason}`, { cause });
}
