/**
 * Resolves one query by the plan of transports (transport-plan.ts). A transport that is known to work gets the query at once.
 * Encrypted transports of unknown state are opened staggered (staggered-attempts.ts), and the first open session gets the query.
 * Cleartext gets it when no session has opened.
 */
import type { CapabilityCache, CapabilityKey, EncryptedTransport } from '../capabilities/capabilities.js';
import type { Settings } from '../client-settings.js';
import { type Deadline, left } from '../deadline.js';
import { type Attempt, ClientError, ClientErrorCode } from '../errors.js';
import type { TlsInfo } from '../session/tls-connection.js';
import { HeaderFlag, type Message, type Query } from '../wire/message.js';
import type { Asked, Unanswered } from './connection-pool.js';
import type { Place } from './pooled-connection.js';
import { runStaggered, type StaggeredAttempt } from './staggered-attempts.js';
import type { Target } from './target.js';
import { allowance, isFinal, type Stage, type TriedTransport, transportPlan } from './transport-plan.js';
import { createTransportStatus, type TransportStatus } from './transport-status.js';
import type { Transports } from './transports.js';

/** An answer, whatever its RCODE. */
export interface Resolution {
  readonly message: Message;
  readonly octets: Uint8Array;
  /** The transport that it came over. */
  readonly transport: TriedTransport;
  /** The address and port of that transport. */
  readonly server: { readonly address: string; readonly port: number };
  /** Whether the question and the answer went inside TLS. */
  readonly encrypted: boolean;
  readonly tls: TlsInfo | undefined;
  /** Whether the session had answered before. */
  readonly reused: boolean;
  /** TC is set, and no transport brought the whole answer. */
  readonly truncated: boolean;
  /** Milliseconds from sending the query over this transport. */
  readonly milliseconds: number;
  /** The transports that failed before, in order. */
  readonly attempts: readonly Attempt[];
  /**
   * The answer came in cleartext although an encrypted transport of this server has worked within the persistence of capabilities, for
   * this query or an earlier one. The server has changed, or somebody in between prevents encryption (the draft, §7).
   */
  readonly downgraded: boolean;
}

interface ResolutionContext {
  readonly settings: Settings;
  readonly transports: Transports;
  readonly capabilities: CapabilityCache;
}

/** A place in an open session. */
interface OpenPlace {
  readonly transport: EncryptedTransport;
  readonly place: Place;
}

/** The server has not caused these errors: other transports cannot help. */
const GIVEN_UP: readonly ClientErrorCode[] = [ClientErrorCode.ABORTED, ClientErrorCode.ENDED, ClientErrorCode.INPUT];

/** Asks until there is an answer. Rejects as Client.resolve does, but not for mistakes in the question. */
export async function resolveQuery(
  query: Query,
  target: Target,
  deadline: Deadline,
  context: ResolutionContext,
): Promise<Resolution> {
  return await new QueryResolution(query, target, context).run(deadline);
}

/** The resolution of one query: its plan, and its failures so far. */
class QueryResolution {
  readonly #query: Query;
  readonly #target: Target;
  readonly #settings: Settings;
  readonly #transports: Transports;
  readonly #stages: readonly Stage[];
  readonly #status: TransportStatus;
  /** Whether an encrypted transport of the server has worked. */
  readonly #hasEncrypted: () => boolean;
  readonly #attempts: Attempt[] = [];
  /** The transports over which an answer came, whatever its RCODE. */
  readonly #answered = new Set<TriedTransport>();
  /** The best answer that is not final. */
  #best: Resolution | undefined;

  constructor(query: Query, target: Target, { settings, transports, capabilities }: ResolutionContext) {
    const { order } = settings;
    const { address, ports } = target;
    const key = (transport: CapabilityKey['transport']) => ({ transport, address, port: ports[transport] });
    const live = (transport: EncryptedTransport): boolean => transports.live(transport, target);
    this.#query = query;
    this.#target = target;
    this.#settings = settings;
    this.#transports = transports;
    this.#hasEncrypted = () => ENCRYPTED.some((transport) => capabilities.hasWorked(key(transport)));
    this.#stages = transportPlan({ order, cache: capabilities, address, ports, live });
    this.#status = createTransportStatus(capabilities, key);
  }

  async run(deadline: Deadline): Promise<Resolution> {
    const resolution = await this.#from(0, deadline);
    if (resolution !== undefined) return resolution;
    if (this.#best === undefined) throw failure(this.#settings, this.#target, this.#attempts);
    return { ...this.#best, attempts: this.#attempts };
  }

  /** Goes through the stages from this one on, until an answer is final. */
  async #from(at: number, within: Deadline): Promise<Resolution | undefined> {
    const stage = this.#stages[at];
    if (stage === undefined || left(within) === 0) return undefined;
    const behind = this.#stages.slice(at + 1).flatMap((one): readonly TriedTransport[] => one.transports);
    if (stage.kind === 'staggered') return await this.#staggered(stage.transports, behind, at + 1, within);
    for (const [nth, transport] of stage.transports.entries()) {
      if (left(within) === 0) return undefined;
      const own = this.#share([transport], [...stage.transports.slice(nth + 1), ...behind], within);
      const done = await this.#ask(transport, own);
      if (done !== undefined) return done;
      // UDP that is known to fail comes behind TCP, for a server that does not answer over TCP.
      if (transport === 'tcp' && this.#answered.has('tcp')) break;
    }
    return await this.#from(at + 1, within);
  }

  /** Asks over encrypted transports, and over the stages from `next` on: after them, or beside them if cleartext is next. */
  async #staggered(
    transports: readonly EncryptedTransport[],
    behind: readonly TriedTransport[],
    next: number,
    within: Deadline,
  ): Promise<Resolution | undefined> {
    const { clock, timeouts } = this.#settings;
    const encrypted = (signal: AbortSignal | undefined, onOpen: () => void) =>
      this.#askFirstOpen(transports, this.#share(transports, behind, { ...within, signal }), onOpen);
    const others = (signal: AbortSignal | undefined) => this.#from(next, { ...within, signal });
    if (this.#stages[next]?.kind !== 'cleartext')
      return (await encrypted(within.signal, () => {})) ?? (await others(within.signal));
    const waited = Math.max(...transports.map((transport) => this.#waited(transport)));
    const staggered = [
      { run: encrypted, headStart: timeouts.cleartextAfter - waited },
      { run: others, headStart: 0 },
    ];
    return await runStaggered(staggered, clock, within.signal, this.#target.address);
  }

  /** Asks over the first session that opens, and over the others if that brings no final answer. */
  async #askFirstOpen(
    transports: readonly EncryptedTransport[],
    own: Deadline,
    onOpen: () => void,
  ): Promise<Resolution | undefined> {
    const { clock, timeouts } = this.#settings;
    const done = new Set<EncryptedTransport>();
    for (let rest = transports; left(own) > 0; rest = rest.filter((one) => !done.has(one))) {
      const headStart = Math.min(timeouts.headStart, left(own) / rest.length);
      const staggered = rest.map((transport) => this.#opening(transport, own, headStart, done));
      const first = await runStaggered(staggered, clock, own.signal, this.#target.address);
      if (first === undefined) return undefined;
      onOpen();
      const others = rest.filter((one) => !done.has(one));
      const resolution = await this.#ask(first.transport, this.#share([first.transport], others, own), first.place);
      if (resolution !== undefined) return resolution;
    }
    return undefined;
  }

  /** The opening of a session as a staggered attempt. Adds the transport to `done` once it has been tried. */
  #opening(
    transport: EncryptedTransport,
    own: Deadline,
    headStart: number,
    done: Set<EncryptedTransport>,
  ): StaggeredAttempt<OpenPlace> {
    return {
      // The time that other queries have waited for the same session counts.
      headStart: headStart - this.#waited(transport),
      run: async (signal) => {
        const opened = await this.#open(transport, { ...own, signal });
        if (opened !== undefined || !signal.aborted) done.add(transport);
        return opened;
      },
      late: ({ place }) => {
        done.delete(transport);
        place.giveBack();
        this.#status.opened(transport);
      },
    };
  }

  /** A place in a session. An attempt that was overtaken gives it back, and the status of its transport follows. */
  async #open(transport: EncryptedTransport, own: Deadline): Promise<OpenPlace | undefined> {
    const reserving = this.#transports.reserve(transport, this.#target, own);
    const outcome = this.#transports.outcome(transport, this.#target);
    const reserved = await reserving;
    if (own.signal?.aborted) {
      if ('place' in reserved) reserved.place.giveBack();
      void outcome.then((error) => {
        if (error !== undefined) this.#status.failed(transport, error, true);
        // No opening was under way if the place was refused at once, for an outage that is known.
        else if ('place' in reserved || this.#transports.live(transport, this.#target)) this.#status.opened(transport);
      });
      return undefined;
    }
    return 'place' in reserved ? { transport, place: reserved.place } : this.#failed(transport, reserved);
  }

  /** The answer, if the resolution ends with it. */
  async #ask(transport: TriedTransport, own: Deadline, place?: Place): Promise<Resolution | undefined> {
    const asked = await this.#transports.ask(transport, this.#target, this.#query, own, place);
    if ('error' in asked) {
      if (asked.error.code === ClientErrorCode.ABORTED && place !== undefined && isEncrypted(transport))
        this.#status.opened(transport);
      return this.#failed(transport, asked);
    }
    this.#status.answered(transport);
    this.#answered.add(transport);
    const resolution = this.#resolution(transport, asked);
    if (isFinal(resolution.message)) return resolution;
    // A truncated answer is better than an error, and the first error is as good as the next one.
    if (this.#best === undefined || (resolution.truncated && !this.#best.truncated)) this.#best = resolution;
    return undefined;
  }

  #resolution(transport: TriedTransport, { reply, tls, reused }: Exclude<Asked, Unanswered>): Resolution {
    const { message, octets, milliseconds } = reply;
    const { address, ports } = this.#target;
    const encrypted = isEncrypted(transport);
    return {
      message,
      octets,
      milliseconds,
      transport,
      encrypted,
      server: { address, port: ports[transport] },
      tls,
      reused,
      truncated: (message.flags & HeaderFlag.TC) !== 0,
      attempts: [...this.#attempts],
      downgraded: !encrypted && this.#hasEncrypted(),
    };
  }

  #failed(transport: TriedTransport, { error, neverAnswered }: Unanswered): undefined {
    if (GIVEN_UP.includes(error.code)) throw error;
    this.#attempts.push({ transport, error });
    this.#status.failed(transport, error, neverAnswered);
  }

  /** The time that `transports` have, so that enough is left for those behind them. */
  #share(transports: readonly TriedTransport[], behind: readonly TriedTransport[], within: Deadline): Deadline {
    const { clock, timeouts, udpTries } = this.#settings;
    const allowed = allowance(transports, behind, left(within), timeouts, udpTries);
    return { ...within, at: clock.elapsed() + Math.max(1, allowed) };
  }

  #waited(transport: EncryptedTransport): number {
    return this.#transports.waited(transport, this.#target);
  }
}

const ENCRYPTED: readonly EncryptedTransport[] = ['tls', 'starttls'];

const isEncrypted = (transport: TriedTransport): transport is EncryptedTransport =>
  transport === 'tls' || transport === 'starttls';

function failure({ profile }: Settings, { name, address }: Target, attempts: readonly Attempt[]): ClientError {
  const server = name ?? address;
  const tried = attempts.map(({ error }) => error.message).join('; ') || 'there was no time to try anything';
  if (profile === 'opportunistic')
    return new ClientError(ClientErrorCode.NO_ANSWER, `no answer from ${server}: ${tried}`, { attempts });
  const message = `no private answer from ${server}, and the pre-deployed profile has no other: ${tried}`;
  return new ClientError(ClientErrorCode.NOT_PRIVATE, message, { attempts });
}
