/**
 * What server knows of transports. Here one thread does everything with node:dgram and node:net; a data plane of several
 * threads implements the same interfaces.
 */
import type { Facts, Outcome } from '../answer/facts.js';
import type { Catalog } from '../image/catalog.js';
import type { Clock } from '../session/clock.js';
import type { ConnectionLimits } from '../session/limits.js';
import type { SessionSettings } from '../session/session.js';

/** An address to listen on. Port 0 stands for one that is free. */
export interface Endpoint {
  /** An IPv4 or IPv6 address, without brackets. */
  readonly address: string;
  readonly port: number;
}

/** The part of a responder that transports use. */
export interface Responding {
  respond(
    inBuf: Uint8Array,
    inOff: number,
    inLen: number,
    facts: Facts,
    outBuf: Uint8Array,
    outOff: number,
    outCap: number,
  ): number;
  readonly outcome: Outcome;
}

/** What happened outside of respond(); counted by the server. */
export const TransportEvent = {
  /** A datagram could not be sent or received. */
  UDP_ERROR: 0,
  TCP_ACCEPTED: 1,
  /** A connection was closed at once: too many in all, or of its client. */
  TCP_REFUSED: 2,
  /** A connection broke: reset, or an error of the socket. */
  TCP_ERROR: 3,
  TCP_CLOSED: 4,
} as const;

/** What the listeners of a thread share. */
export interface TransportContext {
  readonly responder: Responding;
  readonly clock: Clock;
  /** Octets: the UDP payload limit (RFC 6891 §6.2.5). */
  readonly udpPayload: number;
  readonly sessions: SessionSettings;
  readonly limits: ConnectionLimits;
  /** Called after every message, before the records are used again. */
  count(facts: Facts, outcome: Outcome): void;
  /** Called with a value of TransportEvent. */
  event(event: number): void;
}

/** A bound address that is being served. */
export interface Listener {
  readonly protocol: 'udp' | 'tcp';
  /** With the port that was really bound. */
  readonly endpoint: Endpoint;
  /** Answers from `catalog` from the next message on. */
  publish(catalog: Catalog): void;
  /** Takes nothing new, finishes what has begun, and closes. */
  close(): Promise<void>;
}

/** Binds an endpoint and serves `catalog` there. Throws ADOTD_LISTEN. */
export type Listen = (endpoint: Endpoint, catalog: Catalog, context: TransportContext) => Promise<Listener>;
