/** Certificates of authorities, which sign those of peers, from a PEM file. */
import { X509Certificate } from 'node:crypto';
import { AdotdError, ErrorCode } from '../errors.js';
import { readPem } from './pem.js';

const WHAT = 'the authorities file';

/**
 * The certificates of authorities in a file, as one PEM text. Throws ADOTD_FILE when it cannot be read, ADOTD_TLS when it has none, or a
 * block that is none: a bad file must not make any peer count as known.
 */
export function readAuthorities(file: string): string {
  const blocks = readPem(file, WHAT).filter(({ label }) => label === 'CERTIFICATE');
  if (blocks.length === 0) throw new AdotdError(ErrorCode.TLS, `${WHAT} ${file} has no block CERTIFICATE`);
  blocks.forEach(({ text }, index) => {
    try {
      new X509Certificate(text);
    } catch (error) {
      const message = `${WHAT} ${file} has a block CERTIFICATE (number ${index + 1}) that is none`;
      throw new AdotdError(ErrorCode.TLS, message, { cause: error });
    }
  });
  return blocks.map(({ text }) => text).join('');
}
