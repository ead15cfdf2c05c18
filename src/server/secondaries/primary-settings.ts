/** The settings of a primary, as plain data: they are handed to the transfer thread. */
import type { TsigKey } from '../../protocol/tsig/tsig-key.js';

/** TLS with a primary (RFC 9103). */
export interface PrimaryTls {
  /** Base64 of the SHA-256 of the SubjectPublicKeyInfo; one of them must match. Empty: the chain counts. */
  readonly pins: readonly string[];
  /** Authorities in PEM; undefined: those of node. */
  readonly ca: string | undefined;
  /** The name in the certificate, and for SNI; undefined: the address is expected in it. */
  readonly name: string | undefined;
  /** Our own certificate and its key in PEM, for primaries that ask for one. */
  readonly certificate: { readonly cert: string; readonly key: string } | undefined;
  /** A primary that does not choose the protocol `dot` is accepted: NSD 4.6 knows no ALPN. */
  readonly isAlpnOptional: boolean;
}

export interface PrimarySettings {
  /** Of the remote, as configured. */
  readonly name: string;
  /** Addresses and host names, in the order in which they are tried. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** Signs all questions. */
  readonly key: TsigKey | undefined;
  /** Addresses that connections come from: at most one of each family. */
  readonly sources: readonly string[];
  /** undefined: TCP. With TLS, nothing ever goes out in plaintext (RFC 9103 §7.4). */
  readonly tls: PrimaryTls | undefined;
}

/** Limits of transfers. */
export interface TransferLimits {
  /** Transfers at once in all. */
  readonly max: number;
  /** Connections to one primary. */
  readonly maxPerPeer: number;
  /** Seconds without a message after which a connection is given up. */
  readonly idleTimeout: number;
  /** Seconds that a transfer may take in all. */
  readonly timeout: number;
  /** Octets of one transfer. */
  readonly maxOctets: number;
  /** Seconds between two checks of a zone at least, and at most. */
  readonly minRefresh: number;
  readonly maxRefresh: number;
}
