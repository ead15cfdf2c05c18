/** The server of a query: the ports of its transports, and its credentials. */
import { isIP } from 'node:net';
import { type Settings, verificationFor } from '../client-settings.js';
import { type Deadline, within } from '../deadline.js';
import { ClientError, ClientErrorCode } from '../errors.js';
import { locate } from '../session/connect.js';
import { type Verification, validateVerification } from '../trust/certificate.js';
import { hostName } from '../trust/host-name.js';
import { objectOf, port, someText } from '../validation.js';
import type { TriedTransport } from './transport-plan.js';

/** A server that can be asked. */
export interface ClientServer {
  /** An IP address; or a host name, which the system resolves (without the privacy of this client). */
  readonly address: string;
  /** For UDP, TCP and STARTTLS. Default 53. */
  readonly port?: number;
  /** For TLS. Default 853. */
  readonly tlsPort?: number;
  /** The server's name, for SNI and for certificates. Default: `address`, if that is a name. */
  readonly name?: string;
  /** Pre-deployed: the server's credentials. Default: those of the client. */
  readonly verification?: Verification;
}

/** Other keys are allowed: programs may give objects that describe a server in other ways too. */
export const validateServer = objectOf<ClientServer>(
  { address: someText, port, tlsPort: port, name: someText, verification: validateVerification },
  ['address'],
  true,
);

export interface Target {
  /** An IP address. */
  readonly address: string;
  readonly ports: Readonly<Record<TriedTransport, number>>;
  readonly name: string | undefined;
  readonly verification: Verification;
}

/** Rejects with CLIENT_INPUT, or with CLIENT_UNREACHABLE when its host name has no address. */
export async function targetOf(
  given: ClientServer | string,
  { profile, verification: common }: Settings,
  deadline: Deadline,
): Promise<Target> {
  const server: ClientServer = typeof given === 'string' ? { address: given } : given;
  const verification = verificationFor(profile, server.verification ?? common);
  if (profile === 'pre-deployed' && verification.kind === 'none') {
    const message = `${server.address}: the pre-deployed profile needs credentials: pins, TLSA records or an authority`;
    throw new ClientError(ClientErrorCode.INPUT, message);
  }
  const { port = 53, tlsPort = 853 } = server;
  // The name is validated before anything is looked up.
  const name = nameOf(server);
  const located = locate({ address: server.address, port }, 'udp');
  const { address } = (await within(located, deadline, server.address, 'connect')).server;
  return { address, ports: { udp: port, tcp: port, starttls: port, tls: tlsPort }, name, verification };
}

/** The name for SNI and certificates; undefined if only an address is known. Throws CLIENT_INPUT. */
function nameOf({ address, name }: ClientServer): string | undefined {
  if (name !== undefined) return hostName(name, 'server.name');
  return isIP(address) === 0 ? hostName(address, 'server.address') : undefined;
}
