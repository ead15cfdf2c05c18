/** The keys of adotd.yaml for access lists and the policies of zones. */
import * as z from 'zod/mini';
import { AdotdError } from '../errors.js';
import { zoneKey } from '../protocol/name.js';
import { prefixFromText, prefixToText } from '../protocol/prefix.js';
import { domainName } from './domain-name.js';

/** Prefixes of one list. A guess: several times those of a country. A table of this size takes at most 2 MB. */
const MAX_PREFIXES = 50_000;
/** Policies, and zones of one policy. A guess. */
const MAX_POLICIES = 1000;
const MAX_ZONES = 100_000;

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

/** What is checked of signed zones when they are loaded. */
export const dnssecCheck = z.enum(['off', 'expiry', 'full']);

/** Policies of single zones. */
export const zonePolicies = z
  ._default(
    z
      .array(
        z.strictObject({
          zones: z.array(domainName).check(z.minLength(1), z.maxLength(MAX_ZONES)).register(z.globalRegistry, {
            description:
              'Names of the zones that the policy applies to, from the folder or from `files`. It does not apply to zones below them.',
          }),
          require: z.optional(z.enum(['tls'])).register(z.globalRegistry, {
            description:
              'Answer these zones inside TLS only. Over UDP, and over TCP before STARTTLS, they are REFUSED with the extended error 18 (Prohibited). `adotd check` reports what other zones give away about them.',
          }),
          access: z.optional(access('answers from these zones')).register(z.globalRegistry, {
            description: 'Clients that may ask for these zones. The `access` of the server must let them in as well.',
          }),
          dnssec_check: z.optional(dnssecCheck).register(z.globalRegistry, {
            description: 'As `zones.dnssec_check`, for these zones.',
          }),
        }),
      )
      .check(
        z.maxLength(MAX_POLICIES),
        z.superRefine((policies, context) => {
          const seen = new Set<string>();
          policies.forEach(({ zones }, policy) => {
            zones.forEach((name, index) => {
              const key = zoneKey(name);
              if (seen.has(key)) {
                const message = 'expected each zone in one policy, once';
                context.addIssue({ code: 'custom', path: [policy, 'zones', index], message });
              }
              seen.add(key);
            });
          });
        }),
      ),
    [],
  )
  .register(z.globalRegistry, { description: 'Rules for some zones, by their names.' });
