/** The name of a server in the form of TLS: for SNI (RFC 6066 §3), and to compare with certificates (RFC 6125 §6.4). */
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { ClientError, ClientErrorCode } from '../errors.js';

/** Letters, digits and hyphens; also underscores, which some host names have although they should not. */
const LABEL = /^[a-z0-9_-]{1,63}$/i;
/** Characters without the final dot (RFC 1035 §2.3.4). */
const MAX_NAME = 253;
/** Characters of a wrong name that its message repeats. */
const SHOWN = 80;

/** `text` without its final dot, and with A-labels if it is not ASCII; undefined if it is no host name. An address is none. */
export function hostNameOf(text: string): string | undefined {
  // domainToASCII() would change names in ASCII too: it makes "127.1" an address.
  const ascii = /^[\0-\x7f]*$/.test(text) ? text : domainToASCII(text);
  const name = ascii.replace(/\.$/, '');
  const fits = name.length <= MAX_NAME && name.split('.').every((label) => LABEL.test(label));
  return fits && isIP(name) === 0 ? name : undefined;
}

/** The same for a name that the caller gave. Throws CLIENT_INPUT; `place` names the option. */
export function hostName(text: string, place: string): string {
  const name = hostNameOf(text);
  if (name !== undefined) return name;
  const message = `${place}: found ${JSON.stringify(text.slice(0, SHOWN))}, expected the host name of a server, no address`;
  throw new ClientError(ClientErrorCode.INPUT, message);
}
