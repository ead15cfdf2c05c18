/** Addresses that the server listens on: which can be, and which stand in each other's way. */
import { BlockList, isIP, isIPv6, SocketAddress } from 'node:net';
import * as z from 'zod';

const multicast = new BlockList();
multicast.addSubnet('224.0.0.0', 4, 'ipv4');
multicast.addAddress('255.255.255.255', 'ipv4');
multicast.addSubnet('ff00::', 8, 'ipv6');
const linkLocal = new BlockList();
linkLocal.addSubnet('fe80::', 10, 'ipv6');

function isIn(list: BlockList, text: string): boolean {
  return list.check(text.replace(/%.*/, ''), isIPv6(text) ? 'ipv6' : 'ipv4');
}

/** IPv6 addresses as the system spells them: what is done for `::` is done for `0::0` too. */
export const address = z
  .string()
  .refine((text) => isIP(text) !== 0, { error: 'expected an IPv4 or IPv6 address', abort: true })
  .overwrite(shortest)
  .refine((text) => !/^::ffff:[0-9]+\./.test(text), { error: 'expected the IPv4 address in it', abort: true })
  .refine((text) => !isIn(multicast, text), { error: 'expected an address of one host, no multicast or broadcast' })
  // RFC 4007 §6: every network interface has such addresses, so that one alone says too little.
  .refine((text) => text.includes('%') || !isIn(linkLocal, text), {
    error: 'expected its network interface as well, as in "fe80::1%eth0"',
  });

/** RFC 5952; with its zone, `%eth0`. */
function shortest(text: string): string {
  if (!text.includes(':')) return text;
  const [plain = '', zone] = text.split('%');
  const { address } = new SocketAddress({ address: plain, family: 'ipv6' });
  return zone === undefined ? address : `${address}%${zone}`;
}

function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

/** Whether no port can be had on both: they are one, or one stands for all of their family. */
function overlap(a: string, b: string): boolean {
  const [one, other] = [shortest(a), shortest(b)];
  if (isIP(one) !== isIP(other)) return false;
  return one === other || isWildcard(one) || isWildcard(other);
}

/** RFC 7858 §3.1. */
export const DNS_OVER_TLS = 853;

/** What of a configuration says where is listened. */
interface Listening {
  readonly listen: readonly string[];
  readonly port: number;
  /** 0: TLS is not served. */
  readonly tlsPort: number;
  /** Of `metrics.listen`; undefined: nowhere. */
  readonly metrics: { readonly address: string; readonly port: number } | undefined;
}

/** A key, and what was expected of it. */
interface ListenMistake {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/**
 * Addresses and ports of the server that are in its own way. The system does not tell of all: threads share ports (SO_REUSEPORT),
 * so that with one port for both, every other TLS client would get to where DNS is spoken in cleartext, which RFC 7858 §3.1 rules
 * out.
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
    // Reported where it is written: a port that is the default may not be.
    const [key, other] = tlsPort === DNS_OVER_TLS ? ['port', 'tls_port'] : ['tls_port', 'port'];
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
