/** The options that say what a server's certificate must meet: --tls-pin and --tls-ca. */
import type { Verification } from '../client/trust/certificate.js';
import { AdotdError, ErrorCode } from '../errors.js';
import { readFileOrPipe } from '../zone/regular-file.js';
import { UsageError } from './arguments.js';

export const VERIFICATION_OPTIONS = {
  'tls-ca': { type: 'string' },
  'tls-pin': { type: 'string', multiple: true },
} as const;

/** Throws UsageError, or ADOTD_FILE. */
export function verificationOf(
  verb: string,
  values: { readonly 'tls-ca'?: string | undefined; readonly 'tls-pin'?: readonly string[] | undefined },
): Verification {
  const wrong = (message: string): UsageError => new UsageError(`adotd ${verb}: ${message}`);
  const pins = values['tls-pin'] ?? [];
  const file = values['tls-ca'];
  for (const pin of pins) {
    if (Buffer.from(pin, 'base64').length !== 32 || Buffer.from(pin, 'base64').toString('base64') !== pin)
      throw wrong(`--tls-pin: found ${pin}, expected 32 octets in base64`);
  }
  if (pins.length > 0 && file !== undefined) throw wrong('--tls-pin and --tls-ca exclude each other');
  if (pins.length > 0) return { kind: 'pin', pins };
  if (file === undefined) return { kind: 'none' };
  return { kind: 'ca', ca: authoritiesIn(file) };
}

function authoritiesIn(file: string): string {
  // At the most: a bundle of all authorities there are has some 200 kB.
  const { octets } = readFileOrPipe(file, '', 16 * 1024 * 1024);
  const text = octets.toString('latin1');
  if (!text.includes('-----BEGIN CERTIFICATE-----'))
    throw new AdotdError(ErrorCode.FILE, `${file} holds no certificate in PEM`);
  return text;
}
