/** The parameters that a handshake agreed on. */
export interface TlsDescription {
  /** As node calls them: `TLSv1.3`, `TLS_AES_128_GCM_SHA256`. */
  readonly version: string;
  readonly cipher: string;
  readonly resumed: boolean;
  /** The group of the key exchange, by IANA's name; `unknown`: there was none. */
  readonly group: string;
  /** The protocol `dot` was chosen by ALPN. */
  readonly isDot: boolean;
  /** TLS 1.3, and the protocol `dot` (RFC 9103 §7.1). */
  readonly isXot: boolean;
  /** The name that the client has for the server; empty if it told none. */
  readonly serverName: string;
  /** Whether it told one. */
  readonly isNamed: boolean;
}
