/** The keys of TSIG that the configuration names, with their secrets. */
import { statSync } from 'node:fs';
import type { Config } from '../../config/schema.js';
import { AdotdError, counted, ErrorCode } from '../../errors.js';
import { nameFromText, nameKey } from '../../protocol/name.js';
import { TSIG_ALGORITHMS, type TsigKey } from '../../protocol/tsig/tsig-key.js';
import { readSmallFile } from '../../zone/regular-file.js';

type ConfiguredKey = Config['tsig'][number];

/** Octets of a secret that can be searched by nobody. */
const SHORT = 16;
/** The bits of a mode for all others. */
const OTHERS = 0o007;

/** The keys of the configuration. Throws ADOTD_CONFIG or ADOTD_FILE for the first file that cannot be used. */
export function configuredKeys({ tsig }: Pick<Config, 'tsig'>): TsigKey[] {
  return tsig.map(configuredKey);
}

/** A key of the configuration. Throws as configuredKeys() does. */
export function configuredKey(key: ConfiguredKey): TsigKey {
  const algorithm = TSIG_ALGORITHMS.find(({ name }) => name === key.algorithm);
  if (algorithm === undefined) throw new AdotdError(ErrorCode.CONFIG, `there is no TSIG algorithm ${key.algorithm}`);
  return {
    name: nameFromText(nameKey(nameFromText(key.name))),
    algorithm,
    secret: Uint8Array.from(Buffer.from(key.secret ?? secretOfFile(key.secret_file ?? ''), 'base64')),
    macOctets: key.mac_bits === undefined ? algorithm.octets : key.mac_bits / 8,
  };
}

/** Warnings about a usable key, each with the key of the configuration that it is about. */
export function keyWarnings(key: ConfiguredKey): { readonly key: keyof ConfiguredKey; readonly message: string }[] {
  const { secret } = configuredKey(key);
  const warnings: { key: keyof ConfiguredKey; message: string }[] = [];
  if (key.algorithm === 'hmac-sha1') {
    const message = 'hmac-sha1 is for old peers only (RFC 8945 §6); use hmac-sha256 where the peer knows it';
    warnings.push({ key: 'algorithm', message });
  }
  const source = key.secret_file === undefined ? 'secret' : 'secret_file';
  if (secret.length < SHORT) {
    const found = `the secret of ${key.name} has ${counted(secret.length, 'octet')}, and can be guessed`;
    warnings.push({ key: source, message: `${found}; make another with adotd keys tsig ${key.name}` });
  }
  const { secret_file: file } = key;
  const mode = file === undefined || process.platform === 'win32' ? 0 : statSync(file).mode & 0o777;
  if ((mode & OTHERS) !== 0) {
    const message = `the secret ${file} can be read by everybody on this machine (mode ${mode.toString(8)}), expected 600`;
    warnings.push({ key: 'secret_file', message });
  }
  return warnings;
}

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** The secret in a file, in base64: alone, or in a key file of BIND. */
function secretOfFile(file: string): string {
  const text = readSmallFile(file, 'the TSIG secret').toString('latin1');
  const lines = text.split('\n').map((line) => line.trim());
  const alone = lines.filter((line) => line !== '' && !line.startsWith('#'));
  const secret = /\bsecret\s+"?([^\s";]+)"?\s*;/.exec(text)?.[1] ?? (alone.length === 1 ? alone[0] : undefined);
  // The message does not quote the file: it may be a mistyped secret.
  if (secret === undefined || !BASE64.test(secret) || secret.length % 4 !== 0)
    throw new AdotdError(
      ErrorCode.CONFIG,
      `${file}:1:1: expected a secret in base64, as adotd keys tsig NAME prints it`,
    );
  return secret;
}
