/** Opens sessions over TCP, STARTTLS and TLS. */
import { lookup } from 'node:dns/promises';
import { connect as connectSocket, isIP, type Socket } from 'node:net';
import { ClientError, ClientErrorCode, fromSystem, timedOut } from './errors.js';
import { ClientSession } from './session.js';
import { requestUpgrade, type Upgrade, type UpgradeOptions } from './starttls.js';
import { secure, type TlsInfo, type TlsOptions, type TlsTicket } from './tls.js';

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
  readonly tls?: TlsOptions;
  readonly upgrade?: UpgradeOptions;
}

/** Milliseconds of the steps that were taken. */
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

/** The server's address and port, and how messages name it. Rejects with CLIENT_UNREACHABLE or CLIENT_INPUT. */
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
export async function openSession(options: SessionOptions): Promise<OpenSession> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT;
  const { server, about } = await locate(options.server, options.transport);
  const began = performance.now();
  const socket = await connected(server, about, timeoutMs);
  const connect = performance.now() - began;
  const plain = { server, tls: undefined, upgrade: undefined, times: { connect }, ticket: () => undefined };
  if (options.transport === 'tcp') return { ...plain, session: new ClientSession(socket, false, about) };
  const handshake = () => secure(socket, options.tls ?? {}, server.address, about, timeoutMs);
  if (options.transport === 'tls') {
    const { socket: tls, info, milliseconds, ticket } = await handshake();
    const times = { connect, handshake: milliseconds };
    return { server, session: new ClientSession(tls, true, about), tls: info, upgrade: undefined, times, ticket };
  }
  const first = new ClientSession(socket, false, about);
  try {
    const upgrade = await requestUpgrade(first, options.upgrade ?? {}, about, timeoutMs);
    const soFar = { connect, upgrade: upgrade.reply.milliseconds };
    if (!upgrade.offered) {
      first.release();
      return { ...plain, session: first, upgrade, times: soFar };
    }
    // Who answers with TO set has nothing to say until our ClientHello: what is there was put in by someone else, and no
    // octet of it may be taken for something that came inside TLS.
    const injected = first.detach();
    if (injected > 0) {
      const message = `${about}: ${injected} octets of plaintext came between the answer with TO and the TLS handshake`;
      throw new ClientError(ClientErrorCode.HANDSHAKE, message, { step: 'handshake' });
    }
    const { socket: tls, info, milliseconds, ticket } = await handshake();
    const times = { ...soFar, handshake: milliseconds };
    return { server, session: new ClientSession(tls, true, about), tls: info, upgrade, times, ticket };
  } catch (error) {
    first.destroy();
    throw error;
  }
}

function connected(server: Required<ServerAddress>, about: string, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket({ host: server.address, port: server.port, noDelay: true });
    const timer = setTimeout(() => {
      socket.destroy();
      reject(timedOut(about, 'connect', timeoutMs));
    }, timeoutMs);
    const failed = (error: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(fromSystem(error, about, 'connect'));
    };
    socket.once('error', failed);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', failed);
      resolve(socket);
    });
  });
}
