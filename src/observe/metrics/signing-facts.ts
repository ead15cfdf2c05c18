/** Figures of zones that are signed here, for metrics. Times are seconds since 1970. */
export interface SigningFacts {
  /** Zones, now, by what they are. */
  readonly zones: Readonly<Record<(typeof SIGNING_STATES)[number], number>>;
  /** Keys, now, by role and phase. */
  readonly keys: Readonly<Record<(typeof KEY_ROLES)[number], Readonly<Record<(typeof KEY_PHASES)[number], number>>>>;
  /** Keys whose DS record somebody has to publish or to remove. */
  readonly parentWaits: number;
  /** Keys whose DS record all servers of the parent were seen to have. */
  readonly dsSeen: number;
  /** When the next signatures are to be renewed; undefined: there are none. */
  readonly signaturesDue: number | undefined;
  /** When there is something to do next; undefined: never. */
  readonly next: number | undefined;
  /** Since the start: attempts to sign a zone that failed, signatures that were renewed, and the seconds that this took. */
  readonly failures: number;
  readonly renewed: number;
  readonly seconds: number;
}

/** As `adotd ctl dnssec status` has them; `frozen` and `bogus` zones are counted as what they are, too. */
export const SIGNING_STATES = ['unsigned', 'signed', 'waiting', 'leaving', 'failed', 'frozen', 'bogus'] as const;
export const KEY_ROLES = ['csk', 'ksk', 'zsk'] as const;
/** `coming`: it is to be used, and not all of its records are known everywhere. `going`: it is to disappear. */
export const KEY_PHASES = ['coming', 'used', 'going'] as const;

const NO_KEYS = { coming: 0, used: 0, going: 0 };

export const NO_SIGNING: SigningFacts = {
  zones: { unsigned: 0, signed: 0, waiting: 0, leaving: 0, failed: 0, frozen: 0, bogus: 0 },
  keys: { csk: NO_KEYS, ksk: NO_KEYS, zsk: NO_KEYS },
  parentWaits: 0,
  dsSeen: 0,
  signaturesDue: undefined,
  next: undefined,
  failures: 0,
  renewed: 0,
  seconds: 0,
};
