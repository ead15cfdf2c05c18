/**
 * The two preallocated records around respond(): facts that a transport gives, and the outcome. One pair per worker.
 * Hot file: integers and preallocated octets only, so that a query allocates nothing.
 */
import type { Catalog } from '../image/catalog.js';
import type { HandedReply } from './hand-off/handed-reply.js';
import type { MessageSource } from './transfer/message-source.js';

/** The transport that a message came over. STARTTLS: inside TLS, on a connection that began in plaintext. */
export const Transport = { UDP: 0, TCP: 1, STARTTLS: 2, TLS: 3 } as const;
export type Transport = (typeof Transport)[keyof typeof Transport];

/** Whether messages over this transport are encrypted. The encrypted ones stand last. */
export function isEncrypted(transport: Transport): boolean {
  return transport >= Transport.STARTTLS;
}

/** When the TO bit is set in a response that carries an OPT record (docs/protocol.md "STARTTLS"). */
export const UpgradeBit = {
  /** Never. */
  NEVER: 0,
  /** Only in the answer to STARTTLS/CH/TXT that asked with TO. */
  DUMMY: 1,
  /** In answers to queries that had TO. */
  IF_ASKED: 2,
  /** In every response with OPT. */
  ALWAYS: 3,
} as const;
export type UpgradeBit = (typeof UpgradeBit)[keyof typeof UpgradeBit];

/** When answers inside TLS are padded (RFC 7830, RFC 8467). */
export const Padding = { NEVER: 0, IF_ASKED: 1, IF_EDNS: 2 } as const;
export type Padding = (typeof Padding)[keyof typeof Padding];

/** Everything about a query that is not in its octets. */
export interface Facts {
  transport: Transport;
  /** Seconds since 1970. */
  now: number;
  /** Octets: the configured UDP payload limit (RFC 6891 §6.2.5); ignored on streams, where it is 65,535. */
  payloadLimit: number;
  /** The session's idle timeout in units of 100 ms, for edns-tcp-keepalive (RFC 7828); ignored on UDP. */
  keepalive: number;
  /** Ignored outside TLS. */
  padding: Padding;
  upgradeBit: UpgradeBit;
  /** 1 when a ClientHello would be accepted next on this connection; STARTTLS/CH/TXT answers by it. */
  upgradeOnOffer: number;
  /** Address of the client: 4 or 16 octets. */
  readonly client: Uint8Array;
  clientLength: number;
  /** The client's port, for logs. */
  clientPort: number;
  /** The zones to answer from; replaced between two messages, never within one. */
  catalog: Catalog;
  /** Whether the connection is one for transfers inside TLS (RFC 9103 §7.1): TLS 1.3, ALPN `dot`, on a port for TLS. */
  xot: boolean;
  /** The certificate that the client has shown, DER, once it was verified; undefined: none. */
  certificate: Uint8Array | undefined;
  /** The reply to this request, after it was handed off; undefined for a request that has just come. */
  reply: HandedReply | undefined;
  /** Milliseconds that it has waited for its reply. */
  waited: number;
}

/** Kinds of answers; counters are indexed by them. */
export const Kind = {
  /** Positive, or the end of a chain that left the zone. */
  ANSWER: 0,
  NODATA: 1,
  NXDOMAIN: 2,
  REFERRAL: 3,
  /** A zone or class that is not served, or not to this client or over this transport. */
  REFUSED: 4,
  /** FORMERR, NOTIMP, BADVERS, NOTAUTH, BADCOOKIE. */
  ERROR: 5,
  /** SERVFAIL: the zone could not be loaded. */
  FAILED: 6,
  /** Server information in class CH (RFC 4892), STARTTLS/CH/TXT, a cookie without question. */
  SERVER: 7,
  /** No response: shorter than a header, or a response itself. */
  DROPPED: 8,
  YXDOMAIN: 9,
  /** A NOTIFY or UPDATE that was accepted. */
  ACCEPTED: 10,
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

/** The result of respond() for the last message. Rate limits, metrics and logs read it instead of parsing the response. */
export interface Outcome {
  kind: Kind;
  opcode: number;
  /** With the extended bits. */
  rcode: number;
  qtype: number;
  qclass: number;
  /** Number of the zone in the catalog, or -1. */
  zone: number;
  /** 1 when TC was set. */
  truncated: number;
  /** Extended DNS error code, or -1. */
  ede: number;
  /** 1 when the request had an OPT record. */
  edns: number;
  /** 1 when the request had the DO bit. */
  dnssecOk: number;
  /** 1 when the answer named an upgrade: the TO bit, or the text "STARTTLS". */
  upgrade: number;
  /** 1 when the answer was made by a wildcard. */
  wildcard: number;
  /**
   * Reference in the zone's image of the node at which the search for QNAME ended: QNAME's own, the cut, the DNAME's owner
   * or the closest encloser; 0 when no zone was searched.
   */
  node: number;
  /** 1 when the request had a valid server cookie: its source address is not forged. */
  cookie: number;
  /** 1 when the request had a valid TSIG record, and the response is signed. */
  signed: number;
  /** Octets from the response's start to its OPT record; 0: it has none. */
  optAt: number;
  /** Octets that the padding option adds to the response; 0: it has none. */
  padding: number;
  limited: Limited;
  /** The messages behind this response, of a transfer that has several; undefined: there are none. */
  rest: MessageSource | undefined;
}

/** The rate limit's decision about a response. */
export const Limited = {
  /** Nothing. */
  NONE: 0,
  /** It was not sent. */
  DROPPED: 1,
  /** It was sent with TC and without data; an error is sent unchanged. */
  SLIPPED: 2,
  /** It was sent unchanged because of `mode: log`; otherwise it would have been limited. */
  LOGGED: 3,
} as const;
export type Limited = (typeof Limited)[keyof typeof Limited];

/** An outcome record for a responder. */
export function createOutcome(): Outcome {
  return {
    kind: Kind.DROPPED,
    opcode: 0,
    rcode: 0,
    qtype: 0,
    qclass: 0,
    zone: -1,
    truncated: 0,
    ede: -1,
    edns: 0,
    dnssecOk: 0,
    upgrade: 0,
    wildcard: 0,
    node: 0,
    cookie: 0,
    signed: 0,
    optAt: 0,
    padding: 0,
    limited: Limited.NONE,
    rest: undefined,
  };
}

/** Makes the record ready for the next message: as createOutcome() made it. */
export function resetOutcome(outcome: Outcome): void {
  outcome.kind = Kind.DROPPED;
  outcome.opcode = 0;
  outcome.rcode = 0;
  outcome.qtype = 0;
  outcome.qclass = 0;
  outcome.zone = -1;
  outcome.truncated = 0;
  outcome.ede = -1;
  outcome.edns = 0;
  outcome.dnssecOk = 0;
  outcome.upgrade = 0;
  outcome.wildcard = 0;
  outcome.node = 0;
  outcome.cookie = 0;
  outcome.signed = 0;
  outcome.optAt = 0;
  outcome.padding = 0;
  outcome.limited = Limited.NONE;
  outcome.rest = undefined;
}

/** Facts of a UDP query from 0.0.0.0 with the default limits, to be filled in by a transport. */
export function createFacts(catalog: Catalog): Facts {
  return {
    transport: Transport.UDP,
    now: 0,
    payloadLimit: 1232,
    keepalive: 0,
    padding: Padding.IF_EDNS,
    upgradeBit: UpgradeBit.NEVER,
    upgradeOnOffer: 0,
    client: new Uint8Array(16),
    clientLength: 4,
    clientPort: 0,
    catalog,
    xot: false,
    certificate: undefined,
    reply: undefined,
    waited: 0,
  };
}
