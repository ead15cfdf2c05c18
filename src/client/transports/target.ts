/** A server, as a query is to find it: where its transports are, and who it has to be. */
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
  /** An IP address; or a host name, which the system resolves, in its own way and without our privacy. */
  readonly address: string;
  /** For UDP, TCP and STARTTLS. Default 53. */
  readonly port?: number;
  /** For TLS. Default 853. */
  readonly tlsPort?: number;
  /** Its name, for SNI and for certificates. Default: `address`, where that is a name. */
  readonly name?: string;
  /** Pre-deployed: its credentials. Default: those of the client. */
  readonly verification?: Verification;
}

/** Programs hand over what they know of a server, be it more. */
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
  // Judged before anything is looked up.
  const name = nameOf(server);
  const located = locate({ address: server.address, port }, 'udp');
  const { address } = (await within(located, deadline, server.address, 'connect')).server;
  return { address, ports: { udp: port, tcp: port, starttls: port, tls: tlsPort }, name, verification };
}

/** For SNI and certificates; undefined: there is an address only. Throws CLIENT_INPUT. */
function nameOf({ address, name }: ClientServer): string | undefined {
  if (name !== undefined) return hostName(name, 'server.name');
  return isIP(address) === 0 ? hostName(address, 'server.address') : undefined;
}
