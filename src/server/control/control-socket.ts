/** The Unix socket of the control interface: only the server's user may open it, from the first moment on. */
import { existsSync, lstatSync, statSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { AdotdError, codeOf, ErrorCode, messageOf } from '../../errors.js';
import { MAX_UNIX_PATH } from '../../transport/unix-path.js';

/** Nobody but the owner: mode 600. */
const UMASK = 0o177;
const FILE = 'adotd.sock';

/** Where the socket is when nothing is configured: in the folder that systemd makes (RuntimeDirectory=); undefined: nowhere. */
export function defaultSocket(env: Readonly<Record<string, string | undefined>>): string | undefined {
  // Several folders are separated by colons (systemd.exec(5)).
  const folder = env.RUNTIME_DIRECTORY?.split(':')[0];
  return folder ? join(folder, FILE) : undefined;
}

/**
 * Has `server` listen on the socket `path`. One that is there and that nobody answers on is taken for the remains of a server that
 * was killed, and replaced. Throws ADOTD_LISTEN. When `server` is closed, node removes the socket.
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

/** What would keep a server from listening on `path`, found without trying; a warning where that may change by itself. */
export function socketPathMistake(
  path: string,
): { readonly severity: 'error' | 'warning'; readonly message: string } | undefined {
  if (isTooLong(path)) return { severity: 'error', message: failed(path, tooLong(path)).message };
  // The service manager makes the folder, for as long as the server runs.
  if (!existsSync(dirname(path))) {
    return { severity: 'warning', message: `the folder of the control socket ${path} is not there; a start needs it` };
  }
  if (!statSync(dirname(path)).isDirectory()) {
    return { severity: 'error', message: failed(path, `${dirname(path)} is no folder`).message };
  }
  const there = lstatSync(path, { throwIfNoEntry: false });
  return there && !there.isSocket() ? { severity: 'error', message: failed(path, SOMETHING_ELSE).message } : undefined;
}

const SOMETHING_ELSE = 'there is something else than a socket: remove it, or choose another control.socket';

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
    // The socket is made within the call: no other file of this process gets this mode.
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
    throw failed(path, SOMETHING_ELSE);
  }
  const state = await new Promise<string>((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve('answers');
    });
    probe.once('error', (error) => resolve(codeOf(error)));
  });
  if (state === 'answers')
    throw failed(path, 'another server answers there: stop it, or choose another control.socket');
  if (state !== 'ECONNREFUSED') throw failed(path, `whether a server answers there cannot be told (${state})`);
  unlinkSync(path);
}

/** Why there can be no socket, with what to do about it where that is known. */
function reasonOf(path: string, error: unknown): string {
  // libuv says EACCES where the system says ENOENT.
  if (!existsSync(dirname(path))) return 'no such folder: it has to be there already';
  if (codeOf(error) === 'EACCES') {
    return 'permission denied: its folder has to be writable to the user that the server runs as';
  }
  return messageOf(error);
}

function failed(path: string, reason: string, cause?: unknown): AdotdError {
  return new AdotdError(ErrorCode.LISTEN, `cannot listen on the control socket ${path}: ${reason}`, { cause });
}
