/** The keys of adotd.yaml for query logging and dnstap. */
import * as z from 'zod';
import { limit } from './limit.js';

const SAMPLE_MAX = 1_000_000;

export const queryLog = z
  .strictObject({
    enabled: z.boolean().default(false).meta({
      description:
        'Log queries: client, transport (`udp`, `tcp`, `starttls`, `tls`), QNAME, QTYPE, RCODE, flags, size of the response, zone. Names are in presentation format, so no query can forge a line.',
    }),
    sample: limit('queries', 1, SAMPLE_MAX, 1, '1 query in N is logged, chosen at random. 1: all.'),
    file: z.string().min(1).optional().meta({
      description:
        'File that the server appends lines to. Relative to this file. After the file is moved away, the server begins a new one. It opens the file as `user`. Default: the log, at the level `info`, one write per line. Lines that cannot be written in time are lost and counted.',
    }),
  })
  .prefault({});

export const dnstap = z
  .strictObject({
    socket: z.string().min(1).optional().meta({
      description:
        'Unix socket of a dnstap reader (Frame Streams) such as fstrm_capture. Relative to this file. The reader may come and go. Messages that it does not take in time are lost and counted.',
    }),
    file: z.string().min(1).optional().meta({
      description:
        'File to write dnstap to, instead of a socket. Relative to this file. An existing file is renamed first: its name gets the time. The server opens it as `user`.',
    }),
    identity: z.string().max(255).optional().meta({
      description: 'Name of this server in dnstap. Default: the name of the host. Empty: no name.',
    }),
    sample: limit('queries', 1, SAMPLE_MAX, 1, '1 query in N is sent, chosen at random. 1: all.'),
    messages: z
      .array(z.enum(['query', 'response']))
      .min(1)
      .default(['query', 'response'])
      .meta({ description: 'Messages that are sent: AUTH_QUERY, AUTH_RESPONSE, or both.' }),
  })
  .refine(({ socket, file }) => socket === undefined || file === undefined, {
    error: 'expected socket or file, not both',
  })
  .prefault({});

/** Whether queries are logged or sent to dnstap. */
export function isTapped(config: {
  readonly query_log: z.output<typeof queryLog>;
  readonly dnstap: z.output<typeof dnstap>;
}): boolean {
  return config.query_log.enabled || config.dnstap.socket !== undefined || config.dnstap.file !== undefined;
}
