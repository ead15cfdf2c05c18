/** A transport of a server for any number of questions. A stream that the server has closed is opened again. */
import { ClientError } from '../errors.js';
import type { OpenSession, StreamTransport, Times, Transport } from '../session/connect.js';
import type { Reply } from '../session/reply.js';
import type { TlsTicket } from '../session/tls-connection.js';
import type { Query } from '../wire/message.js';
import { attempted, EDNS, open, overUdp, type ProbeContext, timeOfDay } from './probe-context.js';
import type { Failure } from './probe-report.js';

export interface Channel {
  readonly transport: Transport;
  /** Asks. Over a stream, one question at a time: some servers cannot take several. Rejects with a ClientError. */
  ask(query: Query): Promise<Reply>;
}

export interface StreamChannel extends Channel {
  readonly transport: StreamTransport;
  /** The open session, or a new one. */
  session(ticket?: TlsTicket): Promise<OpenSession>;
  /** Replies so far, over all sessions. */
  readonly replies: readonly Reply[];
  /** Closes the session at once. */
  destroy(): void;
}

export interface Reached<T extends Channel> {
  readonly channel: T;
  /** The channel's session. */
  readonly open: OpenSession | undefined;
  readonly reply: Reply;
  readonly times: Times & { readonly answer: number };
  /** When it was tried, as a time of day. */
  readonly began: string;
}

interface NotReached {
  readonly failure: Failure;
  readonly began: string;
  /** Whether a session opened, over which no answer came. */
  readonly opened: boolean;
}

export type Reach<T extends Channel> = Reached<T> | NotReached;

/** `first`: the first query of STARTTLS, in cleartext. */
function streamChannel(context: ProbeContext, transport: StreamTransport, first?: Query): StreamChannel {
  const { stepMs: timeoutMs, signal } = context;
  let now: OpenSession | undefined;
  const replies: Reply[] = [];
  const session = async (ticket?: TlsTicket): Promise<OpenSession> => {
    if (now?.session.open) return now;
    now = await open(context, transport, {
      ...(ticket !== undefined && { tls: { ticket } }),
      ...(first !== undefined && { upgrade: { first } }),
    });
    return now;
  };
  const askOnce = async (query: Query): Promise<Reply> => {
    const used = await session();
    const limits = { timeoutMs, signal };
    try {
      return await used.session.ask(query, limits);
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      if (!used.session.open) {
        // Servers may close at any time, with queries under way (RFC 7766 §6.2.4). The query is asked once more.
        return (await session()).session.ask(query, limits);
      }
      // A session that has not answered one question may not answer the next one either.
      used.session.destroy();
      throw error;
    }
  };
  let turn: Promise<unknown> = Promise.resolve();
  return {
    transport,
    replies,
    session,
    async ask(query) {
      const asked = turn.then(() => askOnce(query));
      turn = asked.catch(() => {});
      const reply = await asked;
      replies.push(reply);
      return reply;
    },
    destroy: () => now?.session.destroy(),
  };
}

/** Tries UDP with the probe's question. */
export async function reachUdp(context: ProbeContext): Promise<Reach<Channel>> {
  const { clock } = context;
  const began = timeOfDay(clock, clock.elapsed());
  const channel: Channel = { transport: 'udp', ask: (query) => overUdp(context, query) };
  const asked = await attempted(channel.ask({ ...context.question, edns: EDNS }));
  if ('failure' in asked) return { ...asked, opened: false, began };
  return { channel, open: undefined, reply: asked.value, times: { answer: asked.value.milliseconds }, began };
}

/** Tries a transport over a stream with the probe's question. */
export async function reachStream(
  context: ProbeContext,
  transport: StreamTransport,
  first?: Query,
): Promise<Reach<StreamChannel>> {
  const { clock } = context;
  const began = timeOfDay(clock, clock.elapsed());
  const channel = streamChannel(context, transport, first);
  const opening = await attempted(channel.session());
  if ('failure' in opening) return { ...opening, opened: false, began };
  const asked = await attempted(channel.ask({ ...context.question, edns: EDNS }));
  if ('failure' in asked) {
    channel.destroy();
    return { ...asked, opened: true, began };
  }
  const times = { ...opening.value.times, answer: asked.value.milliseconds };
  return { channel, open: opening.value, reply: asked.value, times, began };
}
