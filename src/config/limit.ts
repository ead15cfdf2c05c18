import * as z from 'zod';

/** A whole number within bounds; `unit` is shown in the reference. */
export function limit(unit: string, min: number, max: number, fallback: number, reason: string) {
  return z.number().int().min(min).max(max).default(fallback).meta({ description: reason, unit });
}
