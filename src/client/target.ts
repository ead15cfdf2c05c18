/** A server, as a query is to find it: where its transports are, and who it has to be. */
import { isIP } from 'node:net';
import type { Verification } from './certificate.js';
import { locate } from './connect.js';
import { type Deadline, within } from './deadline.js';
import { ClientError, ClientErrorCode } from './errors.js';
import type { TriedTransport } from './ladder.js';
import { type Settings, verificationFor } from './settings.js';

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
  for (const one of [port, tlsPort]) {
    if (!Number.isInteger(one) || one < 1 || one > 65_535)
      throw new ClientError(ClientErrorCode.INPUT, `${server.address}: found port ${one}, expected 1 to 65535`);
  }
  const located = locate({ address: server.address, port }, 'udp');
  const { address } = (await within(located, deadline, server.address, 'connect')).server;
  const name = server.name ?? (isIP(server.address) === 0 ? server.address.replace(/\.$/, '') : undefined);
  return { address, ports: { udp: port, tcp: port, starttls: port, tls: tlsPort }, name, verification };
}
