import type { Transport } from '../answer/facts.js';
import type { TsigKey } from '../protocol/tsig/tsig-key.js';

/** The sender of a request. */
export interface Peer {
  /** 4 or 16 octets. */
  readonly address: Uint8Array;
  readonly port: number;
  readonly transport: Transport;
  /** As in Facts; absent: not told. */
  readonly xot?: boolean;
  /** The key that the request was signed with; undefined: it was not. */
  readonly key: TsigKey | undefined;
  /** The certificate that it showed, DER, verified by the listener's `client_ca`; undefined: none. */
  readonly certificate: Uint8Array | undefined;
}
