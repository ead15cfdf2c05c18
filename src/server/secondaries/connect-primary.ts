/** Opens a connection to a primary: TCP, or TLS over it (RFC 9103). */
import type { X509Certificate } from 'node:crypto';
import { connect as connectSocket, isIP, isIPv6, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { messageOf, systemReason } from '../../errors.js';
import type { Clock } from '../../session/clock.js';
import { pinOf } from '../../tls/pin.js';
import { TransferError, TransferFault } from '../../transfer/in/transfer-error.js';
import { isNoTls } from '../../wrong-port.js';
import type { PrimarySettings, PrimaryTls } from './primary-settings.js';

/** ALPN of DNS over TLS, which XoT uses too (RFC 9103 §7.1). */
const DOT = 'dot';
/** Milliseconds for the connection and the handshake. As long as peers wait. A guess. */
const CONNECT_TIME = 10_000;

const NO_TLS = 'this may be a port without TLS';
const REMEDY = 'set `tls.port` of the remote (853 as a rule), or leave `tls` out to ask in cleartext';

/** `[2001:db8::1]:853`, for messages. */
export function placeOf(address: string, port: number): string {
  return `${isIPv6(address) ? `[${address}]` : address}:${port}`;
}

function failure(place: string, reason: string, cause?: unknown): TransferError {
  return new TransferError(TransferFault.CONNECTION, `${place}: ${reason}`, undefined, { cause });
}

/** Connects to one address. Rejects with a TransferError whose message names the address. */
export function connectPrimary(settings: PrimarySettings, address: string, clock: Clock): Promise<Duplex> {
  const { port, sources, tls } = settings;
  const place = placeOf(address, port);
  return new Promise((resolve, reject) => {
    const source = sources.find((one) => isIP(one) === isIP(address));
    const local = source === undefined ? {} : { localAddress: source };
    const raw = connectSocket({ host: address, port, noDelay: true, ...local });
    const timer = clock.timer(() => {
      const isOpen = tls !== undefined && !raw.connecting;
      const what = isOpen ? 'TLS handshake' : 'connection';
      const hint = isOpen && raw.bytesRead === 0 ? `; ${NO_TLS}, whose nameserver waits for more` : '';
      fail(`no ${what} within ${CONNECT_TIME / 1000} s${hint}`);
    });
    const fail = (reason: string, cause?: unknown): void => {
      timer.clear();
      raw.destroy();
      reject(failure(place, reason, cause));
    };
    const broken = (error: Error): void => fail(`${systemReason(error)}${sourceHint(error, source)}`, error);
    const opened = (socket: Duplex): void => {
      timer.clear();
      raw.off('error', broken);
      resolve(socket);
    };
    timer.set(CONNECT_TIME);
    raw.on('error', broken);
    raw.once('connect', () => {
      if (tls === undefined) opened(raw);
      else secure(raw, tls, address, opened, fail);
    });
  });
}

/** Reasons for which a connection cannot come from an address: it is not one of this machine, or leads nowhere else. */
const WRONG_SOURCE: readonly string[] = ['EADDRNOTAVAIL', 'EINVAL', 'ENETUNREACH', 'EHOSTUNREACH'];

function sourceHint(error: Error, source: string | undefined): string {
  const code = 'code' in error ? String(error.code) : '';
  return source === undefined || !WRONG_SOURCE.includes(code) ? '' : ` from ${source}: look at the remote's \`source\``;
}

function secure(
  raw: Socket,
  tls: PrimaryTls,
  address: string,
  opened: (socket: Duplex) => void,
  fail: (reason: string, cause?: unknown) => void,
): void {
  let socket: TLSSocket;
  try {
    socket = connectTls({
      socket: raw,
      // Judged below, so that one message names the fault. No question is sent before.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      ALPNProtocols: [DOT],
      // RFC 9103 §7.2.
      minVersion: 'TLSv1.3',
      ...(tls.ca !== undefined && { ca: tls.ca }),
      ...(tls.name !== undefined && { servername: tls.name }),
      ...tls.certificate,
    });
  } catch (error) {
    fail(`TLS cannot be started: ${messageOf(error)}`, error);
    return;
  }
  const broken = (error: Error): void => {
    const reason = reasonOf(error);
    const isClosed = raw.bytesRead === 0 && /disconnected before secure TLS|reset/.test(reason);
    if (isClosed) ended();
    else if (isNoTls(reason)) fail(`no TLS on this port: what answers is something else (${reason}); ${REMEDY}`, error);
    else fail(`the TLS handshake failed: ${reason}`, error);
  };
  const ended = (): void => {
    const hint = raw.bytesRead === 0 ? `; ${NO_TLS}: ${REMEDY}` : '';
    fail(`the primary closed the connection in the TLS handshake${hint}`);
  };
  socket.once('error', broken);
  socket.once('close', ended);
  socket.once('secureConnect', () => {
    socket.off('error', broken);
    socket.off('close', ended);
    const objection = objectionTo(socket, tls, address);
    if (objection === undefined) opened(socket);
    else {
      socket.on('error', () => {});
      socket.destroy();
      fail(objection);
    }
  });
}

function reasonOf(error: Error): string {
  return 'reason' in error && typeof error.reason === 'string' ? error.reason : systemReason(error);
}

/** Why the session must not be used; undefined: it may. */
function objectionTo(socket: TLSSocket, tls: PrimaryTls, address: string): string | undefined {
  if (socket.alpnProtocol !== DOT && !tls.isAlpnOptional)
    return `the primary does not choose the protocol ${DOT} (ALPN), which zone transfers over TLS need; set alpn: optional if it cannot`;
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return 'the primary has shown no certificate';
  try {
    return tls.pins.length > 0
      ? pinObjection(certificate, tls.pins)
      : chainObjection(socket, certificate, tls, address);
  } catch (error) {
    // A certificate comes from a stranger.
    return `the certificate of the primary cannot be judged: ${messageOf(error)}`;
  }
}

function pinObjection(certificate: X509Certificate, pins: readonly string[]): string | undefined {
  const pin = pinOf(certificate.publicKey);
  return pins.includes(pin)
    ? undefined
    : `the certificate of the primary has the pin ${pin}, expected ${pins.join(' or ')}`;
}

function chainObjection(
  socket: TLSSocket,
  certificate: X509Certificate,
  tls: PrimaryTls,
  address: string,
): string | undefined {
  if (!socket.authorized) return `the certificate of the primary is not accepted: ${String(socket.authorizationError)}`;
  const expected = tls.name ?? address;
  // Names in the subject do not count (RFC 8310 §8.1).
  const found =
    isIP(expected) === 0 ? certificate.checkHost(expected, { subject: 'never' }) : certificate.checkIP(expected);
  if (found !== undefined) return undefined;
  return `the certificate of the primary is for ${certificate.subjectAltName ?? 'no name'}, expected ${expected}`;
}
