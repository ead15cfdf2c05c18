/**
 * Which certificates are served under which name. A name may have several certificates, one for each kind of key: OpenSSL serves a client
 * the one that it can verify, ECDSA before RSA.
 */
import { isAddress } from './alternative-names.js';
import type { Certificate } from './certificates.js';
import { ServerNames } from './sni.js';

type Named = Pick<Certificate, 'names' | 'keyType'>;

/** Certificates of different kinds, of which a client gets one. */
export type CertificateSet<T> = readonly [T, ...T[]];

interface CertificateSets<T> {
  /** For clients without SNI, or with a name that no certificate has. */
  readonly fallback: CertificateSet<T>;
  /** The certificates for a server name; undefined for a name that no certificate has. */
  find(serverName: string): CertificateSet<T> | undefined;
  /** All different sets; the first is the fallback. */
  readonly all: readonly CertificateSet<T>[];
  /** Certificates in no set, each with one that is served in its place. */
  readonly unserved: readonly { readonly certificate: T; readonly instead: T }[];
}

/**
 * Sorts certificates, the default one first, into sets. For a name, the first certificate of a kind wins, and one with the exact name wins
 * over one with a wildcard of the leftmost label. Certificates of other kinds that share a name with the default one join it.
 */
export function certificateSets<T extends Named>(certificates: CertificateSet<T>): CertificateSets<T> {
  const byName = kindsByName(certificates);
  const places = new Map(certificates.map((certificate, index) => [certificate, index]));
  const interned = new Map<string, CertificateSet<T>>();
  const setOf = (kinds: ReadonlyMap<string, T>): CertificateSet<T> => {
    const indexes = [...kinds.values()].map((certificate) => places.get(certificate) ?? 0).sort((a, b) => a - b);
    const key = indexes.join();
    const [first = certificates[0], ...others] = indexes.flatMap((index) => certificates[index] ?? []);
    const set = interned.get(key) ?? [first, ...others];
    interned.set(key, set);
    return set;
  };
  const fallback = setOf(defaultKinds(certificates));
  const names = new ServerNames<CertificateSet<T>>();
  for (const [name, kinds] of byName) names.add([name], setOf(kinds));
  const all = [...interned.values()];
  const served = new Set(all.flat());
  const unserved = certificates.filter((certificate) => !served.has(certificate));
  return {
    fallback,
    find: (serverName) => names.find(serverName),
    all,
    unserved: unserved.map((certificate) => ({ certificate, instead: rivalOf(certificate, byName) ?? fallback[0] })),
  };
}

/** SHA-256 of the public keys that clients of a server name (absolute) may get, in hexadecimal and each once. */
export function pinsUnder(certificates: CertificateSet<Named & { readonly pin: string }>, name: string): string[] {
  const sets = certificateSets(certificates);
  const served = sets.find(name) ?? sets.fallback;
  return [...new Set(served.map(pinHex))];
}

/** SHA-256 of the public key, in hexadecimal. */
export function pinHex({ pin }: { readonly pin: string }): string {
  return Buffer.from(pin, 'base64').toString('hex');
}

/** For each name, the certificate of each kind. */
function kindsByName<T extends Named>(certificates: readonly T[]): Map<string, Map<string, T>> {
  const byName = new Map<string, Map<string, T>>();
  for (const certificate of certificates) {
    // SNI has no addresses (RFC 6066 §3).
    for (const name of certificate.names.filter((one) => !isAddress(one))) {
      const kinds = byName.get(name) ?? new Map<string, T>();
      byName.set(name, kinds);
      if (!kinds.has(certificate.keyType)) kinds.set(certificate.keyType, certificate);
    }
  }
  for (const [name, kinds] of byName) {
    const dot = name.indexOf('.');
    const wild = name.startsWith('*.') || dot < 1 ? undefined : byName.get(`*${name.slice(dot)}`);
    for (const [kind, certificate] of wild ?? []) if (!kinds.has(kind)) kinds.set(kind, certificate);
  }
  return byName;
}

/** The certificate of each kind for clients without a known name. */
function defaultKinds<T extends Named>(certificates: CertificateSet<T>): Map<string, T> {
  const [first, ...others] = certificates;
  const kinds = new Map([[first.keyType, first]]);
  for (const other of others) {
    const related = other.names.some((name) => first.names.includes(name));
    if (related && !kinds.has(other.keyType)) kinds.set(other.keyType, other);
  }
  return kinds;
}

function rivalOf<T extends Named>({ names, keyType }: T, byName: Map<string, Map<string, T>>): T | undefined {
  return names.map((name) => byName.get(name)?.get(keyType)).find((rival) => rival !== undefined);
}
