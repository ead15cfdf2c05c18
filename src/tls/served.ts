/** The certificates to serve: those that are configured, or the one that the server makes for itself. */
import { existsSync } from 'node:fs';
import { type Certificate, type CertificateFiles, loadCertificate, readCertificate } from './certificates.js';
import { ensureSelfSigned, type SelfSignedOptions, selfSignedFiles } from './self-signed.js';

export type Certificates = [Certificate, ...Certificate[]];

/**
 * The certificates of `configured`, the default one first; without any, the self-signed one for `options`, made or renewed
 * where that is due. Throws ADOTD_FILE or ADOTD_TLS.
 */
export async function servedCertificates(
  configured: readonly CertificateFiles[],
  options: SelfSignedOptions,
): Promise<Certificates> {
  const [first, ...others] = configured.map((files) => loadCertificate(files, options.now));
  return first === undefined ? [await ensureSelfSigned(options)] : [first, ...others];
}

/**
 * As servedCertificates, but a self-signed certificate that is there and has not expired is taken as it is: who only looks
 * does not know for which names the server wants it.
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
