/** The keys of adotd.yaml for keys of TSIG (RFC 8945). */
import * as z from 'zod/mini';
import { nameFromText, nameKey } from '../protocol/name.js';
import { leastMac, TSIG_ALGORITHMS } from '../protocol/tsig/tsig-key.js';
import { isDomainName } from './domain-name.js';

const ALGORITHMS = TSIG_ALGORITHMS.map(({ name }) => name);

/** Base64 with its padding (RFC 4648 §4), at least one octet. */
const base64 = z.string().check(
  z.regex(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)$/, {
    error: 'expected base64, as adotd keys tsig NAME prints it',
  }),
);

const tsigKey = z
  .strictObject({
    name: z
      .string()
      .check(z.refine(isDomainName, { error: 'expected a domain name' }))
      .register(z.globalRegistry, { description: 'Name of the key. Both sides must call it the same.' }),
    algorithm: z._default(z.enum(ALGORITHMS), 'hmac-sha256').register(z.globalRegistry, {
      description:
        'How messages are signed. `hmac-sha1` is for old peers only: RFC 8945 §6 does not recommend it. A request with the same name and another algorithm gets BADKEY.',
    }),
    secret: z.optional(base64).register(z.globalRegistry, {
      description: 'The secret, in base64. Better: `secret_file`.',
    }),
    secret_file: z.optional(z.string().check(z.minLength(1))).register(z.globalRegistry, {
      description:
        'File with the secret in base64 on a line of its own, or as `secret "…";` in a key file of BIND. Relative to this file.',
    }),
    mac_bits: z.optional(z.int().check(z.gte(80), z.lte(512), z.multipleOf(8))).register(z.globalRegistry, {
      unit: 'bits',
      description:
        'Length of the MACs that are sent, and the least that is accepted: shorter ones get BADTRUNC. Default: the whole MAC of the algorithm. RFC 8945 §5.2.2.1 allows no less than half of it, and 80.',
    }),
  })
  .check(
    z.superRefine(({ secret, secret_file: file, algorithm, mac_bits: bits }, context) => {
      if ((secret === undefined) === (file === undefined))
        context.addIssue({ code: 'custom', message: 'expected either secret or secret_file' });
      const row = TSIG_ALGORITHMS.find(({ name }) => name === algorithm);
      if (row === undefined || bits === undefined) return;
      const [least, most] = [leastMac(row) * 8, row.octets * 8];
      if (bits >= least && bits <= most) return;
      const message = `expected ${least} to ${most}, half of the MAC of ${algorithm} to the whole`;
      context.addIssue({ code: 'custom', path: ['mac_bits'], message });
    }),
  );

/** Keys of TSIG; each name once. */
export const tsig = z
  ._default(
    z.array(tsigKey).check(
      z.maxLength(10_000),
      z.superRefine((keys, context) => {
        const seen = new Set<string>();
        for (const [index, { name }] of keys.entries()) {
          if (!isDomainName(name)) continue;
          const key = nameKey(nameFromText(name));
          if (seen.has(key))
            context.addIssue({ code: 'custom', path: [index, 'name'], message: 'expected each name once' });
          seen.add(key);
        }
      }),
    ),
    [],
  )
  .register(z.globalRegistry, {
    description:
      'Keys that queries may be signed with (TSIG, RFC 8945). A signed query gets a signed answer; one with an unknown key gets NOTAUTH. `adotd keys tsig NAME` makes a key.',
  });
