/** Names that cannot be delegated in the public DNS: a zone with such a name has no DS record there. */
import { labelCount, nameFromText, suffixAt } from './name.js';

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/**
 * RFC 6761 §6 (private addresses, test, localhost, invalid, example), 6762 (local), 7686 (onion), 8375 (home.arpa), 9476 (alt), ICANN's
 * resolution 2024.07.29.06 (internal), and local IPv6 addresses (RFC 6303 §4.4).
 */
const NAMES = [
  ...['test', 'localhost', 'invalid', 'example', 'example.com', 'example.net', 'example.org'],
  ...['local', 'onion', 'home.arpa', 'alt', 'internal'],
  ...['10.in-addr.arpa', '168.192.in-addr.arpa', ...range(16, 31).map((octet) => `${octet}.172.in-addr.arpa`)],
  'd.f.ip6.arpa',
].map((text) => nameFromText(`${text}.`));

/** Whether a name in wire format, in lower case, is one of them or below one. */
export function isSpecialUse(name: Uint8Array): boolean {
  return NAMES.some((special) => suffixAt(name, 0, special, labelCount(special)) >= 0);
}
