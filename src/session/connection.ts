/** What a session does to its connection. */
export interface Connection {
  /** Sends octets; the caller does not change them afterwards. Inside TLS they share no record with those of another call. */
  write(octets: Uint8Array): void;
  /** Octets written that the operating system has not taken yet. */
  readonly unsent: number;
  /** Stops and resumes the delivery of octets of the peer. */
  pause(): void;
  resume(): void;
  /** Begins a TLS handshake with `octets`, the first of it. Octets written from now on go into TLS. */
  startTls(octets: Uint8Array): void;
  /** Calls the session's `drained` when everything written so far is sent. */
  flush(): void;
  /** Closes our direction when everything is sent; inside TLS with close_notify. */
  end(): void;
  /** Closes at once; unsent octets are lost. */
  destroy(): void;
}
