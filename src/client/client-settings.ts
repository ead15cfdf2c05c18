/** The settings of a client: the caller's options, validated and completed with defaults. */
import {
  type CapabilityCache,
  type CapabilityTimes,
  capabilityCache,
  capabilityTimes,
  maxCapabilities,
} from './capabilities/capabilities.js';
import { type ClientClock, systemClock, validateClock } from './client-clock.js';
import { ClientError, ClientErrorCode } from './errors.js';
import { checkVerification, type Verification, validateVerification } from './trust/certificate.js';
import {
  callable,
  listOf,
  milliseconds,
  objectOf,
  oneOf,
  present,
  someText,
  type Validators,
  whenever,
  whole,
} from './validation.js';

/**
 * The privacy that is demanded (the draft, §3):
 * - `opportunistic`: encrypted if possible, with any certificate; otherwise in cleartext. Every query that port 53 can answer is
 *   answered.
 * - `pre-deployed`: encrypted, with a server whose credentials are known beforehand, or not at all. The name of a query is never
 *   sent in cleartext.
 */
export type Profile = 'opportunistic' | 'pre-deployed';

/** A choice in the order of transports. Cleartext is UDP and, where that brings no whole answer, TCP. */
export type TransportChoice = 'tls' | 'starttls' | 'cleartext';

/** Milliseconds. */
export interface Timeouts {
  /** For a query over all transports together. Default 30,000. */
  readonly total: number;
  /** Until a session is open: TCP, the upgrade, TLS. Default 4,000 (RFC 9539 §4.3, "timeout"). */
  readonly establish: number;
  /**
   * Between the beginnings of TLS and STARTTLS, in their order, if neither is known to work. The second begins when the first
   * has failed, or has no open session after this time. 0: both at once. Default 250 (RFC 8305 §5).
   */
  readonly headStart: number;
  /**
   * Opportunistic: from the beginning of TLS and STARTTLS to that of cleartext, if neither is known to work and no session opens
   * before. 0: all at once, as RFC 9539 §4.6 describes, which shows the first name to anybody who listens. Default 4,000, the time to open
   * a session in RFC 9539 §4.3.
   */
  readonly cleartextAfter: number;
  /** For an answer in an open session. Default 4,000, a guess. */
  readonly answer: number;
  /** For an answer over UDP, for each of `udpTries` tries. Default 1,500, a guess. */
  readonly udp: number;
}

export interface PoolLimits {
  /** Queries outstanding in one session. */
  readonly maxInFlight: number;
  /**
   * Connections at once. A further one is opened only if one is open and all of them have `maxInFlight` queries outstanding.
   */
  readonly maxConnections: number;
  /** Milliseconds after which an idle session is closed, if the server says nothing about it (RFC 7828). */
  readonly idleMs: number;
  /** The longest such time: it also limits the time that the server names. */
  readonly maxIdleMs: number;
}

export interface ClientOptions {
  /** Default: opportunistic. */
  readonly profile?: Profile;
  /** Pre-deployed: how servers prove their identity, unless a query's server has credentials of its own. */
  readonly verification?: Verification;
  /** Default: TLS, STARTTLS, cleartext (the draft, §2.1.1); pre-deployed without the last. */
  readonly order?: readonly TransportChoice[];
  readonly timeouts?: Partial<Timeouts>;
  /** How often a query is sent over UDP. Default 3. */
  readonly udpTries?: number;
  readonly sessions?: Partial<PoolLimits> & {
    /** Pairs of server and transport whose sessions and tickets are kept; the least recently used go first. Default 500, a guess. */
    readonly maxServers?: number;
  };
  readonly capabilities?: Partial<CapabilityTimes> & {
    /** The file that keeps the capabilities of servers. Default: none, they are kept in memory. */
    readonly file?: string;
    /** Most entries. Default 10,000. */
    readonly max?: number;
    /** A cache that is shared with other clients. `file`, `max` and the times then have no effect. */
    readonly cache?: CapabilityCache;
  };
  /** Called once with each warning. Default: process.emitWarning. */
  readonly onWarning?: (message: string) => void;
  /** Default: the machine's. */
  readonly clock?: ClientClock;
}

export interface Settings {
  readonly profile: Profile;
  readonly verification: Verification;
  readonly order: readonly TransportChoice[];
  readonly timeouts: Timeouts;
  readonly udpTries: number;
  readonly poolLimits: PoolLimits;
  readonly maxServers: number;
  readonly clock: ClientClock;
}

const TIMEOUTS: Timeouts = {
  total: 30_000,
  establish: 4000,
  headStart: 250,
  cleartextAfter: 4000,
  answer: 4000,
  udp: 1500,
};
/** 10 s idle: "a few seconds" of RFC 7766 §6.2.3, and the time that adotd and others allow without load. The rest are guesses. */
const POOL_LIMITS: PoolLimits = { maxInFlight: 100, maxConnections: 4, idleMs: 10_000, maxIdleMs: 120_000 };
const CHOICES: readonly TransportChoice[] = ['tls', 'starttls', 'cleartext'];

const timeouts: Validators<Timeouts> = {
  total: milliseconds,
  establish: milliseconds,
  headStart: whenever,
  cleartextAfter: whenever,
  answer: milliseconds,
  udp: milliseconds,
};

const validateOptions = objectOf<ClientOptions>({
  profile: oneOf('opportunistic', 'pre-deployed'),
  verification: validateVerification,
  order: listOf(oneOf('tls', 'starttls', 'cleartext')),
  timeouts: objectOf(timeouts),
  udpTries: whole(1, 100),
  sessions: objectOf<NonNullable<ClientOptions['sessions']>>({
    maxInFlight: whole(1, 10_000),
    maxConnections: whole(1, 1000),
    idleMs: whenever,
    maxIdleMs: whenever,
    maxServers: whole(1, 100_000),
  }),
  capabilities: objectOf<NonNullable<ClientOptions['capabilities']>>({
    ...capabilityTimes,
    file: someText,
    max: maxCapabilities,
    cache: capabilityCache,
  }),
  onWarning: callable,
  clock: validateClock,
});

function input(message: string): ClientError {
  return new ClientError(ClientErrorCode.INPUT, message);
}

/** Throws CLIENT_INPUT. */
export function settingsOf(options: ClientOptions): Settings {
  validateOptions(options, '');
  const { profile = 'opportunistic', verification = { kind: 'none' } } = options;
  const { maxServers = 500, ...limits } = options.sessions ?? {};
  const order = options.order ?? (profile === 'opportunistic' ? CHOICES : ['tls', 'starttls']);
  if (order.length === 0 || new Set(order).size < order.length)
    throw input(`order: found [${order.join(', ')}], expected some of ${CHOICES.join(', ')}, each at most once`);
  if (profile === 'pre-deployed' && order.includes('cleartext'))
    throw input('order: the pre-deployed profile has no fallback to cleartext; use the opportunistic one for that');
  return {
    profile,
    verification: verificationFor(profile, verification),
    order,
    timeouts: { ...TIMEOUTS, ...present(options.timeouts) },
    udpTries: options.udpTries ?? 3,
    poolLimits: { ...POOL_LIMITS, ...present(limits) },
    maxServers,
    clock: options.clock ?? systemClock,
  };
}

/**
 * The verification, if it fits the profile. The opportunistic profile takes any certificate: credentials for it are a mistake, and
 * the caller should know. Throws CLIENT_INPUT.
 */
export function verificationFor(profile: Profile, verification: Verification): Verification {
  if (profile === 'opportunistic' && verification.kind !== 'none')
    throw input(
      'verification: the opportunistic profile takes any certificate; use the pre-deployed one for credentials',
    );
  checkVerification(verification);
  return verification;
}
