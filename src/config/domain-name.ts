import * as z from 'zod/mini';
import { AdotdError } from '../errors.js';
import { nameFromText } from '../protocol/name.js';

/** A domain name in presentation format, with or without its final dot. */
export const domainName = z.string().check(z.refine(isDomainName, { error: 'expected a domain name' }));

/** Whether it is a domain name in presentation format. */
export function isDomainName(text: string): boolean {
  try {
    return nameFromText(text).length > 0;
  } catch (error) {
    if (error instanceof AdotdError) return false;
    throw error;
  }
}
