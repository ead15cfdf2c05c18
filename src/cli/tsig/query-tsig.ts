/** The key of a signed query, in the forms of dig. */
import type { QueryTsig } from '../../client/wire/tsig.js';
import { readSmallFile } from '../../zone/regular-file.js';
import { UsageError } from '../arguments.js';

type Wrong = (message: string) => UsageError;

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/**
 * The key that `--tsig` gives as `[ALGORITHM:]NAME:SECRET`, or that `--tsig-file` names; undefined: neither. Messages do not repeat
 * the secret. Throws UsageError and ADOTD_FILE.
 */
export function tsigOf(verb: string, text: string | undefined, file: string | undefined): QueryTsig | undefined {
  const wrong = (message: string): UsageError => new UsageError(`adotd ${verb}: ${message}`);
  if (text !== undefined && file !== undefined) throw wrong('--tsig and --tsig-file: found both, expected one');
  if (file !== undefined) return keyOfFile(file, wrong);
  if (text === undefined) return undefined;
  const parts = text.split(':');
  const [algorithm, name = '', secret = ''] = parts.length === 3 ? parts : ['hmac-sha256', ...parts];
  if (parts.length < 2 || parts.length > 3 || name === '')
    throw wrong('--tsig: expected [ALGORITHM:]NAME:SECRET, such as hmac-sha256:key.example.:YWJj');
  return keyOf('--tsig', algorithm ?? '', name, secret, wrong);
}

/** A key file of BIND: `key "name" { algorithm hmac-sha256; secret "…"; };`. */
function keyOfFile(file: string, wrong: Wrong): QueryTsig {
  const text = readSmallFile(file, 'the TSIG key').toString('latin1');
  const name = /\bkey\s+"?([^\s"{]+)"?\s*\{/.exec(text)?.[1];
  const algorithm = /\balgorithm\s+"?([^\s";]+)"?\s*;/.exec(text)?.[1] ?? 'hmac-sha256';
  const secret = /\bsecret\s+"?([^\s";]+)"?\s*;/.exec(text)?.[1] ?? '';
  if (name === undefined)
    throw wrong(`--tsig-file: ${file} has no key; expected it as adotd keys tsig NAME --for bind prints it`);
  return keyOf(`--tsig-file ${file}`, algorithm, name, secret, wrong);
}

function keyOf(option: string, algorithm: string, name: string, secret: string, wrong: Wrong): QueryTsig {
  if (!BASE64.test(secret)) throw wrong(`${option}: expected the secret of ${name} in base64`);
  const octets = Buffer.from(secret, 'base64');
  return {
    name,
    algorithm: algorithm.toLowerCase().replace(/\.$/, ''),
    secret: octets,
    time: Math.floor(Date.now() / 1000),
  };
}
