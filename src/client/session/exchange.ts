/** One question and its answer, over any transport. */
import { systemClock } from '../client-clock.js';
import { EdnsFlag } from '../wire/edns.js';
import { HeaderFlag, type Message, type Query } from '../wire/message.js';
import { DEFAULT_TIMEOUT, locate, openSession, type ServerAddress, type Times, type Transport } from './connect.js';
import type { Reply } from './reply.js';
import type { Upgrade, UpgradeOptions } from './starttls.js';
import type { TlsInfo, TlsOptions, TlsTicket } from './tls-connection.js';
import { askUdp } from './udp.js';

export interface ExchangeOptions {
  readonly transport: Transport;
  readonly server: ServerAddress;
  /** Milliseconds for each step: connection, upgrade, handshake, answer. Default 5000. */
  readonly timeoutMs?: number;
  readonly tls?: TlsOptions;
  /** STARTTLS. `first: 'query'` sends the query itself first, in plaintext, and returns the answer to that. */
  readonly upgrade?: Omit<UpgradeOptions, 'first'> & { readonly first?: Query | 'query' };
  /** UDP: how often the query is sent. Default 3. */
  readonly tries?: number;
  /** UDP: a truncated answer is asked for again over TCP. Default true. */
  readonly retryTruncated?: boolean;
  /** UDP: set TO. It starts no upgrade there; servers may repeat it in the answer (the draft, §2.1.2). Default false. */
  readonly tlsOk?: boolean;
}

/** The outcome of an exchange. */
export interface Exchange {
  /** The transport that the answer came over. */
  readonly transport: Transport;
  readonly server: Required<ServerAddress>;
  /** When it began, in milliseconds since 1970. */
  readonly began: number;
  readonly message: Message;
  readonly octets: Uint8Array;
  /** Octets of the query. */
  readonly sent: number;
  /** Milliseconds of each step that was taken. */
  readonly times: Times & { readonly answer: number };
  /** Whether the answer came inside TLS. */
  readonly encrypted: boolean;
  readonly tls: TlsInfo | undefined;
  readonly upgrade: Upgrade | undefined;
  /** The answer over UDP was truncated; this one is over TCP. */
  readonly truncatedOverUdp: boolean;
  /** For `tls.ticket` of another exchange with this server. */
  readonly ticket: TlsTicket | undefined;
}

/** Asks `query` once, over a connection of its own. Rejects with a ClientError. */
export async function exchange(query: Query, options: ExchangeOptions): Promise<Exchange> {
  const began = systemClock.now();
  if (options.transport !== 'udp') return overStream(query, options, options.transport, began);
  const { server, about } = await locate(options.server, 'udp');
  const reply = await askUdp(query, server, about, {
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT,
    tries: options.tries ?? 3,
    ednsFlags: options.tlsOk ? EdnsFlag.TO : 0,
  });
  if ((reply.message.flags & HeaderFlag.TC) !== 0 && (options.retryTruncated ?? true))
    return { ...(await overStream(query, { ...options, server }, 'tcp', began)), truncatedOverUdp: true };
  return {
    ...described(reply),
    transport: 'udp',
    server,
    began,
    times: { answer: reply.milliseconds },
    encrypted: false,
    tls: undefined,
    upgrade: undefined,
    truncatedOverUdp: false,
    ticket: undefined,
  };
}

function described(reply: Reply): Pick<Exchange, 'message' | 'octets' | 'sent'> {
  return { message: reply.message, octets: reply.octets, sent: reply.sent };
}

async function overStream(
  query: Query,
  options: ExchangeOptions,
  transport: Exclude<Transport, 'udp'>,
  began: number,
): Promise<Exchange> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT;
  const { first, ...upgradeOptions } = options.upgrade ?? {};
  const open = await openSession({
    transport,
    server: options.server,
    timeoutMs,
    ...(options.tls && { tls: options.tls }),
    upgrade: { ...upgradeOptions, ...(first !== undefined && { first: first === 'query' ? query : first }) },
  });
  const { session, server, tls, upgrade } = open;
  const early = first === 'query' ? upgrade?.reply : undefined;
  let reply: Reply;
  try {
    reply = early ?? (await session.ask(query, { timeoutMs }));
  } finally {
    // Tickets of TLS 1.3 come after the handshake. If nothing is asked inside TLS, they are read while the session closes.
    await session.close();
  }
  return {
    ...described(reply),
    transport,
    server,
    began,
    times: { ...open.times, answer: reply.milliseconds },
    encrypted: early === undefined && session.encrypted,
    tls,
    upgrade,
    truncatedOverUdp: false,
    ticket: open.ticket(),
  };
}

/** Why the session of `done` does not resume that of `before`; undefined if it does. */
export function notResumed(before: Exchange, done: Exchange): string | undefined {
  if (done.tls === undefined) return 'this session has no TLS: the server did not offer the upgrade';
  if (done.tls.resumed) return undefined;
  if (before.tls === undefined) return 'the session before had no TLS: the server did not offer the upgrade';
  return before.ticket === undefined
    ? 'the server gave no ticket in the session before'
    : 'the server did not take the ticket of the session before';
}
