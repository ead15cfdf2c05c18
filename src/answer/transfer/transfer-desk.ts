/**
 * The source of transfers for respond() (AXFR, RFC 5936; IXFR, RFC 1995). respond() judges the query as it does others; the desk decides
 * which clients may transfer the zone, and which records are sent.
 */
import type { Exchange } from '../exchange.js';
import type { Facts } from '../facts.js';
import type { MessageSource } from './message-source.js';

/** Why a transfer is refused. */
export interface TransferRefusal {
  readonly rcode: number;
  /** Extended DNS error code, or -1, and its text. */
  readonly ede: number;
  readonly text: Uint8Array;
}

export interface OpenTransfer {
  /** Its first message is to be written next. */
  readonly source: MessageSource;
  /** Whether all messages have been written; it is asked again behind the first one. */
  readonly isOver: boolean;
}

/** The OPT records of a transfer; empty: the query had none. */
export interface TransferOpts {
  /** Of the first message. */
  readonly first: Uint8Array;
  /** Of those behind it. */
  readonly rest: Uint8Array;
  /** Whether padding is added to each (RFC 7830 §4). */
  readonly isPadded: boolean;
}

export interface TransferDesk {
  /** Why the client may not transfer zone number `zone` of the catalog; undefined: it may. */
  judge(x: Exchange, facts: Facts, zone: number): TransferRefusal | undefined;
  /** Told of a transfer that is refused because of the client; without `refusal`: of any query whose signature is not accepted. */
  refused(x: Exchange, facts: Facts, refusal?: TransferRefusal): void;
  /**
   * Opens the transfer, whose zone `x` has been entered. `serial`: of the client's version, for IXFR; undefined: AXFR. `opts`: the OPT
   * records. `room`: octets of the one message that the answer may have, over UDP; undefined: it
   * may have any number.
   */
  open(
    x: Exchange,
    facts: Facts,
    zone: number,
    serial: number | undefined,
    opts: TransferOpts,
    room: number | undefined,
  ): OpenTransfer | TransferRefusal;
}
