/**
 * Keys in the form of BIND: `Kexample.+013+12345.private` has the private key, the file `.key` beside it the DNSKEY record,
 * which alone says whether the key is a KSK. ldns-keygen writes the same form. NOT here: `.state` files, and keys that are in
 * hardware ("Label:").
 */
import { createECDH, createPrivateKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { AdotdError, ErrorCode, messageOf } from '../../errors.js';
import { nameFromText, nameToText } from '../../protocol/name.js';
import { algorithmMnemonic } from '../algorithms.js';
import { type SigningKey, signingKey } from './signing-key.js';

/** A key with the name of its zone. */
export interface NamedKey {
  /** In wire format. */
  readonly zone: Uint8Array;
  readonly key: SigningKey;
  /** The times of BIND's plans for the key: `Publish`, `Activate`, `Inactive`, `Delete` and others, seconds since 1970. */
  readonly times: Readonly<Record<string, number>>;
}

/** A file as it was read; the name is for errors. */
interface KeyFile {
  readonly file: string;
  readonly text: string;
}

/** The names of the fields of RSA keys in BIND's files, and in JSON Web Keys (RFC 7518 §6.3). */
const RSA_FIELDS = [
  ['Modulus', 'n'],
  ['PublicExponent', 'e'],
  ['PrivateExponent', 'd'],
  ['Prime1', 'p'],
  ['Prime2', 'q'],
  ['Exponent1', 'dp'],
  ['Exponent2', 'dq'],
  ['Coefficient', 'qi'],
] as const;

/** Octets in front of the private key in PKCS#8 of the algorithms of RFC 8410 §7. */
const PKCS8 = new Map([
  [15, '302e020100300506032b657004220420'],
  [16, '3047020100300506032b6571043b0439'],
]);
const CURVES = new Map([
  [13, { crv: 'P-256', openssl: 'prime256v1', octets: 32 }],
  [14, { crv: 'P-384', openssl: 'secp384r1', octets: 48 }],
]);

function fail(file: string, reason: string): never {
  throw new AdotdError(ErrorCode.DNSSEC_KEY, `${file}: ${reason}`);
}

/** Reads both files of a key. Throws ADOTD_DNSSEC_KEY when they are malformed, or do not belong together. */
export function readBindKey(secret: KeyFile, publication: KeyFile): NamedKey {
  const fields = fieldsOf(secret);
  const algorithm = Number.parseInt(fields.get('Algorithm') ?? '', 10);
  const { zone, flags, publicKey } = readPublication(publication);
  let key: SigningKey;
  try {
    key = signingKey(algorithm, (flags & 1) !== 0, privateKeyOf(algorithm, fields, secret.file));
  } catch (error) {
    if (error instanceof AdotdError && error.message.startsWith(secret.file)) throw error;
    return fail(secret.file, error instanceof AdotdError ? messageOf(error) : 'expected a private key of BIND');
  }
  if (Buffer.compare(key.dnskey.subarray(4), publicKey) !== 0)
    fail(secret.file, `found another key than in ${publication.file}, expected both files of one key`);
  return { zone, key, times: timesOf(fields) };
}

/** The lines `Name: value`. */
function fieldsOf({ file, text }: KeyFile): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^([A-Za-z0-9-]+):\s*(.*?)\s*$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) fields.set(name, value);
  }
  const format = fields.get('Private-key-format');
  if (format === undefined || !/^v1\.[0-9]+$/.test(format))
    fail(file, `found ${format ?? 'no line Private-key-format'}, expected "Private-key-format: v1.3"`);
  return fields;
}

const octetsOf = (base64: string | undefined): Buffer => Buffer.from(base64 ?? '', 'base64');

function privateKeyOf(algorithm: number, fields: ReadonlyMap<string, string>, file: string): KeyObject {
  if (fields.has('Label') && !fields.has('PrivateKey') && !fields.has('PrivateExponent'))
    fail(file, 'found a key that is in hardware (Label), expected the private key itself');
  const secret = octetsOf(fields.get('PrivateKey'));
  const curve = CURVES.get(algorithm);
  if (curve !== undefined) {
    const ecdh = createECDH(curve.openssl);
    // Leading zero octets may be missing.
    const d = Buffer.concat([Buffer.alloc(Math.max(0, curve.octets - secret.length)), secret]);
    ecdh.setPrivateKey(d);
    const point = ecdh.getPublicKey().subarray(1);
    const [x, y] = [point.subarray(0, curve.octets), point.subarray(curve.octets)];
    const coordinates = { x: x.toString('base64url'), y: y.toString('base64url'), d: d.toString('base64url') };
    return createPrivateKey({ key: { kty: 'EC', crv: curve.crv, ...coordinates }, format: 'jwk' });
  }
  const prefix = PKCS8.get(algorithm);
  if (prefix !== undefined) {
    const der = Buffer.concat([Buffer.from(prefix, 'hex'), secret]);
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  }
  const jwk: JsonWebKey = { kty: 'RSA' };
  for (const [name, member] of RSA_FIELDS) jwk[member] = octetsOf(fields.get(name)).toString('base64url');
  return createPrivateKey({ key: jwk, format: 'jwk' });
}

/** Reads the DNSKEY record of a file `.key`; comments may stand before it. */
function readPublication({ file, text }: KeyFile): { zone: Uint8Array; flags: number; publicKey: Buffer } {
  for (const line of text.split('\n')) {
    const record = /^(\S+)\s+(?:[0-9]+\s+)?(?:IN\s+)?(?:[0-9]+\s+)?DNSKEY\s+([0-9]+)\s+3\s+[0-9]+\s+([^;]+)/i.exec(
      line,
    );
    if (record === null) continue;
    const [, owner = '', flags = '', base64 = ''] = record;
    return { zone: nameFromText(owner), flags: Number(flags), publicKey: octetsOf(base64) };
  }
  return fail(file, 'found no DNSKEY record, expected one');
}

function timesOf(fields: ReadonlyMap<string, string>): Record<string, number> {
  const times: Record<string, number> = {};
  for (const [name, value] of fields) {
    const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(value) ?? [];
    if (year !== undefined)
      times[name] =
        Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second)) / 1000;
  }
  return times;
}

/** The name of a key's files without their suffix: `Kexample.+013+12345`. */
export function bindKeyStem(zone: Uint8Array, { algorithm, tag }: SigningKey): string {
  const number = (value: number, digits: number): string => String(value).padStart(digits, '0');
  return `K${nameToText(zone).toLowerCase()}+${number(algorithm, 3)}+${number(tag, 5)}`;
}

/** The text of the file `.private`. */
export function toBindPrivate(key: SigningKey): string {
  const jwk = key.privateKey.export({ format: 'jwk' });
  const base64 = (text: unknown): string => Buffer.from(String(text), 'base64url').toString('base64');
  const fields = jwk.kty === 'RSA' ? RSA_FIELDS : ([['PrivateKey', 'd']] as const);
  const lines = fields.map(([name, member]) => `${name}: ${base64(jwk[member])}`);
  const algorithm = `Algorithm: ${key.algorithm} (${algorithmMnemonic(key.algorithm)})`;
  return `${['Private-key-format: v1.3', algorithm, ...lines].join('\n')}\n`;
}

/** The text of the file `.key`; `ttl` in seconds. */
export function toBindPublic(zone: Uint8Array, { dnskey }: SigningKey, ttl: number): string {
  const [high = 0, low = 0, protocol, algorithm] = dnskey;
  const publicKey = Buffer.from(dnskey.subarray(4)).toString('base64');
  return `${nameToText(zone)} ${ttl} IN DNSKEY ${high * 256 + low} ${protocol} ${algorithm} ${publicKey}\n`;
}
