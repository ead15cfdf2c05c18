/** The input of requests to the control interface: names of zones, and JSON of a known form. */
import type * as z from 'zod/mini';
import { describeIssues } from '../../config/issues.js';
import { nameFromText, nameToText } from '../../protocol/name.js';
import { ControlError } from './control-http.js';

/** Characters of a zone's name in presentation format, at most. */
export const MAX_NAME_TEXT = 1100;

/** A zone's name in canonical presentation format. Throws ADOTD_PRESENTATION. */
export function canonical(text: string): string {
  return nameToText(nameFromText(text));
}

/** The body of a request, checked. Throws ControlError. */
export function parsed<T extends z.ZodMiniType>(schema: T, body: unknown): z.output<T> {
  const result = schema.safeParse(body ?? {});
  if (result.success) return result.data;
  const lines = describeIssues(result.error.issues, body ?? {}, schema).message.split('\n');
  throw new ControlError(400, 'BAD_REQUEST', lines.join('; '));
}
