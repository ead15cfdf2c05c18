/**
 * The certificates to serve: the configured ones, each by itself, or a self-signed one. Nothing that is wrong with a file or a date leaves
 * the server without a certificate: UDP and TCP would be down with it.
 */
import { existsSync } from 'node:fs';
import { AdotdError, ErrorCode } from '../errors.js';
import { dateNote, isValidAt } from './certificate-dates.js';
import { type Certificate, type CertificateFiles, readCertificate } from './certificates.js';
import { ensureSelfSigned, type SelfSignedOptions, selfSignedFiles, standInCertificate } from './self-signed.js';

export type Certificates = readonly [Certificate, ...Certificate[]];

/** A pair of files, and the certificate that is served for it. */
interface Pair {
  readonly files: CertificateFiles;
  /**
   * The content that is served. `served`: that of the files. `kept`: their previous content, since the present one cannot be used, or not
   * yet. `failed`: none, since the files have never had any that can be used. `held`: the one that was served before, since resolvers do
   * not know of the key of the present content yet.
   */
  readonly state: 'served' | 'kept' | 'failed' | 'held';
  /** undefined when the pair failed. */
  readonly certificate: Certificate | undefined;
  /** Why the content of the files is not served. */
  readonly mistake?: AdotdError;
  /** The content of the files, when it is not served for its dates, or for its key. */
  readonly waiting?: Certificate;
  /** For the operator; the pair is served all the same. */
  readonly warning?: string;
}

/** The certificates that are served, and the pairs of files that they come from. */
export interface Loaded {
  /** The default one first. When no pair can be used, the only one is made in memory. */
  readonly certificates: Certificates;
  /** In the order of the configuration; without configured ones, the pair of the self-signed certificate. */
  readonly pairs: readonly Pair[];
}

/**
 * Loads the pairs of `configured`, the default one first; without any, the self-signed one for `options`, which is made or renewed when
 * that is due. `before`: the certificates that are served by now. A pair that cannot be used is kept as it was, and so is a valid one whose
 * files have a certificate that has expired or is not valid yet. Throws no AdotdError.
 */
export async function loadCertificates(
  configured: readonly CertificateFiles[],
  before: Loaded | undefined,
  options: SelfSignedOptions,
): Promise<Loaded> {
  const { now = new Date() } = options;
  const old = (files: CertificateFiles): Certificate | undefined => pairOf(before, files)?.certificate;
  const own = selfSignedFiles(options.folder);
  const pairs =
    configured.length > 0
      ? configured.map((files) => loadPair(files, old(files), now))
      : [await loadOwn(own, { ...options, current: old(own) })];
  const [first, ...others] = pairs.flatMap(({ certificate }) => certificate ?? []);
  if (first !== undefined) return { certificates: [first, ...others], pairs };
  const standIn = before?.pairs.every(({ certificate }) => certificate === undefined) && before.certificates[0];
  const usable = standIn && dateNote(standIn, now) === undefined;
  return { certificates: [usable ? standIn : await standInCertificate(options)], pairs };
}

/** The state of a pair of files; undefined for files that are not of `loaded`. */
export function pairOf(loaded: Loaded | undefined, { certFile, keyFile }: CertificateFiles): Pair | undefined {
  return loaded?.pairs.find(({ files }) => files.certFile === certFile && files.keyFile === keyFile);
}

function loadPair(files: CertificateFiles, old: Certificate | undefined, now: Date): Pair {
  try {
    const certificate = readCertificate(files);
    if (old === undefined || !isValidAt(old, now) || isValidAt(certificate, now)) {
      return { files, state: 'served', certificate };
    }
    return { files, state: 'kept', certificate: old, mistake: outOfTime(certificate, now), waiting: certificate };
  } catch (error) {
    return unusable(files, old, error);
  }
}

/** The reason why a valid certificate is not replaced by this one. */
function outOfTime({ certFile, notBefore, notAfter }: Certificate, now: Date): AdotdError {
  const why =
    notBefore > now
      ? `is not valid before ${notBefore.toISOString()}, and is taken then; is the clock right?`
      : `expired at ${notAfter.toISOString()}`;
  return new AdotdError(ErrorCode.TLS, `certificate ${certFile} ${why}`);
}

async function loadOwn(files: CertificateFiles, options: SelfSignedOptions): Promise<Pair> {
  try {
    const { certificate, shared, unwritten } = await ensureSelfSigned(options);
    const warning =
      `another server keeps its certificate in ${options.folder} too, and wants other names in it: ` +
      'give each server a folder of its own with `tls.certs_folder`';
    return {
      files,
      state: unwritten ? 'kept' : 'served',
      certificate,
      ...(unwritten && { mistake: unwritten }),
      ...(shared && { warning }),
    };
  } catch (error) {
    return unusable(files, options.current, error);
  }
}

function unusable(files: CertificateFiles, old: Certificate | undefined, error: unknown): Pair {
  if (!(error instanceof AdotdError)) throw error;
  return { files, state: old ? 'kept' : 'failed', certificate: old, mistake: error };
}

/**
 * The certificates of `configured`, or else of the self-signed one, for a command that only reads: it does not know the names that the
 * server wants in a self-signed one, so an existing one is used as it is until it expires. Throws ADOTD_FILE or ADOTD_TLS.
 */
export async function existingCertificates(
  configured: readonly CertificateFiles[],
  options: SelfSignedOptions,
): Promise<Certificates> {
  const [first, ...others] = configured.map(readCertificate);
  if (first !== undefined) return [first, ...others];
  const files = selfSignedFiles(options.folder);
  const { now = new Date() } = options;
  if (existsSync(files.certFile) && existsSync(files.keyFile)) {
    const existing = readCertificate(files);
    if (existing.notAfter > now) return [existing];
  }
  const { certificate, unwritten } = await ensureSelfSigned(options);
  if (unwritten !== undefined) throw unwritten;
  return [certificate];
}
