/** Files that are read or written when the server is not root any more. */
import { accessSync, constants, lchownSync, readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Config } from '../../config/schema.js';
import { AdotdError, systemReason } from '../../errors.js';
import { SELF_SIGNED_CERTIFICATE, SELF_SIGNED_KEY, selfSignedFiles } from '../../tls/self-signed.js';
import { PROGRAMS } from '../thread-programs.js';
import { zonesOfConfig } from '../zones/zone-files.js';

/**
 * The present files that a reload, a renewal of certificates, or a thread that is started again will read, the configuration itself
 * apart.
 */
export function filesReadAgain(config: Config): string[] {
  const { zones, tls, transfer } = config;
  const certificates = tls.enabled ? tls.certificates.flatMap(({ cert, key }) => [cert, key]) : [];
  const selfSigned = selfSignedFiles(tls.certs_folder);
  return [
    // Threads load their programs when they start.
    fileURLToPath(PROGRAMS),
    ...(zones.folder === undefined ? [] : [zones.folder]),
    ...zoneFiles(config),
    ...certificates,
    ...(tls.enabled && certificates.length === 0 ? [selfSigned.certFile, selfSigned.keyFile] : []),
    ...(tls.enabled && tls.ticket_key_file !== undefined ? [tls.ticket_key_file] : []),
    ...filesOfPeers(config),
    ...(tls.enabled ? transfer.listen.map(({ client_ca: file }) => file) : []),
  ];
}

/** The files of cookie secrets, of TSIG keys, and of certificates for remotes: those that are read with the configuration. */
export function filesOfPeers({ cookies, tsig, remotes }: Config): string[] {
  return [
    ...[cookies, ...tsig].flatMap(({ secret_file: file }) => file ?? []),
    ...remotes.flatMap(({ tls }) => [tls?.ca, tls?.cert, tls?.key_file]).filter((file) => file !== undefined),
  ];
}

function zoneFiles(config: Config): string[] {
  try {
    return zonesOfConfig(config).map(({ file }) => file);
  } catch (error) {
    // Loading the zones reports a folder that cannot be read.
    if (error instanceof AdotdError) return [];
    throw error;
  }
}

/** The paths that this process cannot read now that it has given up its privileges. A folder must be listed and entered. */
export function unreadableAfterDrop(paths: readonly string[]): string[] {
  return paths.filter((path) => !readable(path));
}

function readable(path: string): boolean {
  try {
    const folder = statSync(path).isDirectory();
    accessSync(path, folder ? constants.R_OK | constants.X_OK : constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

/** The user that files are given to. */
export interface Owner {
  /** For messages. */
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Gives the server's own certificate, its key and their folder to the user that the server becomes: this user reads the key again and
 * renews the certificate. Returns a warning for the log if that is impossible; does nothing where certificates are configured. To be called as
 * root.
 */
export function handOverCertificate({ tls }: Config, { name, uid, gid }: Owner): string | undefined {
  if (!tls.enabled || tls.certificates.length > 0) return undefined;
  const folder = tls.certs_folder;
  try {
    const { uid: owner, mode } = statSync(folder);
    // Where others can write, a file may be a link to another one that they want to own. After the first start, the owner is not root.
    if (owner !== 0 || (mode & WRITABLE_TO_OTHERS) !== 0) return undefined;
    const others = readdirSync(folder).filter((file) => file !== SELF_SIGNED_CERTIFICATE && file !== SELF_SIGNED_KEY);
    const { certFile, keyFile } = selfSignedFiles(folder);
    for (const file of [certFile, keyFile]) lchownSync(file, uid, gid);
    if (others.length === 0) lchownSync(folder, uid, gid);
    else
      return `${folder} has other files too and stays root's: ${name} cannot renew the certificate there; set \`tls.certs_folder\` to a folder of its own`;
  } catch (error) {
    return `the certificate in ${folder} cannot be given to ${name}: ${systemReason(error)}`;
  }
  return undefined;
}

/** Bits of a mode: group and all others may write. */
export const WRITABLE_TO_OTHERS = 0o022;
