/** The keys of adotd.yaml for query logging and dnstap. */
import * as z from 'zod';
import { limit } from './limit.js';

const SAMPLE_MAX = 1_000_000;

export const queryLog = z
  .strictObject({
    enabled: z.boolean().default(false).meta({
      description:
        'Log queries: client, transport, QNAME, QTYPE, RCODE, flags, size of the response, zone. Names are in presentation format, so that no query can forge a line.',
    }),
    sample: limit('queries', 1, SAMPLE_MAX, 1, 'One of so many is logged, chosen by chance; 1: all.'),
    file: z.string().min(1).optional().meta({
      description:
        'File that lines are appended to; relative to this file. A new one is begun when it was moved away. None: the log, at the level `info`, one write for each line. Lines that cannot be written in time are lost and counted.',
    }),
  })
  .prefault({});

export const dnstap = z
  .strictObject({
    socket: z.string().min(1).optional().meta({
      description:
        'Unix socket of a reader of dnstap (Frame Streams), such as fstrm_capture; relative to this file. It may come and go: what it does not take in time is lost and counted.',
    }),
    file: z.string().min(1).optional().meta({
      description:
        'File to write dnstap to, instead of a socket; relative to this file. One that is there already is set aside by the time in its name.',
    }),
    identity: z.string().max(255).optional().meta({
      description: 'How this server calls itself in dnstap. Default: the name of the host; empty: not at all.',
    }),
    sample: limit('queries', 1, SAMPLE_MAX, 1, 'One of so many is told, chosen by chance; 1: all.'),
    messages: z
      .array(z.enum(['query', 'response']))
      .min(1)
      .default(['query', 'response'])
      .meta({ description: 'What is told: AUTH_QUERY, AUTH_RESPONSE, or both.' }),
  })
  .refine(({ socket, file }) => socket === undefined || file === undefined, {
    error: 'expected socket or file, not both',
  })
  .prefault({});

/** Whether anything of queries is recorded. */
export function isTapped(config: {
  readonly query_log: z.output<typeof queryLog>;
  readonly dnstap: z.output<typeof dnstap>;
}): boolean {
  return config.query_log.enabled || config.dnstap.socket !== undefined || config.dnstap.file !== undefined;
}
