/** TLS of the client: the handshake over a connected socket, and its outcome (RFC 7858 §3.2, RFC 8310 §9). */
import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect, type SecureVersion, type TLSSocket } from 'node:tls';
import { isNoTls } from '../../wrong-port.js';
import { type ClientClock, systemClock } from '../client-clock.js';
import { onAbort } from '../deadline.js';
import { ClientError, ClientErrorCode, fromSystem, reasonOf, systemCode, timedOut } from '../errors.js';
import { type CertificateInfo, describeCertificate, objection, type Verification } from '../trust/certificate.js';
import { type CloseNotifyObservation, observeCloseNotify } from './close-notify.js';

/**
 * A ticket, to resume a session. Node.js does not know the certificate of a resumed session, so it is kept here. A server that can
 * resume the session is the one that had the certificate.
 */
export interface TlsTicket {
  readonly session: Buffer;
  readonly certificate: X509Certificate | undefined;
  /** How the certificate's chain was verified. */
  readonly verification: Verification;
}

export interface TlsOptions {
  /** Default: none. */
  readonly verification?: Verification;
  /** The server's host name, if known: for SNI, and to be compared with the certificate in place of the address. */
  readonly name?: string;
  /** The ticket of an earlier session with this server. It is not used if that session was verified by other authorities. */
  readonly ticket?: TlsTicket;
  /** Protocols offered by ALPN. Default: `dot`. */
  readonly alpn?: readonly string[];
  /** Default TLSv1.2. */
  readonly minVersion?: SecureVersion;
  /** Default TLSv1.3. */
  readonly maxVersion?: SecureVersion;
}

export interface TlsInfo {
  /** "TLSv1.3" or "TLSv1.2". */
  readonly version: string;
  readonly cipher: string;
  readonly resumed: boolean;
  /** The protocol that the server chose, if any. */
  readonly alpn: string | undefined;
  readonly certificate: CertificateInfo | undefined;
  /** How the server was verified. */
  readonly verified: Verification['kind'];
}

interface Secured {
  readonly socket: TLSSocket;
  readonly info: TlsInfo;
  readonly milliseconds: number;
  /** The ticket for the next session: the newest that came (with TLS 1.3 after the handshake), or the one just used. */
  ticket(): TlsTicket | undefined;
  /** Whether the session ended with a close_notify; undefined if that was not observed. */
  readonly notified: (() => boolean) | undefined;
}

interface SecureOptions {
  readonly timeoutMs: number;
  readonly clock?: ClientClock | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Tells a close_notify from a bare FIN. */
  readonly observeClose?: boolean | undefined;
}

/**
 * Makes a TLS session of a connected socket. `address` is that of the server. Nothing may listen for the socket's data.
 * Rejects with CLIENT_HANDSHAKE, CLIENT_CERTIFICATE, CLIENT_TIMED_OUT, CLIENT_RESET or CLIENT_CLOSED, the socket destroyed.
 */
export function secure(
  raw: Socket,
  options: TlsOptions,
  address: string,
  about: string,
  { timeoutMs, clock = systemClock, signal, observeClose }: SecureOptions,
): Promise<Secured> {
  const verification = options.verification ?? { kind: 'none' };
  return new Promise((resolve, reject) => {
    const began = clock.elapsed();
    const observation: CloseNotifyObservation | undefined = observeClose ? observeCloseNotify(raw) : undefined;
    const socket = started(observation?.duplex ?? raw, options, verification, about);
    const unlisten = onAbort(signal, about, (error) => fail(error));
    const done = (): void => {
      stop();
      unlisten();
    };
    const fail = (error: ClientError): void => {
      done();
      reject(error);
      socket.destroy();
      raw.destroy();
    };
    // STARTTLS has read something before.
    const isSilent = (): boolean => raw.bytesRead === 0;
    const stop = clock.after(timeoutMs, () =>
      fail(timedOut(about, 'handshake', timeoutMs, isSilent() ? SILENT_PORT : '')),
    );
    let session: Buffer | undefined;
    socket.on('session', (newest) => {
      session = newest;
    });
    const broken = (error: Error): void => fail(handshakeError(error, about, isSilent()));
    const ended = (): void => fail(handshakeError(undefined, about, isSilent()));
    // The error listeners stay: without one, an error before the session listens would end the process.
    socket.on('error', broken);
    socket.once('close', ended);
    raw.on('error', broken);
    socket.once('secureConnect', () => {
      done();
      try {
        const { info, certificate } = accepted(socket, options, verification, address, about);
        // A server need not send a new ticket when it takes an old one.
        const old = info.resumed ? options.ticket : undefined;
        const ticket = (): TlsTicket | undefined =>
          session === undefined ? old : { session, certificate, verification };
        const milliseconds = clock.elapsed() - began;
        resolve({ socket, info, milliseconds, ticket, notified: observation?.notified(socket) });
        socket.off('close', ended);
      } catch (error) {
        // A certificate's content comes from a stranger: an exception that it causes means no more than a failed handshake.
        fail(error instanceof ClientError ? error : unacceptable(about, 'it cannot be judged', error));
      }
    });
  });
}

/** Describes the session after the handshake. Throws CLIENT_CERTIFICATE when the certificate is not acceptable. */
function accepted(
  socket: TLSSocket,
  { ticket, name }: TlsOptions,
  verification: Verification,
  address: string,
  about: string,
): { info: TlsInfo; certificate: X509Certificate | undefined } {
  const resumed = socket.isSessionReused();
  const certificate = resumed ? ticket?.certificate : socket.getPeerX509Certificate();
  const chainError = socket.authorized ? undefined : String(socket.authorizationError);
  const reason = objection(verification, certificate, chainError, name ?? address);
  if (reason !== undefined) throw unacceptable(about, reason);
  const info: TlsInfo = {
    version: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher().standardName,
    resumed,
    alpn: socket.alpnProtocol || undefined,
    certificate: certificate === undefined ? undefined : describeCertificate(certificate),
    verified: verification.kind,
  };
  return { info, certificate };
}

function unacceptable(about: string, reason: string, cause?: unknown): ClientError {
  const message = `${about}: the certificate is not acceptable: ${reason}`;
  return new ClientError(ClientErrorCode.CERTIFICATE, message, { step: 'handshake', cause });
}

/** Sends the ClientHello. Throws CLIENT_INPUT when node:tls refuses the options. */
function started(raw: Duplex, options: TlsOptions, verification: Verification, about: string): TLSSocket {
  try {
    return connect({
      socket: raw,
      // The certificate is judged after the handshake, alike for new and resumed sessions. No query is sent before.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      ALPNProtocols: [...(options.alpn ?? ['dot'])],
      minVersion: options.minVersion ?? 'TLSv1.2',
      maxVersion: options.maxVersion ?? 'TLSv1.3',
      ...(verification.kind === 'ca' && verification.ca !== undefined && { ca: verification.ca }),
      ...(options.name !== undefined && { servername: options.name }),
      ...(usable(options.ticket, verification) && { session: options.ticket?.session }),
    });
  } catch (error) {
    raw.destroy();
    const message = `${about}: TLS cannot be started: ${reasonOf(error)}`;
    throw new ClientError(ClientErrorCode.INPUT, message, { cause: error });
  }
}

/** A resumed session is not verified again: the first one must have been verified by the same authorities. */
function usable(ticket: TlsTicket | undefined, verification: Verification): boolean {
  if (ticket === undefined || verification.kind !== 'ca') return ticket !== undefined;
  const before = ticket.verification;
  return before.kind === 'ca' && String(before.ca) === String(verification.ca);
}

const DOUBT = '; is there TLS on this port?';
const SILENT_PORT = `${DOUBT} A nameserver without it waits for more`;

/** `isSilent`: the server has sent nothing. The error of a handshake as a ClientError; undefined: the connection was closed. */
function handshakeError(error: Error | undefined, about: string, isSilent: boolean): ClientError {
  const code = systemCode(error);
  // Node.js says so when a FIN comes in the handshake.
  const closed = error === undefined || /socket disconnected before secure TLS/.test(error.message);
  if (closed) {
    const hint = isSilent ? DOUBT : '';
    const message = `${about}: the server closed the connection in the TLS handshake${hint}`;
    return new ClientError(ClientErrorCode.CLOSED, message, { step: 'handshake' });
  }
  if (code.startsWith('ERR_SSL') || code === 'EPROTO' || code.startsWith('ERR_TLS')) {
    const reason = 'reason' in error && typeof error.reason === 'string' ? error.reason : error.message;
    const message = isNoTls(reason)
      ? `${about}: no TLS on this port: what answers is something else (${reason}); TLS is on port 853 as a rule`
      : `${about}: the TLS handshake failed: ${reason}`;
    return new ClientError(ClientErrorCode.HANDSHAKE, message, { cause: error, step: 'handshake' });
  }
  const failure = fromSystem(error, `${about}: in the TLS handshake`, 'handshake');
  if (!isSilent || failure.code !== ClientErrorCode.RESET) return failure;
  return new ClientError(failure.code, `${failure.message}${DOUBT}`, { step: 'handshake', cause: error });
}
