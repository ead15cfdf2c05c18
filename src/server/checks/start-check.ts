/**
 * Finds the mistakes for which a server would not start, or would serve something else than its files have, besides those in zones. It binds
 * and writes nothing.
 * NOT here: mistakes that only binding shows (addresses that this machine does not have, ports that are taken).
 */
import { accessSync, constants, lstatSync, readlinkSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Config } from '../../config/schema.js';
import { AdotdError, systemReason } from '../../errors.js';
import { readAuthorities } from '../../tls/authorities.js';
import { type CertificateNote, certificateNotes } from '../../tls/certificate-notes.js';
import { type Certificate, readCertificate, readKey } from '../../tls/certificates.js';
import { readOwnKey, selfSignedFiles } from '../../tls/self-signed.js';
import { readTicketKeys } from '../../tls/ticket-keys.js';
import type { Diagnostic } from '../../zone/diagnostics.js';
import { socketPathMistake } from '../control/control-socket.js';
import { answerSettings } from '../plane/configured-settings.js';
import { keyWarnings } from '../plane/tsig-secrets.js';
import type { PlaceOf } from '../policies.js';
import { filesReadAgain } from '../process/files-after-drop.js';
import { isRootsAlone, type LogFile, logFiles, rotationObstacle } from '../process/log-files.js';
import { accountMistake, type Identity, unreadable, wantedIdentity } from '../process/privileges.js';
import { mayReach, mayRead, mayWrite, mayWriteIn } from '../process/user-access.js';

type Report = (keys: readonly PropertyKey[], message: string, severity?: Diagnostic['severity']) => void;

/**
 * Errors that a server with this configuration would refuse or complain of, and warnings that it would log; each at its key. Files are read as
 * the user that runs this, which may be another user than the server's.
 */
export function startMistakes(config: Config, placeOf: PlaceOf): Diagnostic[] {
  const found: Diagnostic[] = [];
  const report: Report = (keys, message, severity = 'error') => {
    found.push({ ...placeOf(keys), severity, message });
  };
  if (config.tls.enabled) checkTls(config.tls, report);
  const withoutKeys = { ...config, tsig: [] };
  attempt(['cookies', 'secret_file'], () => answerSettings(withoutKeys), report);
  checkTsig(config, report);
  checkRemotes(config, report);
  const account = accountMistake(config);
  if (account !== undefined) report([account.key], account.message);
  const { socket } = config.control;
  const mistake = socket === undefined ? undefined : socketPathMistake(socket);
  if (mistake) report(['control', 'socket'], mistake.message, mistake.severity);
  for (const { key, path } of logFiles(config)) {
    const obstacle = logObstacle(path);
    if (obstacle !== undefined) report([key, 'file'], `${path} cannot be written: ${obstacle}`);
    // The service manager may make it, as that of the control socket.
    if (obstacle !== undefined || exists(dirname(path))) continue;
    report([key, 'file'], `the folder of ${path} does not exist; a start needs it`, 'warning');
  }
  const user = wantedIdentity(config);
  if (user !== undefined) checkAccess(config, user, report);
  return found;
}

/** Finds files and folders that are closed to the user that the server becomes. */
function checkAccess(config: Config, user: Identity, report: Report): void {
  const { socket } = config.control;
  if (socket !== undefined && !mayWriteIn(dirname(socket), user)) {
    const folder = dirname(socket);
    report(['control', 'socket'], `${user.name} cannot make the control socket ${socket}: let it write to ${folder}`);
  }
  const logs = logFiles(config).filter(({ path }) => exists(dirname(path)));
  for (const log of logs) checkLog(log, logs, user, report);
  const own = selfSignedFiles(config.tls.certs_folder);
  for (const file of filesReadAgain(config)) {
    // Root gives these to the user.
    if (file === own.certFile || file === own.keyFile) continue;
    if (!mayRead(file, user)) report(['user'], unreadable(user.name, file), 'warning');
  }
  const { socket: reader } = config.dnstap;
  if (reader !== undefined && !mayWrite(reader, user))
    report(['dnstap', 'socket'], `${user.name} cannot write to the dnstap socket ${reader}`, 'warning');
}

/** `path` is that of the query log or of dnstap. In a folder of root's, root gives it to the user. */
function checkLog(log: LogFile, logs: readonly LogFile[], user: Identity, report: Report): void {
  const { key, path } = log;
  const folder = dirname(resolve(path));
  const complain = (message: string, severity?: Diagnostic['severity']): void =>
    report([key, 'file'], message, severity);
  const given = isRootsAlone(folder);
  const writable = given || (exists(path) ? mayWrite(path, user) : mayWriteIn(folder, user));
  if (!writable || !mayReach(folder, user))
    complain(`${user.name} cannot write ${path}: let it write the file, and to ${folder}`);
  else if (!given && !mayWriteIn(folder, user))
    complain(`${user.name} cannot begin ${path} anew when it is moved away: let it write to ${folder}`, 'warning');
  else {
    const obstacle = rotationObstacle(log, logs, user.name);
    if (obstacle !== undefined) complain(obstacle, 'warning');
  }
}

/**
 * Errors and warnings for certificates that can be read: their dates and names. `nameservers`: those of the zones, absolute; `now`: seconds
 * since 1970.
 */
export function certificateMistakes(
  { tls }: Config,
  nameservers: readonly string[],
  placeOf: PlaceOf,
  now: number,
): Diagnostic[] {
  if (!tls.enabled) return [];
  const indexes = new Map<Certificate, number>();
  for (const [index, { cert: certFile, key: keyFile }] of tls.certificates.entries()) {
    try {
      indexes.set(readCertificate({ certFile, keyFile }), index);
    } catch (error) {
      // startMistakes() tells of it.
      if (!(error instanceof AdotdError)) throw error;
    }
  }
  const [first, ...others] = indexes.keys();
  if (first === undefined) return [];
  const diagnostic = ({ severity, message, certificate }: CertificateNote): Diagnostic => {
    return { ...placeOf(['tls', 'certificates', indexes.get(certificate) ?? 0, 'cert']), severity, message };
  };
  return certificateNotes([first, ...others], nameservers, new Date(now * 1000)).map(diagnostic);
}

function checkTls(tls: Config['tls'], report: Report): void {
  const { certificates, certs_folder: folder, ticket_key_file: ticketKeys } = tls;
  for (const [index, { cert: certFile, key: keyFile }] of certificates.entries()) {
    const at = ['tls', 'certificates', index];
    const ofKey = attempt([...at, 'key'], () => readKey(keyFile), report);
    attempt(
      [...at, 'cert'],
      () => readCertificate({ certFile, keyFile }),
      // A mistake in the key is reported once.
      (keys, message) => message !== ofKey && report(keys, message),
    );
  }
  if (certificates.length === 0) checkOwn(folder, report);
  if (ticketKeys !== undefined) attempt(['tls', 'ticket_key_file'], () => readTicketKeys(ticketKeys), report);
}

/** Errors and warnings of TSIG keys. */
function checkTsig({ tsig }: Config, report: Report): void {
  for (const [index, key] of tsig.entries()) {
    const at = ['tsig', index];
    const notes = (): void => {
      for (const warning of keyWarnings(key)) report([...at, warning.key], warning.message, 'warning');
    };
    attempt([...at, 'secret_file'], notes, report);
  }
}

/** Checks the files of remotes and of listeners for transfers, and the clients that may send UPDATE. */
function checkRemotes({ remotes, transfer, zones }: Config, report: Report): void {
  for (const [index, { tls }] of remotes.entries()) {
    const at = ['remotes', index, 'tls'];
    const { ca, cert, key_file: key } = tls ?? {};
    if (ca !== undefined) attempt([...at, 'ca'], () => readAuthorities(ca), report);
    if (cert !== undefined && key !== undefined)
      attempt([...at, 'cert'], () => readCertificate({ certFile: cert, keyFile: key }), report);
  }
  for (const [index, { client_ca: ca }] of transfer.listen.entries())
    attempt(['transfer', 'listen', index, 'client_ca'], () => readAuthorities(ca), report);
  const anybody = new Set(
    remotes.flatMap(({ name, key, tls }) => (key === undefined && tls === undefined ? name : [])),
  );
  for (const [index, { update }] of zones.policies.entries()) {
    for (const [rule, { remote }] of update.entries()) {
      if (remote === undefined || !anybody.has(remote)) continue;
      const message = `${remote} is known by its addresses only, and anybody can send UPDATE from them over UDP; give it a key`;
      report(['zones', 'policies', index, 'update', rule, 'remote'], message, 'warning');
    }
  }
}

/** Why this process cannot write a log; undefined: it can, or the log's folder is not there yet. */
function logObstacle(path: string): string | undefined {
  try {
    const file = statSync(path, { throwIfNoEntry: false });
    if (file !== undefined) {
      if (file.isDirectory()) return 'it is a folder';
      accessSync(path, constants.W_OK);
      return undefined;
    }
    const folder = statSync(dirname(path), { throwIfNoEntry: false });
    if (folder === undefined) return undefined;
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) {
      const target = dirname(resolve(dirname(path), readlinkSync(path)));
      if (!exists(target)) return `it is a link, and ${target} does not exist`;
    }
    if (!folder.isDirectory()) return `${dirname(path)} is no folder`;
    accessSync(dirname(path), constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return systemReason(error);
  }
}

/** Checks the certificate that the server has made itself, or the folder where it will make one. */
function checkOwn(folder: string, report: Report): void {
  const at = ['tls', 'certs_folder'];
  const { keyFile } = selfSignedFiles(folder);
  if (exists(keyFile)) {
    attempt(at, () => readOwnKey(keyFile), report);
    return;
  }
  let above = folder;
  while (!exists(above) && dirname(above) !== above) above = dirname(above);
  if (exists(above) && !statSync(above).isDirectory()) {
    report(at, `cannot write to the folder of certificates ${folder}: ${above} is no folder`);
  }
}

function exists(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    // Its folder is a file, or may not be searched.
    return false;
  }
}

/** Reports the AdotdError that `read` throws, and returns its message. */
function attempt(keys: readonly PropertyKey[], read: () => unknown, report: Report): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (!(error instanceof AdotdError)) throw error;
    report(keys, error.message);
    return error.message;
  }
}
