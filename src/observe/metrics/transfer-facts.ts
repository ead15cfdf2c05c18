/** Figures of zone transfers to secondaries, for metrics. */
export interface TransferFacts {
  /** How many have ended, by form and end: `axfr complete`. */
  readonly ends: Readonly<Record<string, number>>;
  /** Records and octets of messages that were sent in them. */
  readonly records: number;
  readonly octets: number;
  /** Under way now. */
  readonly open: number;
  /** How many there may be; 0: nobody may transfer anything. */
  readonly limit: number;
}

/** Figures of NOTIFY messages to others. */
export interface NotifyCounts {
  /** Messages sent, again and again where no response came. */
  readonly sent: number;
  /** Answered NOERROR, answered otherwise, and given up. */
  readonly acknowledged: number;
  readonly refused: number;
  readonly failed: number;
  /** Pairs of a zone and a server that is to be told of it. */
  readonly pending: number;
}

export const NO_NOTIFIES: NotifyCounts = { sent: 0, acknowledged: 0, refused: 0, failed: 0, pending: 0 };

export const NO_TRANSFERS: TransferFacts = { ends: {}, records: 0, octets: 0, open: 0, limit: 0 };
