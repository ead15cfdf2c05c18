/** Opens sessions over TCP, STARTTLS and TLS. */
import { lookup } from 'node:dns/promises';
import { connect as connectSocket, isIP, type Socket } from 'node:net';
import { type ClientClock, systemClock } from '../client-clock.js';
import { onAbort } from '../deadline.js';
import { ClientError, ClientErrorCode, fromSystem, timedOut } from '../errors.js';
import { hostName } from '../trust/host-name.js';
import { ClientSession } from './client-session.js';
import { requestUpgrade, type Upgrade, type UpgradeOptions } from './starttls.js';
import { secure, type TlsInfo, type TlsOptions, type TlsTicket } from './tls-connection.js';

export interface ServerAddress {
  /** An address, or a host name, which the system resolves. */
  readonly address: string;
  /** Default 53, for TLS 853. */
  readonly port?: number;
}

export type StreamTransport = 'tcp' | 'starttls' | 'tls';
export type Transport = 'udp' | StreamTransport;

export interface SessionOptions {
  readonly transport: StreamTransport;
  readonly server: ServerAddress;
  /** Milliseconds for each step: connection, upgrade, handshake, each answer. Default 5000. */
  readonly timeoutMs?: number;
  /** Milliseconds until the session is open. Default: only the steps are limited. */
  readonly establishMs?: number | undefined;
  readonly tls?: TlsOptions;
  readonly upgrade?: UpgradeOptions;
  /** TLS and STARTTLS: `session.closedCleanly` tells a close_notify from a bare FIN. Default false. */
  readonly observeClose?: boolean;
  /** Gives up opening. An open session is not affected. */
  readonly signal?: AbortSignal | undefined;
  readonly clock?: ClientClock | undefined;
}

/** Milliseconds of each step that was taken. */
export interface Times {
  readonly connect?: number;
  readonly upgrade?: number;
  readonly handshake?: number;
}

export interface OpenSession {
  readonly session: ClientSession;
  readonly server: Required<ServerAddress>;
  /** Undefined without TLS. */
  readonly tls: TlsInfo | undefined;
  /** Undefined unless the transport is STARTTLS. */
  readonly upgrade: Upgrade | undefined;
  readonly times: Times;
  /** For the next session with this server. */
  ticket(): TlsTicket | undefined;
}

export const DEFAULT_TIMEOUT = 5000;

/** The server's address and port, and its name in messages. Rejects with CLIENT_UNREACHABLE or CLIENT_INPUT. */
export async function locate(
  server: ServerAddress,
  transport: Transport,
): Promise<{ server: Required<ServerAddress>; about: string }> {
  const port = server.port ?? (transport === 'tls' ? 853 : 53);
  const about = `${server.address.includes(':') ? `[${server.address}]` : server.address}:${port} (${transport})`;
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new ClientError(ClientErrorCode.INPUT, `${about}: a port is a number from 1 to 65535`);
  if (isIP(server.address) !== 0) return { server: { address: server.address, port }, about };
  try {
    const { address } = await lookup(server.address);
    return { server: { address, port }, about };
  } catch (error) {
    throw fromSystem(error, about, 'connect');
  }
}

/** Opens a session. Rejects with a ClientError, everything closed. */
export async function openSession(given: SessionOptions): Promise<OpenSession> {
  const options = given.tls?.name === undefined ? given : { ...given, tls: named(given.tls, given.tls.name) };
  const { clock = systemClock, signal } = options;
  const { server, about } = await locate(options.server, options.transport);
  const began = clock.elapsed();
  const limits = (): Limits => {
    const left = (options.establishMs ?? Number.POSITIVE_INFINITY) - (clock.elapsed() - began);
    return { timeoutMs: Math.max(1, Math.min(options.timeoutMs ?? DEFAULT_TIMEOUT, left)), clock, signal };
  };
  const socket = await connected(server, about, limits());
  try {
    return await established(options, socket, server, about, clock.elapsed() - began, limits);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** The options with the host name in the form of TLS. */
function named(tls: TlsOptions, name: string): TlsOptions {
  return { ...tls, name: hostName(name, 'the name of the server') };
}

/** Makes a session of a connected socket. `connect`: milliseconds that the connection took. */
async function established(
  options: SessionOptions,
  socket: Socket,
  server: Required<ServerAddress>,
  about: string,
  connect: number,
  limits: () => Limits,
): Promise<OpenSession> {
  const { clock, observeClose } = options;
  const plain = { server, tls: undefined, upgrade: undefined, times: { connect }, ticket: () => undefined };
  if (options.transport === 'tcp') return { ...plain, session: new ClientSession(socket, false, about, { clock }) };
  const handshake = async () => {
    const secured = await secure(socket, options.tls ?? {}, server.address, about, { ...limits(), observeClose });
    const { notified, info: tls, milliseconds, ticket } = secured;
    return { session: new ClientSession(secured.socket, true, about, { clock, notified }), tls, milliseconds, ticket };
  };
  if (options.transport === 'tls') {
    const { session, tls, milliseconds, ticket } = await handshake();
    return { server, session, tls, upgrade: undefined, times: { connect, handshake: milliseconds }, ticket };
  }
  const first = new ClientSession(socket, false, about, { clock });
  const upgrade = await requestUpgrade(first, options.upgrade ?? {}, about, limits());
  const soFar = { connect, upgrade: upgrade.reply.milliseconds };
  if (!upgrade.offered) {
    first.release();
    return { ...plain, session: first, upgrade, times: soFar };
  }
  // A server that answers with TO set sends nothing more before our ClientHello. Such octets come from somebody else, and
  // none of them may be taken for octets from inside TLS.
  const injected = first.detach();
  if (injected > 0) {
    const message = `${about}: ${injected} octets of plaintext came between the answer with TO and the TLS handshake`;
    throw new ClientError(ClientErrorCode.HANDSHAKE, message, { step: 'handshake' });
  }
  const { session, tls, milliseconds, ticket } = await handshake();
  return { server, session, tls, upgrade, times: { ...soFar, handshake: milliseconds }, ticket };
}

interface Limits {
  readonly timeoutMs: number;
  readonly clock: ClientClock;
  readonly signal: AbortSignal | undefined;
}

function connected(server: Required<ServerAddress>, about: string, limits: Limits): Promise<Socket> {
  const { timeoutMs, clock, signal } = limits;
  return new Promise((resolve, reject) => {
    const unlisten = onAbort(signal, about, (error) => fail(error));
    const socket = connectSocket({ host: server.address, port: server.port, noDelay: true });
    const done = (): void => {
      stop();
      unlisten();
    };
    const fail = (error: Error): void => {
      done();
      socket.destroy();
      reject(fromSystem(error, about, 'connect'));
    };
    const stop = clock.after(timeoutMs, () => fail(timedOut(about, 'connect', timeoutMs)));
    socket.once('error', fail);
    socket.once('connect', () => {
      done();
      socket.off('error', fail);
      resolve(socket);
    });
  });
}
