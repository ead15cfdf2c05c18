/** The calls of a session to its connection. */
export interface Connection {
  /**
   * Takes an answer: the octets from `from` to before `to`. They are borrowed: the caller changes them only after send(). Inside TLS they
   * share no record with those of another call.
   */
  answer(octets: Uint8Array, from: number, to: number): void;
  /** Sends the answers that were taken since the last call; in the clear, those that stand one behind the other leave together. */
  send(): void;
  /** Octets of answers, or of TLS around them, that the operating system has not taken yet. */
  readonly unsent: number;
  /** Stops and resumes the delivery of octets of the peer. */
  pause(): void;
  resume(): void;
  /** Begins a TLS handshake with `octets`, the first of it, which belong to the connection from now on. Later answers go into TLS. */
  startTls(octets: Uint8Array): void;
  /** Calls the session's `drained` when everything taken so far is sent; perhaps at once. */
  flush(): void;
  /** Calls the session's `goOn` when others have had their turn. */
  yield(): void;
  /** Closes our direction when everything is sent; inside TLS with close_notify. */
  end(): void;
  /** Closes at once; unsent octets are lost. */
  destroy(): void;
}
