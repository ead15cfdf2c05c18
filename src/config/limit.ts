import * as z from 'zod/mini';

/** A whole number within bounds; the reference shows `unit`. */
export function limit(unit: string, min: number, max: number, fallback: number, reason: string) {
  return z
    ._default(z.int().check(z.gte(min), z.lte(max)), fallback)
    .register(z.globalRegistry, { description: reason, unit });
}
