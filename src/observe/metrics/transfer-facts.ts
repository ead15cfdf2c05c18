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

export const NO_TRANSFERS: TransferFacts = { ends: {}, records: 0, octets: 0, open: 0, limit: 0 };
