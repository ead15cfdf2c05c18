/** Files that the server writes on after it has given up its privileges: the query log and dnstap. */
import {
  closeSync,
  constants,
  fchownSync,
  fstatSync,
  lchownSync,
  lstatSync,
  openSync,
  readdirSync,
  statSync,
} from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import type { Config } from '../../config/schema.js';
import { systemReason } from '../../errors.js';
import { LOG_MODE, setAside } from '../../observe/tap/file-sink.js';
import { type Owner, WRITABLE_TO_OTHERS } from './files-after-drop.js';

export interface LogFile {
  readonly key: 'query_log' | 'dnstap';
  readonly path: string;
}

/** The files of the configuration that the server appends to. */
export function logFiles({ query_log: queryLog, dnstap }: Pick<Config, 'query_log' | 'dnstap'>): LogFile[] {
  return [
    ...(queryLog.enabled && queryLog.file !== undefined ? [{ key: 'query_log', path: queryLog.file } as const] : []),
    ...(dnstap.file === undefined ? [] : [{ key: 'dnstap', path: dnstap.file } as const]),
  ];
}

/** Whether a folder is root's, and nobody else can put links into it. */
export function isRootsAlone(folder: string): boolean {
  const { uid, mode } = statSync(folder);
  return uid === 0 && (mode & WRITABLE_TO_OTHERS) === 0;
}

/** Whether a folder holds nothing but these files, and their rotated forms. */
function holdsOnly(folder: string, files: readonly LogFile[]): boolean {
  const names = files.map(({ path }) => basename(path));
  return readdirSync(folder).every((entry) => names.some((name) => entry.startsWith(name)));
}

/** Why the user `name` cannot begin the file anew after it was moved away; undefined if it will be able to. */
export function rotationObstacle(
  { path }: LogFile,
  files: readonly LogFile[],
  name: string | number,
): string | undefined {
  const folder = dirname(resolve(path));
  if (!isRootsAlone(folder) || holdsOnly(folder, files)) return undefined;
  return `${folder} has other files too and stays root's: ${name} cannot begin ${path} anew when it is moved away; let logrotate \`create\` it, or give it a folder of its own`;
}

/**
 * Gives the files in root's folders to the user that the server becomes, and also a folder that holds nothing else. Returns warnings for
 * the log. In other folders, root must not follow links that others may have put there: the user opens these files itself. To be called as
 * root.
 */
export function handOverLogs(config: Config, owner: Owner): string[] {
  const files = logFiles(config);
  const warnings: string[] = [];
  for (const file of files) {
    try {
      const folder = dirname(resolve(file.path));
      if (!isRootsAlone(folder) || lstatSync(file.path, { throwIfNoEntry: false })?.isSymbolicLink()) continue;
      const obstacle = rotationObstacle(file, files, owner.name);
      // The server sets an older file aside, which it cannot do in root's folder.
      if (obstacle !== undefined && file.key === 'dnstap') setAside(file.path);
      handOver(file.path, owner);
      if (obstacle === undefined) lchownSync(folder, owner.uid, owner.gid);
      else warnings.push(obstacle);
    } catch (error) {
      warnings.push(`${file.path} cannot be given to ${owner.name}: ${systemReason(error)}`);
    }
  }
  return warnings;
}

/** Makes the file if it is not there. Anything but a regular file is left alone. */
function handOver(path: string, { uid, gid }: Owner): void {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
  const fd = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, LOG_MODE);
  try {
    if (fstatSync(fd).isFile()) fchownSync(fd, uid, gid);
  } finally {
    closeSync(fd);
  }
}
