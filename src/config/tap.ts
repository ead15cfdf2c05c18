/** The keys of adotd.yaml for query logging and dnstap. */
import * as z from 'zod/mini';
import { limit } from './limit.js';

const SAMPLE_MAX = 1_000_000;

export const queryLog = z.prefault(
  z.strictObject({
    enabled: z._default(z.boolean(), false).register(z.globalRegistry, {
      description:
        'Log queries: client, transport (`udp`, `tcp`, `starttls`, `tls`), QNAME, QTYPE, RCODE, flags, size of the response, zone. Names are in presentation format, so no query can forge a line.',
    }),
    sample: limit('queries', 1, SAMPLE_MAX, 1, '1 query in N is logged, chosen at random. 1: all.'),
    file: z.optional(z.string().check(z.minLength(1))).register(z.globalRegistry, {
      description:
        'File that the server appends lines to. Relative to this file. After the file is moved away, the server begins a new one. It opens the file as `user`. Default: the log, at the level `info`, one write per line. Lines that cannot be written in time are lost and counted.',
    }),
  }),
  {},
);

export const dnstap = z.prefault(
  z
    .strictObject({
      socket: z.optional(z.string().check(z.minLength(1))).register(z.globalRegistry, {
        description:
          'Unix socket of a dnstap reader (Frame Streams) such as fstrm_capture. Relative to this file. The reader may come and go. Messages that it does not take in time are lost and counted.',
      }),
      file: z.optional(z.string().check(z.minLength(1))).register(z.globalRegistry, {
        description:
          'File to write dnstap to, instead of a socket. Relative to this file. An existing file is renamed first: its name gets the time. The server opens it as `user`.',
      }),
      identity: z.optional(z.string().check(z.maxLength(255))).register(z.globalRegistry, {
        description: 'Name of this server in dnstap. Default: the name of the host. Empty: no name.',
      }),
      sample: limit('queries', 1, SAMPLE_MAX, 1, '1 query in N is sent, chosen at random. 1: all.'),
      messages: z
        ._default(z.array(z.enum(['query', 'response'])).check(z.minLength(1)), ['query', 'response'])
        .register(z.globalRegistry, { description: 'Messages that are sent: AUTH_QUERY, AUTH_RESPONSE, or both.' }),
    })
    .check(
      z.refine(({ socket, file }) => socket === undefined || file === undefined, {
        error: 'expected socket or file, not both',
      }),
    ),
  {},
);

/** Whether queries are logged or sent to dnstap. */
export function isTapped(config: {
  readonly query_log: z.output<typeof queryLog>;
  readonly dnstap: z.output<typeof dnstap>;
}): boolean {
  return config.query_log.enabled || config.dnstap.socket !== undefined || config.dnstap.file !== undefined;
}
