/** The certificates to serve: the configured ones, or a self-signed one. */
import { existsSync } from 'node:fs';
import { type Certificate, type CertificateFiles, loadCertificate, readCertificate } from './certificates.js';
import { ensureSelfSigned, type SelfSignedOptions, selfSignedFiles } from './self-signed.js';

export type Certificates = [Certificate, ...Certificate[]];

/**
 * The certificates of `configured`, the default one first; without any, the self-signed one for `options`, which is made or renewed
 * when that is due. Throws ADOTD_FILE or ADOTD_TLS.
 */
export async function servedCertificates(
  configured: readonly CertificateFiles[],
  options: SelfSignedOptions,
): Promise<Certificates> {
  const [first, ...others] = configured.map((files) => loadCertificate(files, options.now));
  return first === undefined ? [await ensureSelfSigned(options)] : [first, ...others];
}

/**
 * Like servedCertificates, but an existing self-signed certificate is used as it is until it expires: a command that only reads does
 * not know the names that the server wants in it.
 */
export async function existingCertificates(
  configured: readonly CertificateFiles[],
  options: SelfSignedOptions,
): Promise<Certificates> {
  const files = selfSignedFiles(options.folder);
  const { now = new Date() } = options;
  if (configured.length === 0 && existsSync(files.certFile) && existsSync(files.keyFile)) {
    if (readCertificate(files).notAfter > now) return [loadCertificate(files, now)];
  }
  return servedCertificates(configured, options);
}
