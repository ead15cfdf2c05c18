/** The behaviour of a server in a session over a stream: with several queries at once, while the session is idle, and at its end. */
import { EdnsOption } from '../../protocol/iana.js';
import type { ClientSession } from '../session/client-session.js';
import type { OpenSession } from '../session/connect.js';
import type { Reply } from '../session/reply.js';
import { keepaliveOf } from '../wire/edns.js';
import { type Query, randomId } from '../wire/message.js';
import { attempted, EDNS, type ProbeContext, timeOfDay } from './probe-context.js';
import type { Closing, IdleReport, PaddingReport, PipelineReport } from './probe-report.js';

/** Queries that are sent at once; a guess. */
const AT_ONCE = 8;

/** Sends queries without waiting between them. */
export async function pipeline(
  context: ProbeContext,
  session: ClientSession,
): Promise<{ report: PipelineReport; replies: Reply[] }> {
  const arrivals: number[] = [];
  const replies: Reply[] = [];
  const first = randomId();
  const asked = Array.from({ length: AT_ONCE }, async (_, index) => {
    // Neighbouring IDs, all different.
    const query: Query = { ...context.question, edns: EDNS, id: (first + index) & 0xffff };
    const one = await attempted(session.ask(query, { timeoutMs: context.stepMs, signal: context.signal }));
    if ('failure' in one) return;
    arrivals.push(index);
    replies.push(one.value);
  });
  await Promise.all(asked);
  const overtaking = arrivals.some((index, position) => index < (arrivals[position - 1] ?? -1));
  return { report: { asked: AT_ONCE, answered: replies.length, overtaking }, replies };
}

/**
 * Sends nothing, and watches whether the server closes the session. It has been idle since the last message, which may be a while ago:
 * some servers leave queries unanswered, and others close while the probe waits for those answers.
 */
export async function idle(context: ProbeContext, session: ClientSession): Promise<IdleReport> {
  const { clock, idleMs, signal } = context;
  const since = session.lastActive;
  const left = Math.max(0, since + idleMs - clock.elapsed());
  await new Promise<void>((resolve) => {
    const stop = clock.after(left, () => done());
    const done = (): void => {
      stop();
      signal.removeEventListener('abort', done);
      resolve();
    };
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
    session.onEnded(done);
  });
  const until = session.endedAt ?? clock.elapsed();
  return {
    waited: until - since,
    since: timeOfDay(clock, since),
    until: timeOfDay(clock, until),
    closed: session.ending,
  };
}

/** Closes the session, and returns how the server closes it; undefined if the server closed first. */
export async function farewell(session: ClientSession): Promise<Closing | undefined> {
  if (!session.open) return undefined;
  await session.close();
  return session.ending ?? 'silent';
}

/** The keepalive value of the last reply that has one: each replaces those before it. */
export function keepaliveIn(replies: readonly Reply[]): number | undefined {
  return replies.map(({ message }) => keepaliveOf(message.edns)).findLast((value) => value !== undefined);
}

/** The padding in the replies to padded queries. */
export function paddingIn(replies: readonly Reply[]): PaddingReport {
  const padded = replies.filter(({ message }) => message.edns?.options.some(({ code }) => code === EdnsOption.PADDING));
  const lengths = [...new Set(padded.map(({ octets }) => octets.length))].sort((a, b) => a - b);
  return { answers: replies.length, padded: padded.length, lengths };
}

type Reopen = (ticket: NonNullable<ReturnType<OpenSession['ticket']>>) => Promise<OpenSession>;

/**
 * Opens one more session by the ticket of the one before, and returns whether it was resumed; undefined if none opened. Without a
 * ticket it was not.
 */
export async function resumedBy(before: OpenSession, reopen: Reopen): Promise<boolean | undefined> {
  const ticket = before.ticket();
  if (ticket === undefined) return false;
  const again = await attempted(reopen(ticket));
  if ('failure' in again) return undefined;
  await again.value.session.close();
  return again.value.tls?.resumed ?? false;
}
