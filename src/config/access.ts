/** The keys of adotd.yaml for access lists. */
import * as z from 'zod/mini';
import { AdotdError } from '../errors.js';
import { prefixFromText, prefixToText } from '../protocol/prefix.js';

/** Prefixes of one list. A guess: several times those of a country. A table of this size takes at most 2 MB. */
const MAX_PREFIXES = 50_000;

/** An address or a prefix, IPv4 or IPv6. */
export const prefix = z.string().check(
  z.superRefine((text, context) => {
    try {
      prefixFromText(text);
    } catch (error) {
      if (!(error instanceof AdotdError)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
    }
  }),
);

/** A list of prefixes. It may not be empty: that would read as "nobody", while a missing list means "everybody". */
const prefixes = z.array(prefix).check(z.minLength(1), z.maxLength(MAX_PREFIXES));

/** Access lists. `what`: the answers that they are about. */
export function access(what: string) {
  return z
    .strictObject({
      allow: z.optional(prefixes).register(z.globalRegistry, {
        description: `Addresses and prefixes that get ${what}, such as \`192.0.2.0/24\`, \`2001:db8::/32\`. If the list is given, all other clients are refused. The most specific matching prefix of both lists decides.`,
      }),
      deny: z.optional(prefixes).register(z.globalRegistry, {
        description: `Addresses and prefixes that do not get ${what}. They get REFUSED with the extended error 18 (Prohibited).`,
      }),
    })
    .check(
      z.superRefine(({ allow = [], deny = [] }, context) => {
        const allowed = new Set(allow.map(canonicalPrefix));
        const index = deny.findIndex((text) => allowed.has(canonicalPrefix(text)));
        if (index >= 0) {
          context.addIssue({
            code: 'custom',
            path: ['deny', index],
            message: 'expected a prefix that is not allowed too',
          });
        }
      }),
    );
}

/** A text that is no prefix is returned as it is: it is reported elsewhere. */
function canonicalPrefix(text: string): string {
  try {
    return prefixToText(prefixFromText(text));
  } catch {
    return text;
  }
}
