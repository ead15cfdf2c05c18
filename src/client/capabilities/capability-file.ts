/**
 * Keeps the capabilities of servers in a file. The file is written whole and renamed into place, so that a reader sees the old
 * one or the new one. If several processes have one file, the last to write wins. Entries that cannot be used are left out with a
 * warning, never an error: at worst something is learnt anew. The file holds addresses of servers and no name that was asked.
 */

import { randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { lstat, rename, rm, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { counted } from '../../errors.js';
import type { ClientClock } from '../client-clock.js';
import { ClientErrorCode, reasonOf, systemCode } from '../errors.js';
import type { Capability, CapabilityCache, CapabilityKey } from './capabilities.js';

const VERSION = 1;
/** Octets; more than 10,000 entries need. */
const MAX_FILE = 4 * 1024 * 1024;
/** Milliseconds from a change to the write, so that many changes are one write. */
const SAVE_DELAY = 5000;

type Entry = CapabilityKey & Capability;

/** The sound entries of a file. A file of another kind has none, with a warning; a missing file has none, without. */
export function readCapabilities(
  file: string,
  now: number,
  warn: (message: string) => void,
): (readonly [CapabilityKey, Capability])[] {
  const unusable = (reason: string): [] => {
    warn(`the capability file ${file} is not used: ${reason}`);
    return [];
  };
  let text: string;
  try {
    // O_NONBLOCK: if somebody has put a named pipe there, do not wait for its writer.
    const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(fd);
      if (!stat.isFile()) return unusable('it is no regular file');
      if (stat.size > MAX_FILE) return unusable(`it has ${stat.size} octets, expected at most ${MAX_FILE}`);
      text = readFileSync(fd, 'utf8');
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    const code = systemCode(error) || reasonOf(error);
    return code === 'ENOENT' ? [] : unusable(`it cannot be read: ${code}`);
  }
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    return unusable('it is not JSON');
  }
  const { version, servers } = (content ?? {}) as { version?: unknown; servers?: unknown };
  // The message does not repeat the value: it may be megabytes, or nested deeper than JSON.stringify() can go.
  const found = typeof version === 'number' ? `version ${version}` : 'no version';
  if (version !== VERSION) return unusable(`it has ${found}, expected version ${VERSION}`);
  if (!Array.isArray(servers)) return unusable('it has no list of servers');
  const sound = servers.flatMap((entry: unknown) => {
    const one = entryOf(entry, now);
    return one === undefined ? [] : [one];
  });
  if (sound.length < servers.length)
    warn(
      `the capability file ${file}: of ${counted(servers.length, 'entry', 'entries')}, ${servers.length - sound.length} cannot be used`,
    );
  return sound;
}

const CODES: readonly unknown[] = Object.values(ClientErrorCode);
const whole = (value: unknown, min: number, max: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;

function entryOf(value: unknown, now: number): readonly [CapabilityKey, Capability] | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { transport, address, port, status, since, last, failures, reason, worked, mode } = value as Partial<
    Record<keyof Entry, unknown>
  >;
  if (transport !== 'tls' && transport !== 'starttls' && transport !== 'udp') return undefined;
  if (typeof address !== 'string' || isIP(address) === 0 || !whole(port, 1, 65_535)) return undefined;
  if (status !== 'works' && status !== 'fails') return undefined;
  if (!whole(last, 0, now) || !whole(since, 0, last) || !whole(failures, 0, 1_000_000)) return undefined;
  const known = CODES.includes(reason) ? (reason as ClientErrorCode) : undefined;
  return [
    { transport, address, port },
    {
      status,
      since,
      last,
      failures,
      ...(known !== undefined && { reason: known }),
      ...(whole(worked, 0, last) && { worked }),
      ...((mode === 'any' || mode === 'dummy') && { mode }),
    },
  ];
}

/** Rejects if the file would replace a device or a pipe: root could replace /dev/null. */
async function checkTarget(file: string): Promise<void> {
  const stat = await lstat(file).catch(() => undefined);
  if (stat !== undefined && !stat.isFile() && !stat.isSymbolicLink()) throw new Error('it is no regular file');
}

interface CapabilityFile {
  /** Writes changes, if there are any; never rejects. */
  flush(): Promise<void>;
}

/** Loads the file into the cache. Writes changes back, some seconds later and with `flush`. */
export function keepCapabilities(
  file: string,
  cache: CapabilityCache,
  clock: ClientClock,
  warn: (message: string) => void,
): CapabilityFile {
  cache.restore(readCapabilities(file, clock.now(), warn));
  let dirty = false;
  let stop = (): void => {};
  let writing: Promise<void> = Promise.resolve();
  const write = async (): Promise<void> => {
    if (!dirty) return;
    dirty = false;
    const servers = cache.entries().map(([key, capability]): Entry => ({ ...key, ...capability }));
    const fresh = `${file}.${process.pid}.${randomBytes(6).toString('hex')}`;
    try {
      await checkTarget(file);
      // wx: somebody who can write to the folder cannot lead us to another file by a link.
      await writeFile(fresh, `${JSON.stringify({ version: VERSION, servers })}\n`, { flag: 'wx', mode: 0o600 });
      await rename(fresh, file);
    } catch (error) {
      await rm(fresh, { force: true }).catch(() => {});
      warn(`the capability file ${file} cannot be written: ${reasonOf(error)}`);
    }
  };
  const flush = (): Promise<void> => {
    stop();
    writing = writing.then(write);
    return writing;
  };
  cache.onChange(() => {
    if (dirty) return;
    dirty = true;
    stop = clock.after(SAVE_DELAY, () => void flush(), true);
  });
  return { flush };
}
