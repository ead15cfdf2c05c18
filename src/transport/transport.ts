/**
 * The transports as the server sees them: the same interfaces for one thread with node:dgram and node:net, and for the threads of
 * a data plane.
 */

import type { Socket as DatagramSocket } from 'node:dgram';
import type { Socket } from 'node:net';
import type { TLSSocket, TLSSocketOptions } from 'node:tls';
import type { Facts, Outcome, UpgradeBit } from '../answer/facts.js';
import type { HandOff } from '../answer/hand-off/hand-off.js';
import type { Responder } from '../answer/respond.js';
import type { Catalog } from '../image/catalog.js';
import type { Clock } from '../session/clock.js';
import type { Connection } from '../session/connection.js';
import type { SessionManager } from '../session/manager.js';
import type { SessionPath } from '../session/session-end.js';

/** An address to listen on. Port 0 stands for one that is free. */
export interface Endpoint {
  /** An IPv4 or IPv6 address, without brackets. */
  readonly address: string;
  readonly port: number;
}

/** Events outside of respond() and of sessions, which the server counts. */
export const TransportEvent = {
  /** A datagram could not be sent or received. */
  UDP_ERROR: 0,
  /** A connection was closed at once: too many in all, or of its client. */
  TCP_REFUSED: 1,
  /** A connection broke: reset, or an error of the socket. */
  TCP_ERROR: 2,
  /** A call of recvmmsg that brought datagrams, up to 64 of them; never with node:dgram. */
  UDP_BATCH: 3,
  /** Faults of the TLS engine (EngineFault): a call that it refused, octets that a turn left, a callback that failed. */
  TLS_CALL_REFUSED: 4,
  TLS_OCTETS_LEFT: 5,
  TLS_CALLBACK_FAILED: 6,
} as const;
export type TransportEvent = (typeof TransportEvent)[keyof typeof TransportEvent];

/** Certificates and keys as a transport sees them. */
export interface TlsOffer {
  /** Whether the options depend on the name that the client has for the server (SNI). It may change. */
  readonly byName: boolean;
  /** Options of a server-side TLSSocket; called for each connection, so that they can change. */
  options(serverName?: string): TLSSocketOptions;
}

/** The parts that every transport needs to answer. */
export interface AnswerContext {
  readonly responder: Responder;
  readonly clock: Clock;
  /**
   * Called after every message, before the records are used again. `asked`, `answered`: octets of the request and of the
   * response; 0 or less: there is none.
   */
  count(facts: Facts, outcome: Outcome, asked: number, answered: number): void;
  event(event: TransportEvent): void;
  /** Where requests go that the responder hands off. */
  readonly handOff: HandOff;
  /** The fixture between us and the network; undefined in production. */
  readonly intercept?: Interception | undefined;
}

/** Sends answers on a datagram socket. */
export interface DatagramSender {
  /** `sent` is called once, when the octets may be reused. */
  send(
    octets: Uint8Array,
    at: number,
    length: number,
    port: number,
    address: string,
    sent: (error: Error | null) => void,
  ): void;
}

/** A connection as an interception sees it. */
export interface OpenConnection extends Connection {
  /** As startTls of any connection; `options` replace those of the offer of TLS. */
  startTls(octets: Uint8Array, options?: TLSSocketOptions): void;
  /** TLS over it; undefined while there is none. */
  readonly tlsSocket: TLSSocket | undefined;
}

/** Replaces the sender of every socket that is bound, and every connection that is accepted. */
export interface Interception {
  sender(socket: DatagramSocket): DatagramSender;
  /** The connection reads from `socket` and writes to it; `secure`: TLS from the first octet on. */
  connection(connection: OpenConnection, socket: Socket, secure: boolean): Connection;
}

/** The parts that UDP needs besides. */
export interface UdpContext extends AnswerContext {
  /** Octets: the UDP payload limit (RFC 6891 §6.2.5). */
  readonly udpPayload: number;
  /** When UDP responses have the TO bit. */
  readonly udpUpgradeBit: UpgradeBit;
}

interface Agreed {
  readonly version: string;
  readonly cipher: string;
  readonly group: string;
  readonly isDot: boolean;
  readonly isNamed: boolean;
}

/** Counts of facts that only a transport knows of its sessions. */
interface StreamCounts {
  /** Octets of TCP's payload, those of TLS among them, that came and went on a path. */
  octets(path: SessionPath, received: number, sent: number, client: Uint8Array): void;
  /**
   * The parameters of a complete handshake. Version and cipher as OpenSSL calls them: `TLSv1.3`, `TLS_AES_128_GCM_SHA256`; the group as
   * IANA does, or `unknown`; whether ALPN chose `dot`, and whether the client named the server.
   */
  agreed(path: SessionPath, what: Agreed, client: Uint8Array): void;
  /** Seconds of CPU of a turn of a connection, of some turns only: those of a loop of our own. */
  worked(path: SessionPath, seconds: number, client: Uint8Array): void;
  /**
   * The round trip of a connection as the system measured it, and the time from its beginning, or that of its upgrade, until the first
   * answer, in milliseconds; of some only, on a loop of our own.
   */
  roundTrip(path: SessionPath, roundTrip: number, firstAnswer: number, client: Uint8Array): void;
  /** Seconds of CPU of handshakes in OpenSSL, in such a loop. */
  handshakesTook(seconds: number): void;
}

/** The parts that streams need besides. */
export interface StreamContext extends AnswerContext {
  /** The stream sessions of this thread. */
  readonly sessions: SessionManager;
  /** Counts the facts that only a transport knows of its sessions. */
  readonly counts: StreamCounts;
  /** Certificates and keys; undefined where TLS is not served. */
  readonly tls: TlsOffer | undefined;
  /** Milliseconds that our FIN waits for the client's after close_notify; undefined: it does not wait. */
  readonly withholdFin: number | undefined;
  /** Connections that may wait with TCP Fast Open; 0: it is off. */
  readonly fastOpen: number;
  /** The limit on open files of this process; Infinity where it is not known. */
  readonly descriptors: number;
  /** Called when a connection could not be accepted for lack of descriptors, or few of them are left. */
  outOfDescriptors(): void;
  /** Called with a mistake of ours that shows in one connection; the connection is closed. */
  mistake(error: unknown): void;
}

/** For the listeners of a thread that serves all transports. */
export interface TransportContext extends UdpContext, StreamContext {}

/** A bound address that is being served. */
export interface Listener {
  readonly protocol: 'udp' | 'tcp' | 'tls';
  /** With the port that was really bound. */
  readonly endpoint: Endpoint;
  /** Answers from `catalog` from the next message on. */
  publish(catalog: Catalog): void;
  /** Takes nothing new, finishes the work that has begun, and closes. */
  close(): Promise<void>;
  /** Closes a listener that has served nothing, since another address could not be bound. */
  abandon(): Promise<void>;
}
