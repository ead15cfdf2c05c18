/** The context that all parts of a probe share: the server, the time limits and the question. */
import type { ClientClock } from '../client-clock.js';
import { ClientError, fromSystem } from '../errors.js';
import {
  type OpenSession,
  openSession,
  type ServerAddress,
  type SessionOptions,
  type StreamTransport,
} from '../session/connect.js';
import type { Reply } from '../session/reply.js';
import { askUdp } from '../session/udp.js';
import type { EdnsRequest } from '../wire/edns.js';
import type { Query } from '../wire/message.js';
import type { Failure } from './probe-report.js';

export interface ProbeContext {
  readonly address: string;
  readonly port: number;
  readonly tlsPort: number;
  /** For SNI; undefined: none is sent. */
  readonly name: string | undefined;
  /** Milliseconds of a step. */
  readonly stepMs: number;
  /** Milliseconds of all steps until a session is open. */
  readonly establishMs: number;
  /** Milliseconds that an idle session is watched. */
  readonly idleMs: number;
  /** Aborted when the time for the whole probe is over. */
  readonly signal: AbortSignal;
  readonly clock: ClientClock;
  /** The question that every transport is tried with. */
  readonly question: Query;
}

/** The time of day (ISO 8601, UTC) of a moment on the clock's `elapsed`. */
export function timeOfDay(clock: ClientClock, elapsed: number): string {
  return new Date(clock.now() - (clock.elapsed() - elapsed)).toISOString();
}

/** The EDNS of a careful client: padded as RFC 8467 §4.1 says, and asking for keepalive. */
export const EDNS: EdnsRequest = { padding: 128, keepalive: true };

/** How often a query is sent over UDP. One lost datagram says nothing about the server. */
const UDP_TRIES = 2;

export const serverOf = (context: ProbeContext, transport: StreamTransport | 'udp'): Required<ServerAddress> => ({
  address: context.address,
  port: transport === 'tls' ? context.tlsPort : context.port,
});

/** Opens a session within the limits of the probe. Rejects with a ClientError. */
export function open(
  context: ProbeContext,
  transport: StreamTransport,
  options: Pick<SessionOptions, 'tls' | 'upgrade'> = {},
): Promise<OpenSession> {
  const { stepMs: timeoutMs, establishMs, signal, clock, name } = context;
  return openSession({
    transport,
    server: serverOf(context, transport),
    timeoutMs,
    establishMs,
    signal,
    clock,
    observeClose: true,
    ...options,
    tls: { ...(name !== undefined && { name }), ...options.tls },
  });
}

/** Asks over UDP within the limits of the probe. Rejects with a ClientError. */
export function overUdp(context: ProbeContext, query: Query, ednsFlags = 0): Promise<Reply> {
  const { address, port, signal } = context;
  // The tries share the time of a step.
  const timeoutMs = Math.max(1, Math.floor(context.stepMs / UDP_TRIES));
  const options = { timeoutMs, tries: UDP_TRIES, ednsFlags, signal, clock: context.clock };
  return askUdp(query, { address, port }, `${address}:${port} (udp)`, options);
}

function failureOf(error: unknown): Failure {
  const known = error instanceof ClientError ? error : fromSystem(error, 'probe', 'connect');
  return { code: known.code, step: known.step, message: known.message };
}

/** The value of `promise`, or its failure. Errors of other classes than ClientError are thrown. */
export async function attempted<T>(promise: Promise<T>): Promise<{ value: T } | { failure: Failure }> {
  try {
    return { value: await promise };
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    return { failure: failureOf(error) };
  }
}
