/**
 * Private keys in the files of other programs, as `adotd ctl dnssec import` takes them: BIND's and ldns' (`K*.private`, with `K*.key`
 * beside it), Knot's (the output of `keymgr -j ZONE list`, and PEM files), and PEM files alone (PKCS#8).
 */
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { algorithmNumber } from '../../dnssec/algorithms.js';
import { type NamedKey, readBindKey } from '../../dnssec/keys/bind-key.js';
import { readKnotKeys } from '../../dnssec/keys/knot-keys.js';
import { keyFromPem, keyToPem, type SigningKey } from '../../dnssec/keys/signing-key.js';
import type { KeyRole } from '../../dnssec/rollover/key-state.js';
import { AdotdError, ErrorCode, systemReason } from '../../errors.js';
import { nameKey, nameToText, zoneKey } from '../../protocol/name.js';

/** The role and algorithm of keys in PEM files, from the command line: the files do not tell them. */
interface PemWords {
  readonly role: KeyRole | undefined;
  readonly algorithm: string | undefined;
}

/** A key for the control interface. */
interface KeyToImport {
  readonly role: KeyRole;
  readonly algorithm: number;
  readonly pem: string;
  /** For errors. */
  readonly file: string;
}

interface ReadKey {
  readonly key: SigningKey;
  readonly file: string;
  /** undefined: it follows from the other keys. */
  readonly role?: KeyRole | undefined;
}

function fail(file: string, reason: string): never {
  throw new AdotdError(ErrorCode.DNSSEC_KEY, `${file}: ${reason}`);
}

/**
 * Reads the keys in these files that the zone is signed with at `now` (seconds since 1970). Throws ADOTD_FILE, and ADOTD_DNSSEC_KEY for
 * files that are malformed, of another zone, or of a roll that is under way: then it is not known which signatures caches hold.
 */
export function readKeysToImport(zone: string, files: readonly string[], words: PemWords, now: number): KeyToImport[] {
  const lists = files.filter((file) => file.endsWith('.json'));
  const keys = files.flatMap((file): ReadKey[] => {
    if (/\.(?:private|key)$/.test(file)) return bindKey(zone, file.replace(/\.(?:private|key)$/, ''), now);
    if (file.endsWith('.json')) return knotKeys(zone, file, files, now);
    // Beside a list of Knot's, they are the files of its keys.
    return lists.length > 0 ? [] : [pemKey(file, words)];
  });
  const unique = [...new Map(keys.map((one) => [Buffer.from(one.key.dnskey).toString('hex'), one])).values()];
  if (unique.length === 0) fail(files.join(', '), `found no key that ${zone} is signed with now, expected one`);
  return unique.map(({ key, file, role }) => {
    return { role: role ?? roleOf(key, unique), algorithm: key.algorithm, pem: keyToPem(key), file };
  });
}

/** A key that signs keys signs everything where no other key of its algorithm signs the zone. */
function roleOf({ isEntryPoint, algorithm }: SigningKey, all: readonly ReadKey[]): KeyRole {
  if (!isEntryPoint) return 'zsk';
  return all.some(({ key }) => !key.isEntryPoint && key.algorithm === algorithm) ? 'ksk' : 'csk';
}

function bindKey(zone: string, stem: string, now: number): ReadKey[] {
  const [secret, publication] = [`${stem}.private`, `${stem}.key`];
  const named = readBindKey({ file: secret, text: read(secret) }, { file: publication, text: read(publication) });
  const { Publish, Activate, Inactive, Delete } = named.times;
  const times = { published: Publish, active: Activate, retired: Inactive, removed: Delete };
  return inUse(zone, named, secret, times, now);
}

function knotKeys(zone: string, list: string, files: readonly string[], now: number): ReadKey[] {
  const pemOf = (id: string): string => {
    const name = `${id}.pem`;
    return read(files.find((file) => basename(file) === name) ?? join(dirname(list), name));
  };
  return readKnotKeys(read(list), pemOf, list).flatMap((named) => {
    // A key that is pre-active signs already, one that is retire-active signs still.
    const { publish, 'pre-active': early, active, 'retire-active': late, retire, remove } = named.times;
    const times = { published: publish ?? early, active, retired: late ?? retire, removed: remove };
    return inUse(zone, named, list, times, now);
  });
}

/** Seconds since 1970; undefined: never, or not said. */
interface KeyTimes {
  readonly published: number | undefined;
  readonly active: number | undefined;
  readonly retired: number | undefined;
  readonly removed: number | undefined;
}

/** The key, unless it is no longer, or not yet, in the zone. Throws ADOTD_DNSSEC_KEY in the middle of a roll. */
function inUse(zone: string, { zone: apex, key }: NamedKey, file: string, times: KeyTimes, now: number): ReadKey[] {
  if (nameKey(apex) !== zoneKey(zone)) fail(file, `found a key of ${nameToText(apex)}, expected one of ${zone}`);
  const isPast = (time: number | undefined): boolean => time !== undefined && time <= now;
  const isAhead = (time: number | undefined): boolean => time !== undefined && time > now;
  if (isPast(times.removed)) return [];
  if (isAhead(times.published) || (times.published === undefined && isAhead(times.active))) return [];
  // Without any times, it is the key of a zone that is signed by hand.
  const hasTimes = Object.values(times).some((time) => time !== undefined);
  if (isPast(times.retired) || isAhead(times.active) || (hasTimes && times.active === undefined)) {
    const how = isPast(times.retired) ? 'retired, and still published' : 'published, and not in use yet';
    fail(file, `found key ${key.tag} ${how}: let the other program finish its roll before the zone moves`);
  }
  return [{ key, file }];
}

function pemKey(file: string, { role, algorithm }: PemWords): ReadKey {
  const pem = read(file);
  if (role === undefined)
    fail(file, 'expected --role csk, ksk or zsk as well: a PEM file does not say what its key is for');
  const isEntryPoint = role !== 'zsk';
  if (algorithm !== undefined) {
    const number = algorithmNumber(algorithm);
    if (number === undefined)
      fail(file, `--algorithm: found ${algorithm}, expected a mnemonic such as ECDSAP256SHA256`);
    return { key: keyFromPem(pem, number, isEntryPoint, file), file, role };
  }
  for (const number of ALGORITHMS) {
    try {
      return { key: keyFromPem(pem, number, isEntryPoint, file), file, role };
    } catch (error) {
      if (!(error instanceof AdotdError)) throw error;
    }
  }
  return fail(file, 'expected a private key in PEM (PKCS#8) of RSA, ECDSA P-256 or P-384, Ed25519 or Ed448');
}

/** Those that a kind of key stands for by itself. */
const ALGORITHMS = [8, 13, 14, 15, 16];

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new AdotdError(ErrorCode.FILE, `cannot read ${file}: ${systemReason(error)}`, { cause: error });
  }
}
