/** The part of adotd.yaml about stream sessions. */
import * as z from 'zod';
import { limit } from './limit.js';

/** Seconds. */
const IDLE_TIMEOUT_MIN = 2;

export const sessions = z
  .strictObject({
    idle_timeout: limit(
      's',
      1,
      3600,
      10,
      'A session without a whole message for so long is closed (RFC 7766 §6.2.3), also when one has begun; it shrinks when sessions get many, and is what edns-tcp-keepalive says (RFC 7828). Default as in Knot; RFC 7766 asks for "a few seconds".',
    ),
    idle_timeout_min: z.number().int().min(1).max(3600).optional().meta({
      default: IDLE_TIMEOUT_MIN,
      description:
        'What the idle timeout shrinks to between half and nine tenths of `max`; not more than `idle_timeout`, which it is by default where that is less. A guess: a resolver that is busy asks again within that.',
      unit: 's',
    }),
    handshake_timeout: limit(
      's',
      1,
      60,
      5,
      'Time that a TLS handshake may take: three round trips of a slow link, and computing. A guess.',
    ),
    message_timeout: limit(
      's',
      1,
      3600,
      5,
      'Time from the first octet of a message to its last, against clients that send octet by octet. A guess.',
    ),
    drain_timeout: limit(
      's',
      1,
      60,
      2,
      'Time that a closing connection has to take the last answers and to close. A guess: some round trips.',
    ),
    max: limit(
      'connections',
      1,
      1_000_000,
      10_000,
      'TCP and TLS connections in all, but never more than the limit on open files (`ulimit -n`) less a reserve; one takes a file descriptor, and about 4 kB, inside TLS 32 kB. When they are too many, the one that has been idle longest is closed (RFC 9539 §3.4). A guess: half of the usual limit on descriptors.',
    ),
    max_per_client: limit(
      'connections',
      0,
      1_000_000,
      0,
      'Connections of one IPv4 address or one IPv6 /56 (RFC 7766 §6.2.2). 0: 1000, or a tenth of `max` if that is more, so that one client cannot keep the others out.',
    ),
    max_queries: limit(
      'queries',
      1,
      1_000_000_000,
      1_000_000,
      'Queries of one session; then it is closed and the client opens another. A guess: it keeps a session from living for ever, and costs nothing.',
    ),
    time_wait: z.enum(['server', 'client']).default('server').meta({
      description:
        'Who keeps TIME_WAIT when the server closes a TLS session. `client`: the server waits after close_notify, for `drain_timeout` at the longest, so that the client closes TCP first; that costs half as much CPU again per query where each connection has only one outstanding.',
    }),
    write_buffer: limit(
      'octets',
      65_536,
      16_777_216,
      262_144,
      'Answers that may wait for a client that does not read; nothing more is read from it meanwhile. Default: four of the longest messages.',
    ),
    write_buffer_total: limit(
      'octets',
      1_048_576,
      68_719_476_736,
      268_435_456,
      'The same for all clients together: with many sessions each has its share of it instead, 16 KiB at the least, and one answer more. A guess.',
    ),
  })
  .superRefine(({ idle_timeout: idle, idle_timeout_min: least }, context) => {
    if (least === undefined || least <= idle) return;
    const message = `expected at least the ${least} of idle_timeout_min`;
    context.addIssue({ code: 'custom', path: ['idle_timeout'], message });
  })
  .overwrite((all) => ({
    ...all,
    idle_timeout_min: all.idle_timeout_min ?? Math.min(IDLE_TIMEOUT_MIN, all.idle_timeout),
  }))
  .prefault({});
