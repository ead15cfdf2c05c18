/** The rate limit of a server, as the configuration has it. */
import { randomFillSync } from 'node:crypto';
import { limitedResponder, type RateLimitSettings, rateLimitWords } from '../../answer/rate-limit.js';
import type { Responder } from '../../answer/respond.js';
import type { Config } from '../../config/schema.js';
import { compileAccess } from '../../image/access.js';
import { prefixFromText } from '../../protocol/prefix.js';

/** What all threads of a server are told; plain data but for the shared memory. */
export interface RateLimit {
  readonly settings: RateLimitSettings;
  /** Of rateLimitWords(). */
  readonly words: Int32Array;
}

/** undefined: nothing is limited. Accounts start anew, under a new secret. */
export function rateLimitOf({ rate_limit: limit }: Pick<Config, 'rate_limit'>): RateLimit | undefined {
  if (limit.mode === 'off') return undefined;
  const settings: RateLimitSettings = {
    responses: limit.responses_per_second,
    all: limit.all_per_second,
    window: limit.window,
    slip: limit.slip,
    ipv4Prefix: limit.ipv4_prefix,
    ipv6Prefix: limit.ipv6_prefix,
    exempt: limit.exempt.length === 0 ? undefined : compileAccess(limit.exempt.map(prefixFromText), []),
    logOnly: limit.mode === 'log',
    secret: randomFillSync(new Int32Array(2)),
  };
  return { settings, words: rateLimitWords(limit.size) };
}

/** The responder under the limit; the same one when there is none, so that what is off costs nothing. */
export function underLimit(responder: Responder, limit: RateLimit | undefined): Responder {
  return limit ? limitedResponder(responder, limit.settings, limit.words) : responder;
}
