/** The keys of adotd.yaml for zones that are signed here. Mistakes between them and other keys are in dnssec-mistakes.ts. */
import * as z from 'zod/mini';
import { algorithmNumber, algorithmText, canSign, isRsa, RSA_BITS, signingMnemonics } from '../../dnssec/algorithms.js';
import { durationLimit, optionalDuration } from './duration.js';
import { durationText } from './duration-text.js';

const MINUTE = 60;
const DAY = 86_400;
const YEAR = 365 * DAY;

/** The policy that exists without being written. */
export const DEFAULT_POLICY = 'default';
/** In a policy of zones: they are not signed here. */
export const UNSIGNED = 'off';

/** Policies. A guess. */
const MAX_POLICIES = 100;

const algorithms = signingMnemonics().join(', ');
const algorithmError = `expected ${algorithms}, or the number of one of them`;

const rsaBitsError = `expected ${RSA_BITS.least} to ${RSA_BITS.most}`;

const algorithm = z
  .prefault(
    z.pipe(
      z.union([z.int(), z.string()], { error: algorithmError }),
      z.transform((value, context): number => {
        const number = typeof value === 'string' ? algorithmNumber(value) : value;
        if (number !== undefined && canSign(number)) return number;
        context.issues.push({ code: 'custom', message: algorithmError, input: value });
        return z.NEVER;
      }),
    ),
    'ECDSAP256SHA256',
  )
  .register(z.globalRegistry, {
    description:
      'Algorithm of the keys, by its mnemonic or number. RFC 8624 §3.1 recommends the default: it is verified everywhere, and its signatures are small. Another algorithm later is a rollover; it breaks nothing.',
    range: signingMnemonics()
      .map((mnemonic) => `\`${mnemonic}\``)
      .join(', '),
  });

const LIFETIME = { min: MINUTE, max: 20 * YEAR, word: 'unlimited' } as const;
/** TTLs: RFC 8767 §4 calls more than a week exceptional. */
const TTL = { min: 1, max: 7 * DAY };
const DELAY = { min: 0, max: 30 * DAY };

const nsec3 = z.strictObject({
  opt_out: z._default(z.boolean(), false).register(z.globalRegistry, {
    description:
      'With NSEC3: leave unsigned delegations out of the chain (RFC 5155 §6). For zones of many delegations; others can then be inserted unnoticed.',
  }),
});

const dnssecPolicy = z.strictObject({
  algorithm,
  rsa_bits: z
    .optional(
      z
        .int({ error: rsaBitsError })
        .check(z.minimum(RSA_BITS.least, { error: rsaBitsError }), z.maximum(RSA_BITS.most, { error: rsaBitsError })),
    )
    .register(z.globalRegistry, {
      description:
        'Bits of RSA keys, with `algorithm: RSASHA256` only. Keys of another size are rolled. Default: new keys have 2048, the least that is held to be safe today, and those that are there stay. With more, answers get large: those that do not fit over UDP come again over TCP. With less, somebody may find the private key; for parents or devices that take no other.',
      range: `${RSA_BITS.least}–${RSA_BITS.most}`,
    }),
  keys: z._default(z.enum(['csk', 'ksk+zsk']), 'csk').register(z.globalRegistry, {
    description:
      '`csk`: one key that signs everything. `ksk+zsk`: a key that the parent knows and that signs only keys, and another one for the zone, which can be rolled without the parent.',
  }),
  csk_lifetime: durationLimit(
    LIFETIME,
    'unlimited',
    'How long a CSK is used before it is rolled. `unlimited`: until `adotd ctl dnssec roll`. A roll needs the parent, so by default none begins by itself.',
  ),
  ksk_lifetime: durationLimit(LIFETIME, 'unlimited', 'The same of a KSK.'),
  zsk_lifetime: durationLimit(
    LIFETIME,
    '90d',
    'The same of a ZSK. It is rolled without the parent. A guess: often enough that a roll is nothing special.',
  ),
  validity: durationLimit(
    { min: MINUTE, max: YEAR },
    '14d',
    'How long new signatures are valid, at most. They begin one hour before they are made, for slow clocks. Default as in BIND: a stolen answer is soon of no use, and a server that cannot sign for a week breaks nothing.',
  ),
  refresh: optionalDuration(
    { min: 1, max: YEAR },
    'Signatures are renewed when they are valid for no longer than this. It has to be more than EXPIRE of the SOA record and the largest TTL of the zone together: a secondary that does not reach this server serves what it has for so long. Default: half of `validity`.',
  ),
  jitter: optionalDuration(
    { min: 0, max: YEAR },
    'The ends of signatures are spread over this time, so that they are not renewed all at once. At most `validity` less `refresh`. Default: five sevenths of that.',
  ),
  nsec3: z
    ._default(
      z.union([z.literal(false), nsec3], { error: 'expected false, or a map such as { opt_out: false }' }),
      false,
    )
    .register(z.globalRegistry, {
      description:
        '`false`: NSEC. `{}`: NSEC3 without salt and additional iterations (RFC 9276 §3.1), so that the names of the zone cannot be listed without guessing.',
      range: '`false`, `{ opt_out: false }`, `{ opt_out: true }`',
    }),
  cds: z._default(z.enum(['on', 'off']), 'on').register(z.globalRegistry, {
    description:
      'Publish CDS and CDNSKEY records (RFC 7344), which ask the parent for DS records. `off`: for registrars that take keys by hand only.',
  }),
  parent: z._default(z.array(z.string().check(z.minLength(1))).check(z.maxLength(64)), []).register(z.globalRegistry, {
    description:
      'All servers of the parent zone, from `remotes`. They are asked for DS records. Without them, somebody has to say what is there: `adotd ctl dnssec ds-seen` and `ds-gone`; only before a first key is made, `resolver` is asked.',
  }),
  multi_signer: z
    ._default(z.array(z.string().check(z.minLength(1))).check(z.maxLength(64)), [])
    .register(z.globalRegistry, {
      description:
        'Other signers sign and serve the zones as well, with keys of their own (RFC 8901 model 2): all their servers, from `remotes`. DNSKEY, CDS and CDNSKEY records of theirs in the content are kept and signed. Their servers are asked for our keys: a key signs only when all of them have it. Empty: such records are refused. `docs/dnssec.md` says how signers join and leave.',
    }),
  dnskey_ttl: durationLimit(
    TTL,
    '1h',
    'TTL of DNSKEY, CDS and CDNSKEY records. The shorter, the sooner a roll ends. Default as in BIND.',
  ),
  ds_ttl: durationLimit(
    TTL,
    '1d',
    'The largest TTL that DS records have at the parent. Default as in BIND: most parents have one day or less.',
  ),
  propagation: durationLimit(
    DELAY,
    '1h',
    'How long it takes at most until all secondaries have a new version. Default as in Knot: more than NOTIFY and a transfer need. Without NOTIFY it is REFRESH of the SOA record.',
  ),
  parent_propagation: durationLimit(
    DELAY,
    '1h',
    'How long it takes at most until all servers of the parent have its new version. Default as in BIND.',
  ),
});

/** Policies by name. */
export const dnssec = z.prefault(
  z.strictObject({
    policies: z
      ._default(
        z
          .record(
            z.string().check(
              z.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, {
                error: 'expected at most 63 letters, digits, dots, hyphens and underscores',
              }),
              z.refine((name) => name !== UNSIGNED, { error: 'expected another name: off stands for no signing' }),
            ),
            dnssecPolicy,
          )
          .check(
            z.refine((policies) => Object.keys(policies).length <= MAX_POLICIES, {
              error: `expected at most ${MAX_POLICIES} policies`,
            }),
          ),
        {},
      )
      .register(z.globalRegistry, {
        description:
          'How zones are signed, by a name for `zones.policies[].dnssec`. `default` exists without being written here: all defaults of the keys below.',
      }),
  }),
  {},
);

export type DnssecConfig = z.output<typeof dnssecPolicy>;

/** The times of a policy's signatures, in seconds, with their defaults. */
export function signatureTimes({ validity, refresh, jitter }: DnssecConfig): {
  readonly validity: number;
  readonly refresh: number;
  readonly jitter: number;
} {
  const left = refresh ?? Math.floor(validity / 2);
  return { validity, refresh: left, jitter: jitter ?? Math.max(0, Math.floor(((validity - left) * 5) / 7)) };
}

/** The policy that `dnssec: NAME` means; undefined when there is none. */
export function dnssecPolicyNamed({ policies }: z.output<typeof dnssec>, name: string): DnssecConfig | undefined {
  if (Object.hasOwn(policies, name)) return policies[name];
  return name === DEFAULT_POLICY ? dnssecPolicy.parse({}) : undefined;
}

/** The mistakes between the keys of one policy: each with a key, and the expectation that it does not meet. */
export function* policyMistakes(
  policy: DnssecConfig,
): Generator<{ readonly key: keyof DnssecConfig; readonly message: string }> {
  const { validity, refresh, jitter } = signatureTimes(policy);
  if (refresh >= validity)
    yield { key: 'refresh', message: `expected less than the ${durationText(validity)} of \`validity\`` };
  else if (jitter > validity - refresh)
    yield {
      key: 'jitter',
      message: `expected at most ${durationText(validity - refresh)}: \`validity\` less \`refresh\``,
    };
  if (policy.rsa_bits !== undefined && !isRsa(policy.algorithm))
    yield {
      key: 'rsa_bits',
      message: `expected none for ${algorithmText(policy.algorithm)}, whose keys have one size`,
    };
  const { keys, csk_lifetime: csk, ksk_lifetime: ksk, zsk_lifetime: zsk } = policy;
  const { dnskey_ttl: keyTtl, ds_ttl: dsTtl, propagation, parent_propagation: parentPropagation } = policy;
  const own = keyTtl + propagation;
  const atParent = own + dsTtl + parentPropagation;
  const lifetimes =
    keys === 'csk'
      ? ([['csk_lifetime', csk, atParent]] as const)
      : ([
          ['ksk_lifetime', ksk, atParent],
          ['zsk_lifetime', zsk, own],
        ] as const);
  for (const [key, lifetime, least] of lifetimes)
    if (lifetime !== 'unlimited' && lifetime <= least)
      yield { key, message: `expected more than ${durationText(least)}: a roll takes as long as that at least` };
}
