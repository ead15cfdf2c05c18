/** The system's reason why an address cannot be listened on, as one line with a remedy. */
import { AdotdError, codeOf, ErrorCode, messageOf } from '../errors.js';
import { endpointText } from './address.js';
import type { Endpoint } from './transport.js';

/** The options by which an operator chooses another port or address. */
interface ListenRemedy {
  readonly port: string;
  readonly address: string;
}

const SERVED: ListenRemedy = { port: '--port or `port`', address: '--listen or `listen`' };

/** The coded error (ADOTD_LISTEN) for an error of `bind` or `listen`. */
export function listenError(
  protocol: 'udp' | 'tcp' | 'tls' | 'http',
  endpoint: Endpoint,
  cause: unknown,
  remedy: ListenRemedy = SERVED,
): AdotdError {
  const where = `${protocol.toUpperCase()} ${endpointText(endpoint.address, endpoint.port)}`;
  return new AdotdError(ErrorCode.LISTEN, `cannot listen on ${where}: ${reason(endpoint, cause, remedy)}`, { cause });
}

function reason(endpoint: Endpoint, cause: unknown, remedy: ListenRemedy): string {
  const code = codeOf(cause);
  switch (code) {
    case 'EADDRINUSE':
      return `another program uses this port (${code}); stop it, or choose another port with ${remedy.port}`;
    case 'EACCES':
    case 'EPERM':
      return `not permitted (${code}); ports below 1024 need root or CAP_NET_BIND_SERVICE: choose another with ${remedy.port}, or run \`setcap cap_net_bind_service=+ep\` on the node binary`;
    case 'EADDRNOTAVAIL':
      return `no network interface has the address ${endpoint.address} (${code}); choose another with ${remedy.address}`;
    case 'EAFNOSUPPORT':
      return `this machine has no ${endpoint.address.includes(':') ? 'IPv6' : 'IPv4'} (${code}); choose other addresses with ${remedy.address}`;
    case 'EINVAL':
      return `the system takes no such address (${code}); choose another with ${remedy.address}`;
    case 'EMFILE':
    case 'ENFILE':
      return `too many open files (${code}); raise the limit (ulimit -n)`;
    default:
      return messageOf(cause);
  }
}
