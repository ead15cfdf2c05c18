/**
 * The client library: asks authoritative servers over the draft's ladder of transports, as a profile demands, and learns
 * what each server can do. One client for a program: its sessions, tickets and knowledge are shared by all queries.
 *
 * Implements draft-ietf-dprive-start-tls-for-dns-01 §2.1, §2.2 and §3 for clients, RFC 7858 §3 and §5, RFC 7766 §6, RFC 7828,
 * RFC 8467 §4.1, and of RFC 9539 §4 the state kept for each server (§4.2), its values (§4.3) and what success and failure
 * mean (§4.6). Not here: asking over cleartext and trying encrypted transports at the same time (RFC 9539 §4.6.1): here a
 * transport is tried after the one before; recursion, caching of answers, DNSSEC validation, transfers.
 */
import { Type } from '../protocol/iana.js';
import { onAbort } from './abort.js';
import { type CapabilityCache, createCapabilityCache, type EncryptedTransport } from './capabilities.js';
import { keepCapabilities } from './capability-file.js';
import { type Deadline, left } from './deadline.js';
import type { EdnsRequest } from './edns.js';
import { type Attempt, ClientError, ClientErrorCode } from './errors.js';
import { allowance, blames, isFinal, isTelling, plan, type TriedTransport } from './ladder.js';
import { encodeQuery, HeaderFlag, type Message, type Query } from './message.js';
import { textToType } from './mnemonics.js';
import { type ClientOptions, type Settings, settingsOf } from './settings.js';
import { type ClientServer, type Target, targetOf } from './target.js';
import type { TlsInfo } from './tls.js';
import { createTransports } from './transports.js';

/** A question, and of whom. */
export interface ResolveOptions {
  readonly server: ClientServer | string;
  /** In presentation format; the final dot may be left out. */
  readonly name: string;
  /** A mnemonic ("AAAA", "TYPE65280") or a number. Transfers cannot be asked for. */
  readonly type: string | number;
  /** A number of IANA's registry. Default IN. */
  readonly class?: number;
  /** RD. Default false: authoritative servers are asked. */
  readonly recursion?: boolean;
  /** CD. Default false. */
  readonly checkingDisabled?: boolean;
  /** Beside padding to 128 octets inside TLS (RFC 8467 §4.1) and keepalive on streams (RFC 7828), which are always asked for. */
  readonly edns?: EdnsRequest;
  /** Milliseconds in all. Default: the client's `timeouts.total`. */
  readonly timeoutMs?: number;
  /** Gives up: the promise is rejected with CLIENT_ABORTED. Sessions stay. */
  readonly signal?: AbortSignal;
}

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

export interface Client extends AsyncDisposable {
  /**
   * Asks. Rejects with a ClientError: CLIENT_NO_ANSWER (opportunistic) or CLIENT_NOT_PRIVATE (pre-deployed) when no
   * transport brings an answer, with `attempts` and `reason`; CLIENT_INPUT, CLIENT_ABORTED, CLIENT_ENDED;
   * CLIENT_UNREACHABLE when the server's host name has no address.
   */
  resolve(options: ResolveOptions): Promise<Resolution>;
  /** What is known of servers; it may also be told. */
  readonly capabilities: CapabilityCache;
  /** Closes the sessions, keeps what was learnt. Queries under way fail with CLIENT_ENDED. */
  close(): Promise<void>;
}

/** Makes a client. Throws CLIENT_INPUT. */
export function createClient(options: ClientOptions = {}): Client {
  const settings = settingsOf(options);
  const { clock, timeouts } = settings;
  const capabilities = options.capabilities?.cache ?? cacheOf(options, settings);
  const file = options.capabilities?.cache === undefined ? options.capabilities?.file : undefined;
  const kept = file === undefined ? undefined : keepCapabilities(file, capabilities, clock, warnings(options));
  const transports = createTransports(settings);
  const asking = new Set<AbortController>();
  let ended = false;

  /** Goes up the ladder; `signal` is the caller's or that of the client's end. */
  const climb = async (question: ResolveOptions, signal: AbortSignal): Promise<Resolution> => {
    const query = queryOf(question);
    const deadline: Deadline = { clock, at: clock.elapsed() + totalOf(question, settings), signal };
    const target = await targetOf(question.server, settings, deadline);
    const { address, ports } = target;
    const key = (transport: EncryptedTransport) => ({ transport, address, port: ports[transport] });
    const live = (transport: TriedTransport): boolean => transports.live(transport, target);
    const known = ENCRYPTED.some((transport) => capabilities.get(key(transport))?.status === 'works');
    const planned = plan({ order: settings.order, cache: capabilities, address, ports, live });
    const attempts: Attempt[] = [];
    const suspects: (readonly [EncryptedTransport, ClientErrorCode])[] = [];
    let best: Resolution | undefined;

    for (const [at, transport] of planned.entries()) {
      if (left(deadline) === 0) break;
      const allowed = allowance(planned.slice(at), left(deadline), timeouts, settings.udpTries);
      const own: Deadline = { ...deadline, at: clock.elapsed() + Math.max(1, allowed) };
      const asked = await transports.ask(transport, target, query, own);
      if ('error' in asked) {
        const { error, barren } = asked;
        if (GIVEN_UP.includes(error.code)) throw error;
        attempts.push({ transport, error });
        if (!isEncrypted(transport) || !barren || !blames(error.code)) continue;
        if (isTelling(error.code)) capabilities.failed(key(transport), error.code);
        else suspects.push([transport, error.code]);
        continue;
      }
      if (isEncrypted(transport)) capabilities.worked(key(transport));
      // Somebody is there: those that were silent have no such excuse.
      for (const [silent, code] of suspects.splice(0)) capabilities.failed(key(silent), code);
      const { message, octets, milliseconds } = asked.reply;
      const encrypted = isEncrypted(transport);
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
    }
    if (best === undefined) throw failure(settings, target, attempts);
    return { ...best, attempts };
  };

  const resolve = async (question: ResolveOptions): Promise<Resolution> => {
    const controller = new AbortController();
    const deaf = onAbort(question.signal, question.name, (error) => controller.abort(error.cause));
    asking.add(controller);
    try {
      if (ended) throw endedError();
      return await climb(question, controller.signal);
    } catch (error) {
      throw ended ? endedError() : error;
    } finally {
      deaf();
      asking.delete(controller);
    }
  };

  const close = async (): Promise<void> => {
    ended = true;
    for (const controller of asking) controller.abort();
    await transports.close();
    await kept?.flush();
  };
  return { capabilities, resolve, close, [Symbol.asyncDispose]: close };
}

const ENCRYPTED: readonly EncryptedTransport[] = ['tls', 'starttls'];
/** Not the server's doing: there is no point in going on. */
const GIVEN_UP: readonly ClientErrorCode[] = [ClientErrorCode.ABORTED, ClientErrorCode.ENDED, ClientErrorCode.INPUT];

const isEncrypted = (transport: TriedTransport): transport is EncryptedTransport =>
  transport === 'tls' || transport === 'starttls';

function endedError(): ClientError {
  return new ClientError(ClientErrorCode.ENDED, 'the client was closed');
}

function cacheOf({ capabilities = {} }: ClientOptions, { clock }: Settings): CapabilityCache {
  const { file: _file, cache: _cache, max, ...times } = capabilities;
  return createCapabilityCache({ now: () => clock.now(), times, max });
}

/** Tells each warning once. */
function warnings({ onWarning }: ClientOptions): (message: string) => void {
  const told = new Set<string>();
  return (message) => {
    if (told.has(message)) return;
    told.add(message);
    if (onWarning === undefined) process.emitWarning(message, 'AdotdClientWarning');
    else onWarning(message);
  };
}

/** RFC 8467 §4.1: clients pad to a multiple of 128 octets. */
const PADDING = 128;

function queryOf(question: ResolveOptions): Query {
  const { name, type, class: qclass, recursion, checkingDisabled, edns } = question;
  const number = typeof type === 'number' ? type : textToType(type);
  if (number === undefined)
    throw new ClientError(ClientErrorCode.INPUT, `unknown type ${type}; any type can be written as TYPE123`);
  if (number === Type.AXFR || number === Type.IXFR)
    throw new ClientError(ClientErrorCode.INPUT, 'a zone transfer is more than one answer, and cannot be asked for');
  const query: Query = {
    name,
    type: number,
    ...(qclass !== undefined && { class: qclass }),
    ...(recursion !== undefined && { recursion }),
    ...(checkingDisabled !== undefined && { checkingDisabled }),
    edns: { padding: PADDING, keepalive: true, ...edns },
  };
  // What cannot be sent is the caller's mistake, not that of a transport.
  encodeQuery(query, { stream: true, encrypted: true });
  return query;
}

function totalOf({ timeoutMs }: ResolveOptions, { timeouts }: Settings): number {
  if (timeoutMs === undefined) return timeouts.total;
  if (timeoutMs > 0) return timeoutMs;
  throw new ClientError(ClientErrorCode.INPUT, `timeoutMs: found ${timeoutMs}, expected a number above 0`);
}

function failure({ profile }: Settings, { name, address }: Target, attempts: readonly Attempt[]): ClientError {
  const server = name ?? address;
  const tried = attempts.map(({ error }) => error.message).join('; ') || 'there was no time to try anything';
  if (profile === 'opportunistic')
    return new ClientError(ClientErrorCode.NO_ANSWER, `no answer from ${server}: ${tried}`, { attempts });
  const message = `no private answer from ${server}, and the pre-deployed profile has no other: ${tried}`;
  return new ClientError(ClientErrorCode.NOT_PRIVATE, message, { attempts });
}
