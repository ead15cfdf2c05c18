/**
 * The self-signed certificate of a server that has none configured (RFC 9539 §3.2). Its key is made once and kept, because pins and
 * TLSA records name the key: every later certificate has the same one.
 */
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, X509Certificate } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { isIP } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { AdotdError, codeOf, ErrorCode, systemReason } from '../errors.js';
import { alternativeNames, certifiableName, type NameSources } from './alternative-names.js';
import { EXPIRY_WARNING_DAYS } from './certificate-dates.js';
import {
  type Certificate,
  type CertificateFiles,
  describeCertificate,
  readCertificate,
  readKey,
} from './certificates.js';

/** Names of the files in the folder. */
export const SELF_SIGNED_KEY = 'self-signed.key';
export const SELF_SIGNED_CERTIFICATE = 'self-signed.pem';

/** Days that a certificate is valid. Clients that pin ignore them; others reject the certificate anyway. A guess. */
const SELF_SIGNED_DAYS = 365;

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export interface SelfSignedOptions extends NameSources {
  /** Made when it does not exist. */
  readonly folder: string;
  readonly now?: Date;
  readonly days?: number;
  /** The certificate of the folder that this server serves by now. */
  readonly current?: Certificate | undefined;
}

/** The certificate of a folder. */
interface SelfSigned {
  readonly certificate: Certificate;
  /** Whether another server has written a certificate with other names to the folder. */
  readonly shared?: boolean;
  /** Why a new certificate is in this process only, and not in the folder. */
  readonly unwritten?: AdotdError;
}

/**
 * The certificate of the folder. A new one is made when there is none, when it expires within 30 days, and when its names differ.
 * Takes some 50 ms, most of them to load `selfsigned`. Throws ADOTD_FILE when there is no key and none can be kept in the folder, and
 * ADOTD_TLS when the existing key cannot be used: it is never replaced, because clients pin it.
 *
 * Servers may share a folder, and want different names in the certificate. Each writes its own once, and serves `current` as long as that
 * has the right names, whatever another one has written since: otherwise they would write in turns.
 */
export async function ensureSelfSigned(options: SelfSignedOptions): Promise<SelfSigned> {
  const { folder, now = new Date(), days = SELF_SIGNED_DAYS, current } = options;
  const files = selfSignedFiles(folder);
  const names = alternativeNames(options);
  const privateKey = ensureKey(files.keyFile, folder);
  const written = existing(files);
  const isGood = (one: Certificate | undefined): one is Certificate => isCurrent(one, names, now, days);
  if (written && isGood(current) && current.pin === written.pin) {
    return { certificate: current, shared: written.cert !== current.cert && !isGood(written) };
  }
  if (isGood(written)) return { certificate: written };
  const certificate = await makeCertificate(files, privateKey, { ...options, names, now, days });
  try {
    inFolder(folder, () => writeAtomically(files.certFile, certificate.cert, 0o644, renameSync));
    return { certificate };
  } catch (error) {
    if (!(error instanceof AdotdError)) throw error;
    const usable = isGood(current) && current.pin === certificate.pin;
    return { certificate: usable ? current : certificate, unwritten: error };
  }
}

/** Stands for the file of a certificate that is in memory only. */
const IN_MEMORY = '(in memory)';

/** A certificate for a new key, which is in no file: for a server that can use no other one. */
export function standInCertificate(options: SelfSignedOptions): Promise<Certificate> {
  const { now = new Date(), days = SELF_SIGNED_DAYS } = options;
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const files = { certFile: IN_MEMORY, keyFile: IN_MEMORY };
  return makeCertificate(files, privateKey, { ...options, names: alternativeNames(options), now, days });
}

/** The files of the self-signed certificate in a folder. */
export function selfSignedFiles(folder: string): CertificateFiles {
  return { certFile: join(folder, SELF_SIGNED_CERTIFICATE), keyFile: join(folder, SELF_SIGNED_KEY) };
}

function ensureKey(file: string, folder: string): KeyObject {
  if (!existsSync(file)) {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    inFolder(folder, () => {
      makeFolder(resolve(folder));
      writeAtomically(file, pem, 0o600, keepFirst);
    });
  }
  return readOwnKey(file);
}

/** The key of a self-signed certificate. Throws ADOTD_FILE when it cannot be read, ADOTD_TLS when it is of another kind. */
export function readOwnKey(file: string): KeyObject {
  const key = readKey(file);
  const { asymmetricKeyType, asymmetricKeyDetails } = key;
  if (asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1') return key;
  const found = `${asymmetricKeyType} ${asymmetricKeyDetails?.namedCurve ?? ''}`.trim();
  throw new AdotdError(ErrorCode.TLS, `private key ${file} is ${found}, expected the P-256 key that was made there`);
}

/** The certificate that was written, with its key; undefined if there is none, or one that is cut off or of another key. */
function existing(files: CertificateFiles): Certificate | undefined {
  if (!existsSync(files.certFile)) return undefined;
  try {
    return readCertificate(files);
  } catch (error) {
    // It can be replaced.
    if (error instanceof AdotdError) return undefined;
    throw error;
  }
}

function isCurrent(old: Certificate | undefined, names: readonly string[], now: Date, days: number): boolean {
  if (old === undefined) return false;
  const left = old.notAfter.getTime() - now.getTime();
  // A short-lived certificate is renewed in its last third.
  const enough = left > Math.min(EXPIRY_WARNING_DAYS, days / 3) * DAY;
  return enough && old.notBefore <= now && JSON.stringify([...old.names].sort()) === JSON.stringify([...names].sort());
}

type Content = Required<Pick<SelfSignedOptions, 'names' | 'now' | 'days'>> & Pick<SelfSignedOptions, 'hostName'>;

async function makeCertificate(
  files: CertificateFiles,
  privateKey: KeyObject,
  { hostName, names, now, days }: Content,
): Promise<Certificate> {
  // Loaded only here: most starts find a certificate.
  const { generate } = await import('selfsigned');
  const altNames = names.map((name) =>
    isIP(name) === 0 ? { type: 2 as const, value: name } : { type: 7 as const, ip: name },
  );
  const subject = hostName === undefined ? undefined : certifiableName(hostName);
  // X.520 allows 64 characters in a common name.
  const commonName = subject !== undefined && subject.length <= 64 ? subject : 'adotd';
  const { cert } = await generate([{ name: 'commonName', value: commonName }], {
    keyType: 'ec',
    curve: 'P-256',
    // selfsigned would take SHA-1.
    algorithm: 'sha256',
    // An hour ago: clients' clocks differ.
    notBeforeDate: new Date(now.getTime() - HOUR),
    notAfterDate: new Date(now.getTime() + days * DAY),
    keyPair: {
      privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      publicKey: createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString(),
    },
    // These replace all default extensions.
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      ...(altNames.length > 0 ? [{ name: 'subjectAltName' as const, altNames }] : []),
    ],
  });
  return describeCertificate(files, [new X509Certificate(cert)], privateKey);
}

/** Writes a temporary file beside `file` and moves it there with `place`, so that nobody reads half a file. */
function writeAtomically(file: string, text: string, mode: number, place: (from: string, to: string) => void): void {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const fd = openSync(temporary, 'wx', mode);
    try {
      writeFileSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    place(temporary, file);
  } finally {
    if (existsSync(temporary)) unlinkSync(temporary);
  }
}

/** When two processes start for the first time at once, the second uses the key of the first. */
function keepFirst(temporary: string, file: string): void {
  try {
    linkSync(temporary, file);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EEXIST') return;
    // File systems without hard links.
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP') throw error;
    renameSync(temporary, file);
  }
}

/** Level by level: node's `recursive` never ends where the system refuses to make a folder (/proc). */
function makeFolder(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(folder) !== folder) makeFolder(dirname(folder));
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    // Another process may have been first.
    if (codeOf(error) !== 'EEXIST' || !statSync(folder).isDirectory()) throw error;
  }
}

function inFolder(folder: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    const remedy = 'choose another with `tls.certs_folder` or --certs';
    const message = `cannot write to the folder of certificates ${folder}: ${systemReason(error)}; ${remedy}`;
    throw new AdotdError(ErrorCode.FILE, message, { cause: error });
  }
}
