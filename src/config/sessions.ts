/** The keys of adotd.yaml for stream sessions. */
import * as z from 'zod/mini';
import { limit } from './limit.js';

/** Seconds. */
const IDLE_TIMEOUT_MIN = 2;

export const sessions = z.prefault(
  z
    .strictObject({
      idle_timeout: limit(
        's',
        1,
        3600,
        10,
        'The server closes a session that sends no complete message for this long (RFC 7766 §6.2.3), even if it has begun one. The time shrinks as the number of sessions grows; clients learn its value by edns-tcp-keepalive (RFC 7828). Default as in Knot; RFC 7766 recommends "a few seconds".',
      ),
      idle_timeout_min: z.optional(z.int().check(z.gte(1), z.lte(3600))).register(z.globalRegistry, {
        default: IDLE_TIMEOUT_MIN,
        description:
          'The shortest idle timeout. The timeout shrinks to it while the number of sessions grows from 50 % to 90 % of `max`. At most `idle_timeout`, and by default no longer than that. A guess: a busy resolver asks again within this time.',
        unit: 's',
      }),
      handshake_timeout: limit(
        's',
        1,
        60,
        5,
        'How long a TLS handshake may take: three round trips on a slow link, and computing. A guess.',
      ),
      message_timeout: limit(
        's',
        1,
        3600,
        5,
        'How long a message may take from its first octet to its last. This stops clients that send octet by octet. A guess.',
      ),
      drain_timeout: limit(
        's',
        1,
        60,
        2,
        'How long a closing connection has to take the last answers and to close. A guess: some round trips.',
      ),
      max: limit(
        'connections',
        1,
        1_000_000,
        10_000,
        'TCP and TLS connections in all, but never more than the limit on open files (`ulimit -n`) less a reserve. Each takes a file descriptor and about 4 kB, or 32 kB inside TLS. When there are too many, the server closes the one that has been idle longest (RFC 9539 §3.4). A guess: half of the usual limit on descriptors.',
      ),
      max_per_client: limit(
        'connections',
        0,
        1_000_000,
        0,
        'Connections of one IPv4 address or one IPv6 /56 (RFC 7766 §6.2.2). 0: 1000, or a tenth of `max` if that is more. The limit stops one client from keeping the others out.',
      ),
      max_queries: limit(
        'queries',
        1,
        1_000_000_000,
        1_000_000,
        'Queries of one session. After them the server closes it, and the client opens another. A guess: no session lives for ever, at no cost.',
      ),
      time_wait: z._default(z.enum(['server', 'client']), 'server').register(z.globalRegistry, {
        description:
          'Which side keeps TIME_WAIT when the server closes a TLS session on node:tls (on epoll it is always the client, see `streams`). `client`: after close_notify the server waits up to `drain_timeout` for the client to close TCP first. This costs half as much CPU again per query where each connection has only one query outstanding.',
      }),
      write_buffer: limit(
        'octets',
        65_536,
        16_777_216,
        262_144,
        'Room for answers that wait for a client that does not read. When it is full, the server stops reading from that client. Default: four of the longest messages.',
      ),
      write_buffer_total: limit(
        'octets',
        1_048_576,
        68_719_476_736,
        268_435_456,
        'The same for all clients together. With many sessions, each gets its share of this instead: at least 16 KiB, and one answer more. A guess.',
      ),
    })
    .check(
      z.superRefine(({ idle_timeout: idle, idle_timeout_min: least }, context) => {
        if (least === undefined || least <= idle) return;
        const message = `expected at least the ${least} of idle_timeout_min`;
        context.addIssue({ code: 'custom', path: ['idle_timeout'], message });
      }),
      z.overwrite((all) => ({
        ...all,
        idle_timeout_min: all.idle_timeout_min ?? Math.min(IDLE_TIMEOUT_MIN, all.idle_timeout),
      })),
    ),
  {},
);
