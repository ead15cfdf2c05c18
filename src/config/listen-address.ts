/** Addresses that the server listens on: which are possible, and which exclude each other. */
import { isIP, isIPv6, SocketAddress } from 'node:net';
import * as z from 'zod/mini';
import { DOT_PORT } from '../protocol/iana.js';

/** Addresses of several hosts: 224.0.0.0/4, ff00::/8, and the broadcast address. A net.BlockList takes 3 ms to load (measured). */
const MULTICAST = /^(?:2(?:2[4-9]|3[0-9])\.|255\.255\.255\.255$|ff[0-9a-f]{2}:)/;
/** fe80::/10. */
const LINK_LOCAL = /^fe[89ab][0-9a-f]:/;

/** An address. IPv6 addresses take the form of RFC 5952, so that `0::0` is treated like `::`. */
export const address = z.string().check(
  z.refine((text) => isIP(text) !== 0, { error: 'expected an IPv4 or IPv6 address', abort: true }),
  z.overwrite(shortest),
  z.refine((text) => !/^::ffff:[0-9]+\./.test(text), { error: 'expected the IPv4 address in it', abort: true }),
  z.refine((text) => !MULTICAST.test(text), { error: 'expected an address of one host, no multicast or broadcast' }),
  // Every interface has link-local addresses (RFC 4007 §6): without its interface, one is ambiguous.
  z.refine((text) => text.includes('%') || !LINK_LOCAL.test(text), {
    error: 'expected its network interface as well, as in "fe80::1%eth0"',
  }),
);

/** The form of RFC 5952, followed by the zone: `%eth0`. */
function shortest(text: string): string {
  if (!text.includes(':')) return text;
  const [plain = '', zone] = text.split('%');
  const { address } = new SocketAddress({ address: plain, family: 'ipv6' });
  return zone === undefined ? address : `${address}%${zone}`;
}

function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

/** Whether two addresses cannot share a port: they are equal, or one is the wildcard of their family. */
function overlap(a: string, b: string): boolean {
  const [one, other] = [shortest(a), shortest(b)];
  if (isIP(one) !== isIP(other)) return false;
  return one === other || isWildcard(one) || isWildcard(other);
}

/** The addresses and ports of a configuration. */
interface Listening {
  readonly listen: readonly string[];
  readonly port: number;
  /** 0: TLS is off. */
  readonly tlsPort: number;
  /** Endpoint of `metrics.listen`; undefined: metrics are off. */
  readonly metrics: { readonly address: string; readonly port: number } | undefined;
}

/** The path of a key, and the expectation that it does not meet. */
interface ListenMistake {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/**
 * Addresses and ports that exclude each other. The system does not report all of them: threads share ports (SO_REUSEPORT). If `port`
 * and `tls_port` were the same, half of the TLS clients would reach a listener for plaintext, which RFC 7858 §3.1 rules out.
 */
export function listenMistakes({ listen, port, tlsPort, metrics }: Listening): ListenMistake[] {
  const mistakes: ListenMistake[] = [];
  listen.forEach((address, index) => {
    const wide = listen.find((other) => other !== address && isWildcard(other) && isIP(other) === isIP(address));
    if (wide === undefined) return;
    mistakes.push({
      path: ['listen', index],
      message: `expected no other ${isIPv6(address) ? 'IPv6' : 'IPv4'} address beside "${wide}", which stands for all`,
    });
  });
  if (tlsPort !== 0 && tlsPort === port) {
    // The key that is reported has to be in the file: the other one may be the default.
    const [key, other] = tlsPort === DOT_PORT ? ['port', 'tls_port'] : ['tls_port', 'port'];
    const message = `expected another port than \`${other}\`: DNS over TLS needs one of its own`;
    mistakes.push({ path: [key], message });
  }
  if (metrics === undefined || metrics.port === 0 || !listen.some((address) => overlap(address, metrics.address))) {
    return mistakes;
  }
  const key = metrics.port === port ? 'port' : metrics.port === tlsPort ? 'tls_port' : undefined;
  if (key !== undefined) {
    mistakes.push({
      path: ['metrics', 'listen'],
      message: `expected another port than \`${key}\`, or another address`,
    });
  }
  return mistakes;
}

/** An address with its port; `key`: where the port stands in the configuration. */
interface Listener {
  readonly address: string;
  readonly port: number;
  readonly key?: string;
}

/** Those of `listeners` that cannot share their port with one of `others`, or with one before them in the list. */
export function listenersMistakes(
  listeners: readonly Listener[],
  others: readonly Listener[],
): { readonly index: number; readonly message: string }[] {
  const taken = [...others];
  return listeners.flatMap((listener, index) => {
    const { address, port } = listener;
    const other = taken.find((one) => one.port === port && port !== 0 && overlap(one.address, address));
    taken.push(listener);
    if (other === undefined) return [];
    const which = other.key === undefined ? 'each address and port once' : `another port than \`${other.key}\``;
    return [{ index, message: `expected ${which}, or another address` }];
  });
}
