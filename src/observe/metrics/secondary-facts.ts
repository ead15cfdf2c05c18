/** Figures of secondary zones, for metrics. */
export interface SecondaryFacts {
  /** Checks whether there is a newer version, and those of them that failed. */
  readonly checks: number;
  readonly failedChecks: number;
  /** Transfers that brought a version, by form, and those that failed. */
  readonly axfr: number;
  readonly ixfr: number;
  readonly failedTransfers: number;
  /** Of messages that came in transfers. */
  readonly octets: number;
  /** Versions that have expired since the start. */
  readonly expired: number;
  /** NOTIFY requests from senders that may not send them. */
  readonly refusedNotifies: number;
  /** The number of zones now, by state. */
  readonly zones: {
    readonly current: number;
    /** No primary could be used in the last check. */
    readonly failing: number;
    readonly expired: number;
    /** Never transferred. */
    readonly empty: number;
  };
  /** Seconds until the first version expires; undefined: there is none. */
  readonly nextExpiry: number | undefined;
}

export const NO_SECONDARIES: SecondaryFacts = {
  checks: 0,
  failedChecks: 0,
  axfr: 0,
  ixfr: 0,
  failedTransfers: 0,
  octets: 0,
  expired: 0,
  refusedNotifies: 0,
  zones: { current: 0, failing: 0, expired: 0, empty: 0 },
  nextExpiry: undefined,
};
