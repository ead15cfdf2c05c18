/** The names and addresses of a self-signed certificate (RFC 5280 §4.2.1.6). */
import { isIP, isIPv4 } from 'node:net';
import { shortestAddress } from './certificates.js';

/**
 * Names in one certificate. Those of 10,000 zones would make every handshake a hundred kilobytes long; 100 are about 3 kB,
 * two packets. Clients that pin the key or use DANE-EE do not look at names (RFC 7671 §5.1). A guess.
 */
export const MAX_NAMES = 100;

/** Characters of a DNS name in a certificate. */
const MAX_LENGTH = 253;
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** Names and addresses to choose from. */
export interface NameSources {
  /** NS names of the zones, with repetitions: when there are too many, the names of most zones are kept. */
  readonly names: readonly string[];
  readonly hostName?: string | undefined;
  /** Names that are always kept, like the host's. */
  readonly always?: readonly string[] | undefined;
  /** Addresses that are listened on. */
  readonly addresses: readonly string[];
}

/** DNS names in lower case without final dot, then addresses in their shortest form; each once, sorted. */
export function alternativeNames({ names, hostName, always = [], addresses }: NameSources): string[] {
  const uses = new Map<string, number>();
  for (const name of names) {
    const usable = certifiableName(name);
    if (usable !== undefined) uses.set(usable, (uses.get(usable) ?? 0) + 1);
  }
  const reachable = [...new Set(addresses.filter(isReachable).map(shortestAddress))].sort().slice(0, MAX_NAMES / 2);
  for (const name of [hostName ?? '', ...always]) {
    const usable = certifiableName(name);
    if (usable !== undefined) uses.set(usable, Number.POSITIVE_INFINITY);
  }
  const byUse = [...uses].sort(([a, m], [b, n]) => (m === n ? (a < b ? -1 : 1) : m > n ? -1 : 1));
  const kept = byUse.slice(0, MAX_NAMES - reachable.length).map(([name]) => name);
  return [...kept.sort(), ...reachable];
}

/**
 * The name as a certificate has it; undefined for the root, wildcards, escapes, and octets other than letters, digits, hyphens and
 * underscores, which NS records have and OpenSSL accepts.
 */
export function certifiableName(name: string): string | undefined {
  const text = name.toLowerCase().replace(/\.$/, '');
  if (text.length === 0 || text.length > MAX_LENGTH || isAddress(text)) return undefined;
  return text.split('.').every((label) => LABEL.test(label)) ? text : undefined;
}

/**
 * Whether a name in a certificate is an address: of those only IPv6 addresses have colons. Measured: isIPv6() takes 5 ms when it is
 * first called.
 */
export function isAddress(name: string): boolean {
  return name.includes(':') || isIPv4(name);
}

/** Nobody connects to `0.0.0.0` or `::`, and zone indexes (`fe80::1%eth0`) mean nothing elsewhere. */
function isReachable(address: string): boolean {
  return isIP(address) !== 0 && !address.includes('%') && !['0.0.0.0', '::'].includes(shortestAddress(address));
}
