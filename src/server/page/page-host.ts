/**
 * The check of Host in requests for the page. A stranger's page can lead a browser here by a name of the stranger's that points to this
 * address (DNS rebinding). Such requests have that name as Host, and must not read the names of zones. An address as Host is safe: nobody
 * can point it elsewhere.
 */
import { isIP } from 'node:net';

/** `[2001:db8::53]:9153`, `192.0.2.53`, `ns1.example.net:9153`. */
const HOST = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+))(?::[0-9]{1,5})?$/i;

/** `host`: the field of the request; undefined: it has none, so it comes from no browser. `names`: those that lead here, in lower case. */
export function isKnownHost(host: string | undefined, names: ReadonlySet<string>): boolean {
  if (host === undefined) return true;
  const [, ipv6, other = ''] = HOST.exec(host) ?? [];
  if (ipv6 !== undefined) return isIP(ipv6) === 6;
  const name = other.toLowerCase().replace(/\.$/, '');
  return isIP(name) === 4 || name === 'localhost' || name.endsWith('.localhost') || names.has(name);
}
