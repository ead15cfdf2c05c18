/**
 * The JSON Schema of the output of `adotd report --format json`, with and without `--compare`. The types of the report hold for it: a
 * figure that is missing here does not compile. Objects may have more than it says: later versions add figures.
 */
import * as z from 'zod/mini';
import type { Comparison } from './comparison.js';
import type { Report } from './make-report.js';
import { dataSchema } from './report-data.js';

const whole = z.int().check(z.gte(0));
const amount = z.number().check(z.gte(0));
/** null: it is not known. */
const known = z.nullable(amount);
const share = amount.check(z.lte(1));
const counts = z.record(z.string(), whole);
const byName = <T extends z.ZodMiniType>(one: T) => z.record(z.string(), one);

const transport = z.looseObject({
  queries: whole,
  share,
  ipv4: whole,
  ipv6: whole,
  octets_in: whole,
  octets_out: whole,
  truncated: whole,
  padded: whole,
  padding_octets: whole,
  compared: whole,
  different: whole,
  answers: counts,
  cpu_per_query: known,
  cpu_per_query_with_handshakes: known,
});

const path = z.looseObject({
  opened: whole,
  ipv4: whole,
  ipv6: whole,
  octets_in: whole,
  octets_out: whole,
  closed_by_client: counts,
  closed_by_server: counts,
  queries_per_session: known,
  seconds_per_session: known,
  mean_pause: known,
  mean_round_trip: known,
  mean_first_answer: known,
});

const handshakes = z.looseObject({ full: whole, resumed: whole, failed: whole, failures: counts, mean_seconds: known });

const afterHandshakes = z.looseObject({
  handshakes: whole,
  asked_in_clear: whole,
  came_back: whole,
  came_back_within: counts,
  mean_seconds_away: known,
  beside_others: whole,
  away: whole,
});

const following = z.looseObject({
  window: whole,
  one_in: whole,
  not_followed: whole,
  used: counts,
  moves: z.array(z.looseObject({ from: z.string(), to: z.string(), times: whole, clients: whole })),
  tried_tls: whole,
  completed_tls: whole,
  came_back_to_tls: whole,
  after_handshakes: byName(afterHandshakes),
  truncation: z.looseObject({ answers: whole, retried: counts, not_retried: whole }),
});

const figures = z.looseObject({
  queries: whole,
  seconds: whole,
  transports: byName(transport),
  paths: byName(path),
  handshakes: byName(handshakes),
  alpn_dot: whole,
  server_name: whole,
  starttls: counts,
  connections_refused: whole,
  cpu: byName(amount),
  cpu_per_handshake: known,
  memory: whole,
  following,
});

const reportSchema: z.ZodMiniType<Report> = z.looseObject({
  adotd_report: z.literal(1),
  from: amount,
  to: amount,
  step: whole,
  words: z.string(),
  figures,
  clients: z.array(z.looseObject({ day: z.string(), clients: counts, all: whole, inside: whole, keys: whole })),
  points: z.array(z.looseObject({ at: whole, seconds: whole, queries: counts })),
  sources: z.array(dataSchema),
});

const span = z.looseObject({ from: amount, to: amount });

const comparisonSchema: z.ZodMiniType<Comparison> = z.looseObject({
  adotd_comparison: z.literal(1),
  before: span,
  after: span,
  words: z.string(),
  rows: z.array(
    z.looseObject({
      name: z.string(),
      unit: z.string(),
      before: known,
      after: known,
      change: z.nullable(z.number()),
    }),
  ),
});

/** The JSON Schema (draft 2020-12). */
export function reportJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(z.union([reportSchema, comparisonSchema])), title: 'adotd report --format json' };
}
