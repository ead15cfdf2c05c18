/** What a session does to its connection. */
export interface Connection {
  /** Sends octets, which then belong to the connection. */
  write(octets: Uint8Array): void;
  /** Octets written that the operating system has not taken yet. */
  readonly unsent: number;
  /** Stops and resumes the delivery of what the peer sends. */
  pause(): void;
  resume(): void;
  /** Begins a TLS handshake; `octets` are the first of it. What is written from now on goes into TLS. */
  startTls(octets: Uint8Array): void;
  /** Calls the session's `drained` when everything is sent that was written so far. */
  flush(): void;
  /** Closes our direction when everything is sent; inside TLS with close_notify. */
  end(): void;
  /** Closes at once, throwing away what is unsent. */
  destroy(): void;
}
