/**
 * Resolves one query by the plan of transports (transport-plan.ts). A transport that is known to work gets the query at once.
 * Encrypted transports of unknown state are opened staggered (staggered-attempts.ts), and the first open session gets the query.
 * Cleartext gets it when no session has opened.
 */
import type { CapabilityCache, EncryptedTransport } from '../capabilities/capabilities.js';
import type { Settings } from '../client-settings.js';
import { type Deadline, left } from '../deadline.js';
import { type Attempt, ClientError, ClientErrorCode } from '../errors.js';
import type { TlsInfo } from '../session/tls-connection.js';
import { HeaderFlag, type Message, type Query } from '../wire/message.js';
import type { Unanswered } from './connection-pool.js';
import type { Place } from './pooled-connection.js';
import { runStaggered, type StaggeredAttempt } from './staggered-attempts.js';
import type { Target } from './target.js';
import { allowance, isFinal, type TriedTransport, transportPlan } from './transport-plan.js';
import { createTransportStatus } from './transport-status.js';
import type { Transports } from './transports.js';

/** An answer, whatever its RCODE. */
export interface Resolution {
  readonly message: Message;
  readonly octets: Uint8Array;
  /** What it came over. */
  readonly transport: TriedTransport;
  /** Where that is. */
  readonly server: { readonly address: string; readonly port: number };
  /** Whether question and answer went inside TLS. */
  readonly encrypted: boolean;
  readonly tls: TlsInfo | undefined;
  /** Whether the session had answered before. */
  readonly reused: boolean;
  /** TC is set, and no transport brought the whole answer. */
  readonly truncated: boolean;
  /** Milliseconds from sending the query over this transport. */
  readonly milliseconds: number;
  /** What failed before, in order. */
  readonly attempts: readonly Attempt[];
  /**
   * The answer came in cleartext although an encrypted transport of this server was known to work: the server has changed,
   * or somebody in between does not want encryption (the draft, §7).
   */
  readonly downgraded: boolean;
}

export interface ResolutionContext {
  readonly settings: Settings;
  readonly transports: Transports;
  readonly capabilities: CapabilityCache;
}

/** A session that is open, and a place in it. */
interface OpenPlace {
  readonly transport: EncryptedTransport;
  readonly place: Place;
}

/** Not the server's doing: there is no point in going on. */
const GIVEN_UP: readonly ClientErrorCode[] = [ClientErrorCode.ABORTED, ClientErrorCode.ENDED, ClientErrorCode.INPUT];

/** Asks until there is an answer. Rejects as Client.resolve does, but for what is wrong with the question. */
export async function resolveQuery(
  query: Query,
  target: Target,
  deadline: Deadline,
  tools: ResolutionContext,
): Promise<Resolution> {
  const { settings, transports, capabilities } = tools;
  const { clock, timeouts, udpTries, order } = settings;
  const { address, ports } = target;
  const key = (transport: EncryptedTransport) => ({ transport, address, port: ports[transport] });
  const known = ENCRYPTED.some((transport) => capabilities.get(key(transport))?.status === 'works');
  const live = (transport: TriedTransport): boolean => transports.live(transport, target);
  const stages = transportPlan({ order, cache: capabilities, address, ports, live });
  const status = createTransportStatus(capabilities, key);
  const attempts: Attempt[] = [];
  let best: Resolution | undefined;

  /** The time that `some` have, so that enough is left for those behind them. */
  const before = (behind: readonly TriedTransport[], some: readonly TriedTransport[], within: Deadline): Deadline => {
    const allowed = allowance(some, behind, left(within), timeouts, udpTries);
    return { ...within, at: clock.elapsed() + Math.max(1, allowed) };
  };

  const failed = (transport: TriedTransport, { error, neverAnswered }: Unanswered): undefined => {
    if (GIVEN_UP.includes(error.code)) throw error;
    attempts.push({ transport, error });
    if (isEncrypted(transport)) status.failed(transport, error, neverAnswered);
  };

  /** The answer, if the resolution ends with it. */
  const ask = async (transport: TriedTransport, own: Deadline, place?: Place): Promise<Resolution | undefined> => {
    const asked = await transports.ask(transport, target, query, own, place);
    if ('error' in asked) {
      if (asked.error.code === ClientErrorCode.ABORTED && place !== undefined && isEncrypted(transport))
        status.opened(transport);
      return failed(transport, asked);
    }
    const { message, octets, milliseconds } = asked.reply;
    const encrypted = isEncrypted(transport);
    status.answered(encrypted ? transport : undefined);
    const resolution: Resolution = {
      message,
      octets,
      milliseconds,
      transport,
      encrypted,
      server: { address, port: ports[transport] },
      tls: asked.tls,
      reused: asked.reused,
      truncated: (message.flags & HeaderFlag.TC) !== 0,
      attempts: [...attempts],
      downgraded: known && !encrypted,
    };
    if (isFinal(message)) return resolution;
    // Half an answer is better than an error, and the first error as good as the next.
    if (best === undefined || (resolution.truncated && !best.truncated)) best = resolution;
    return undefined;
  };

  /** A place in a session; who comes too late gives it back, and tells how it went on. */
  const open = async (transport: EncryptedTransport, own: Deadline): Promise<OpenPlace | undefined> => {
    const reserving = transports.reserve(transport, target, own);
    const outcome = transports.outcome(transport, target);
    const reserved = await reserving;
    if (own.signal?.aborted) {
      if ('place' in reserved) reserved.place.giveBack();
      void outcome.then((error) => {
        if (error === undefined) status.opened(transport);
        else status.failed(transport, error, true);
      });
      return undefined;
    }
    return 'place' in reserved ? { transport, place: reserved.place } : failed(transport, reserved);
  };

  /** Asks over the first session that is open, and over the others when that does no good. `opened` is told of the first. */
  const contest = async (
    contenders: readonly EncryptedTransport[],
    own: Deadline,
    opened: () => void,
  ): Promise<Resolution | undefined> => {
    const out = new Set<EncryptedTransport>();
    for (let rest = contenders; left(own) > 0; rest = rest.filter((one) => !out.has(one))) {
      const headStart = Math.min(timeouts.headStart, left(own) / rest.length);
      // What other queries have waited for the same session counts.
      const staggered = rest.map((transport): StaggeredAttempt<OpenPlace> => {
        const run = async (signal: AbortSignal): Promise<OpenPlace | undefined> => {
          const winner = await open(transport, { ...own, signal });
          if (winner !== undefined || !signal.aborted) out.add(transport);
          return winner;
        };
        const late = ({ place }: OpenPlace): void => {
          out.delete(transport);
          place.giveBack();
          status.opened(transport);
        };
        return { run, late, headStart: headStart - transports.waited(transport, target) };
      });
      const winner = await runStaggered(staggered, clock, own.signal, address);
      if (winner === undefined) return undefined;
      opened();
      const others = rest.filter((one) => !out.has(one));
      const done = await ask(winner.transport, before(others, [winner.transport], own), winner.place);
      if (done !== undefined) return done;
    }
    return undefined;
  };

  const from = async (at: number, within: Deadline): Promise<Resolution | undefined> => {
    const stage = stages[at];
    if (stage === undefined || left(within) === 0) return undefined;
    const behind = stages.slice(at + 1).flatMap((one): readonly TriedTransport[] => one.transports);
    if (stage.kind === 'staggered') {
      const first = (signal: AbortSignal | undefined, opened: () => void) =>
        contest(stage.transports, before(behind, stage.transports, { ...within, signal }), opened);
      const next = (signal: AbortSignal | undefined) => from(at + 1, { ...within, signal });
      if (stages[at + 1]?.kind !== 'cleartext')
        return (await first(within.signal, () => {})) ?? (await next(within.signal));
      const waited = Math.max(...stage.transports.map((transport) => transports.waited(transport, target)));
      const staggered = [
        { run: first, headStart: timeouts.cleartextAfter - waited },
        { run: next, headStart: 0 },
      ];
      return await runStaggered(staggered, clock, within.signal, address);
    }
    for (const [nth, transport] of stage.transports.entries()) {
      if (left(within) === 0) return undefined;
      const done = await ask(transport, before([...stage.transports.slice(nth + 1), ...behind], [transport], within));
      if (done !== undefined) return done;
    }
    return await from(at + 1, within);
  };

  const resolution = await from(0, deadline);
  if (resolution !== undefined) return resolution;
  if (best === undefined) throw failure(settings, target, attempts);
  return { ...best, attempts };
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
