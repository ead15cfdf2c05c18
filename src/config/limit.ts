import * as z from 'zod/mini';

/** A whole number within bounds; `unit` is shown in the reference. */
export function limit(unit: string, min: number, max: number, fallback: number, reason: string) {
  return z
    ._default(z.int().check(z.gte(min), z.lte(max)), fallback)
    .register(z.globalRegistry, { description: reason, unit });
}
