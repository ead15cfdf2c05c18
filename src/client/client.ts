/**
 * The client library: asks authoritative servers over the transports of the draft, in the order and with the privacy that a
 * profile demands, and learns which transports each server has. A program needs one client: all queries share its sessions,
 * tickets and capabilities.
 *
 * Implements draft-ietf-dprive-start-tls-for-dns-01 §2.1, §2.2 and §3 for clients, RFC 7858 §3 and §5, RFC 7766 §6, RFC 7828,
 * RFC 8467 §4.1, and of RFC 9539 §4 the state kept for each server (§4.2), its values (§4.3) and the meaning of success and
 * failure (§4.6). Cleartext does not wait for encryption (§4.6.1) if `timeouts.cleartextAfter` is 0. Not here: recursion, caching of
 * answers, DNSSEC validation, transfers.
 */
import { Type } from '../protocol/iana.js';
import { type CapabilityCache, createCapabilityCache } from './capabilities/capabilities.js';
import { keepCapabilities } from './capabilities/capability-file.js';
import { type ClientOptions, type Settings, settingsOf } from './client-settings.js';
import { type Deadline, onAbort } from './deadline.js';
import { ClientError, ClientErrorCode } from './errors.js';
import { type Resolution, resolveQuery } from './transports/resolution.js';
import { type ClientServer, targetOf, validateServer } from './transports/target.js';
import { createTransports } from './transports/transports.js';
import {
  abortSignal,
  either,
  isNumber,
  isObject,
  isText,
  milliseconds,
  objectOf,
  present,
  someText,
  text,
  truth,
  u16,
} from './validation.js';
import { type EdnsRequest, ednsValidators } from './wire/edns.js';
import { encodeQuery, type Query } from './wire/message.js';
import { textToType } from './wire/mnemonics.js';

/** A question and the server that is asked. */
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
  /** By default queries are padded to 128 octets inside TLS (RFC 8467 §4.1) and ask for keepalive on streams (RFC 7828). */
  readonly edns?: EdnsRequest;
  /** Milliseconds over all transports, from 1 to 86,400,000. Default: the client's `timeouts.total`. */
  readonly timeoutMs?: number;
  /** Gives up the query: the promise is rejected with CLIENT_ABORTED. Sessions stay open. */
  readonly signal?: AbortSignal;
}

const validateQuestion = objectOf<ResolveOptions>(
  {
    server: either('an address, or an object with one', [isText, someText], [isObject, validateServer]),
    name: text,
    type: either('a type as text or number', [isText, someText], [isNumber, u16]),
    class: u16,
    recursion: truth,
    checkingDisabled: truth,
    edns: objectOf(ednsValidators),
    timeoutMs: milliseconds,
    signal: abortSignal,
  },
  ['server', 'name', 'type'],
);

export interface Client extends AsyncDisposable {
  /**
   * Asks. Rejects with a ClientError: CLIENT_NO_ANSWER (opportunistic) or CLIENT_NOT_PRIVATE (pre-deployed) when no
   * transport brings an answer, with `attempts` and `reason`; CLIENT_INPUT, CLIENT_ABORTED, CLIENT_ENDED;
   * CLIENT_UNREACHABLE when the server's host name has no address.
   */
  resolve(options: ResolveOptions): Promise<Resolution>;
  /** The capabilities of servers. The caller may add to them. */
  readonly capabilities: CapabilityCache;
  /** Closes the sessions and writes the file of capabilities. Queries under way fail with CLIENT_ENDED. */
  close(): Promise<void>;
}

/** Throws CLIENT_INPUT. */
export function createClient(options: ClientOptions = {}): Client {
  const settings = settingsOf(options);
  const { clock } = settings;
  const capabilities = options.capabilities?.cache ?? cacheOf(options, settings);
  const file = options.capabilities?.cache === undefined ? options.capabilities?.file : undefined;
  const kept = file === undefined ? undefined : keepCapabilities(file, capabilities, clock, warnings(options));
  const transports = createTransports(settings);
  const asking = new Set<AbortController>();
  let ended = false;

  /** `signal` is aborted by the caller's signal and by the client's end. */
  const ask = async (question: ResolveOptions, signal: AbortSignal): Promise<Resolution> => {
    const query = queryOf(question);
    const deadline: Deadline = { clock, at: clock.elapsed() + (question.timeoutMs ?? settings.timeouts.total), signal };
    const target = await targetOf(question.server, settings, deadline);
    return await resolveQuery(query, target, deadline, { settings, transports, capabilities });
  };

  const resolve = async (question: ResolveOptions): Promise<Resolution> => {
    validateQuestion(question, '');
    const controller = new AbortController();
    const unlisten = onAbort(question.signal, question.name, (error) => controller.abort(error.cause));
    asking.add(controller);
    try {
      if (ended) throw endedError();
      return await ask(question, controller.signal);
    } catch (error) {
      throw ended ? endedError() : error;
    } finally {
      unlisten();
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
    try {
      (onWarning ?? emitted)(message);
    } catch (error) {
      // The mistake is the caller's. It must not become the failure of a query.
      emitted(message);
      emitted(`onWarning has thrown: ${String(error)}`);
    }
  };
}

const emitted = (message: string): void => process.emitWarning(message, 'AdotdClientWarning');

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
    edns: { padding: PADDING, keepalive: true, ...present(edns) },
  };
  // A query that cannot be encoded is the caller's mistake: no transport is to blame for it.
  encodeQuery(query, { stream: true, encrypted: true });
  return query;
}
