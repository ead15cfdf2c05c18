/** The stored state of a zone that is signed here, as JSON: the states of its keys, and the policy that was in force last. */
import * as z from 'zod/mini';
import { bitsOf } from '../../../dnssec/keys.js';
import {
  type KeyProgress,
  NO_KEYS_YET,
  type RecordProgress,
  type SignersSight,
  type ZoneKeys,
} from '../../../dnssec/rollover/key-state.js';
import { AdotdError, ErrorCode } from '../../../errors.js';
import type { DnssecPolicy } from '../dnssec-policy.js';
import { NOTHING_FOREIGN, type StoredForeign } from '../signers/foreign-keys.js';
import { isKeyId } from './key-files.js';

export interface StoredSigning {
  readonly keys: ZoneKeys;
  /** The policy that was in force last; undefined: keys were imported, and none was yet. */
  readonly policy: DnssecPolicy | undefined;
  /** RDATA of the keys' DNSKEY records in base64, by id. */
  readonly dnskeys: Readonly<Record<string, string>>;
  /** Whether the served version has no signatures of ours: there were no keys yet, or the last ones have gone. */
  readonly isUnsigned: boolean;
  /** The records of other signers. */
  readonly foreign: StoredForeign;
}

export const NOTHING_STORED: StoredSigning = {
  keys: NO_KEYS_YET,
  policy: undefined,
  dnskeys: {},
  isUnsigned: true,
  foreign: NOTHING_FOREIGN,
};

/** RDATA of a key's DNSKEY record. */
export function dnskeyOf(dnskeys: StoredSigning['dnskeys'], id: string): Uint8Array {
  return Buffer.from(dnskeys[id] ?? '', 'base64');
}

/** Name of the table in the state that has it, by zone. */
export const SIGNING_TABLE = 'dnssec';

/** Raised when older versions cannot read the new form. */
const FORMAT = 1;

const time = z.optional(z.number());
const progress = z.object({ state: z.enum(['hidden', 'rumoured', 'omnipresent', 'unretentive']), since: time });
const role = z.enum(['csk', 'ksk', 'zsk']);
const algorithm = z.int().check(z.minimum(1), z.maximum(255));
const seconds = z.int().check(z.nonnegative());
const base64 = z.string().check(z.regex(/^[A-Za-z0-9+/]+=*$/));
const served = z.array(z.object({ ttl: seconds, last: z.number() }));
const current = z.array(seconds);

const lasting = z.object({ since: time, sure: time });

const key = z.object({
  id: z.string().check(z.refine(isKeyId)),
  role,
  algorithm,
  tag: z.int().check(z.minimum(0), z.maximum(0xffff)),
  goal: z.enum(['omnipresent', 'hidden']),
  created: z.number(),
  active: time,
  records: z.object({ dnskey: progress, krrsig: progress, zrrsig: progress, ds: progress }),
  parent: z.object({ seen: time, gone: time, sure: time, last: time }),
  signers: z.optional(z.object({ hasKey: lasting, lacksKey: lasting, hasCds: lasting, lacksCds: lasting, last: time })),
});

const foreignKey = z.object({ dnskey: base64, algorithm, tag: key.shape.tag, record: progress });
const keys = z.object({ dnskey: z.array(base64), cds: z.array(base64), cdnskey: z.array(base64) });

const policy = z.object({
  name: z.string(),
  signing: z.object({
    nsec3: z.optional(z.object({ optOut: z.boolean() })),
    validity: seconds,
    refresh: seconds,
    jitter: seconds,
    inceptionOffset: seconds,
    keyTtl: seconds,
  }),
  rollover: z.object({
    keys: z.array(z.object({ role, algorithm, bits: z.optional(seconds), lifetime: z.optional(seconds) })),
    keyTtl: seconds,
    dsTtl: seconds,
    propagation: seconds,
    parentPropagation: seconds,
    isParentAsked: z.boolean(),
    hasOtherSigners: z.optional(z.boolean()),
  }),
  hasCds: z.boolean(),
  parent: z.array(z.string()),
  signers: z._default(z.array(z.string()), []),
});

const NO_KEYS = { dnskey: [], cds: [], cdnskey: [] };

const stored = z.object({
  format: z.literal(FORMAT),
  /** Absent in states that older versions have stored. */
  zone: z.optional(z.string()),
  keys: z.object({
    keys: z.array(key),
    time: z.number(),
    wasSigned: z.boolean(),
    isStartAllowed: z._default(z.boolean(), false),
    isFrozen: z.boolean(),
    isLeaving: z.boolean(),
    rolls: z.array(role),
    ttls: z.object({ dnskey: served, zone: served, ds: served }),
    current: z.object({ dnskey: current, zone: current, ds: current }),
    foreign: z._default(z.array(foreignKey), []),
  }),
  policy: z.optional(policy),
  dnskeys: z.record(z.string(), base64),
  isUnsigned: z.boolean(),
  foreign: z._default(z.object({ all: keys, file: keys }), { all: NO_KEYS, file: NO_KEYS }),
});

/** `zone`: the key of its name. */
export function encodeSigning(signing: StoredSigning, zone: string): Uint8Array {
  return Buffer.from(JSON.stringify({ format: FORMAT, zone, ...signing }), 'utf8');
}

/**
 * Reads what encodeSigning() has written. Throws ADOTD_STATE for everything else: such a zone must not be given new keys, since its old
 * ones may be in caches.
 */
export function decodeSigning(octets: Uint8Array, zone: string): StoredSigning {
  let read: z.infer<typeof stored>;
  try {
    read = stored.parse(JSON.parse(Buffer.from(octets).toString('utf8')));
  } catch (error) {
    throw damaged(zone, firstIssue(error), error);
  }
  const { keys, dnskeys, isUnsigned, foreign } = read;
  // Its keys would sign two zones, and the DS records of one would stand for the other.
  if (read.zone !== undefined && read.zone !== zone) throw damaged(zone, `they are those of ${read.zone}`);
  const ids = keys.keys.map(({ id }) => id);
  if (new Set(ids).size !== ids.length) throw damaged(zone, 'two keys have one id');
  const without = ids.find((id) => dnskeys[id] === undefined);
  if (without !== undefined) throw damaged(zone, `the DNSKEY record of key ${without} is missing`);
  const others = keys.foreign.map(({ record: { state, since }, ...one }) => ({ ...one, record: { state, since } }));
  const states = {
    ...keys,
    keys: keys.keys.map((one) => wholeKey(one, bitsOf(dnskeyOf(dnskeys, one.id)))),
    foreign: others,
  };
  return { keys: states, policy: wholePolicy(read.policy), dnskeys, isUnsigned, foreign };
}

/** The error of a zone whose keys' states cannot be read. */
function damaged(zone: string, reason: string, cause?: unknown): AdotdError {
  const remedy = `restore the state from a backup, or give the zone's keys again with adotd ctl dnssec import ${zone}`;
  return new AdotdError(
    ErrorCode.STATE,
    `the stored states of the keys of ${zone} cannot be read: ${reason}; ${remedy}`,
    { cause },
  );
}

function firstIssue(error: unknown): string {
  if (!(error instanceof z.core.$ZodError)) return 'they are no JSON';
  const [issue] = error.issues;
  return issue === undefined
    ? 'they have another form'
    : `found something unexpected at ${issue.path.join('.') || 'the top'}`;
}

type ReadKey = z.infer<typeof key>;

/** Adds the undefined members, which JSON leaves out. `bits`: from the DNSKEY record; older versions did not store them. */
function wholeKey({ active, records, parent, signers, ...others }: ReadKey, bits: number | undefined): KeyProgress {
  const whole = ({ state, since }: ReadKey['records']['ds']): RecordProgress => ({ state, since });
  const { dnskey, krrsig, zrrsig, ds } = records;
  const { seen, gone, sure, last } = parent;
  return {
    ...others,
    ...(bits !== undefined && { bits }),
    active,
    records: { dnskey: whole(dnskey), krrsig: whole(krrsig), zrrsig: whole(zrrsig), ds: whole(ds) },
    parent: { seen, gone, sure, last },
    ...(signers && { signers: wholeSight(signers) }),
  };
}

function wholeSight({ hasKey, lacksKey, hasCds, lacksCds, last }: NonNullable<ReadKey['signers']>): SignersSight {
  const whole = ({ since, sure }: { since?: number | undefined; sure?: number | undefined }) => ({ since, sure });
  return {
    hasKey: whole(hasKey),
    lacksKey: whole(lacksKey),
    hasCds: whole(hasCds),
    lacksCds: whole(lacksCds),
    last,
  };
}

function wholePolicy(read: z.infer<typeof policy> | undefined): DnssecPolicy | undefined {
  if (read === undefined) return undefined;
  const { signing, rollover } = read;
  return {
    ...read,
    signing: { ...signing, nsec3: signing.nsec3 },
    rollover: { ...rollover, keys: rollover.keys.map((one) => ({ ...one, lifetime: one.lifetime })) },
  };
}

/**
 * A text that stays the same while nothing has to be stored. The time does not count: it moves on at every step, and a later one alone says
 * no more. Nor does the last time of a TTL that is served now: the next look sets it.
 */
export function significant({ keys, ...others }: StoredSigning): string {
  const { ttls, current: now } = keys;
  const named = (kind: 'dnskey' | 'zone' | 'ds') =>
    ttls[kind].map(({ ttl, last }) => [ttl, now[kind].includes(ttl) ? 0 : last]);
  const lasting = { ...keys, time: 0, ttls: [named('dnskey'), named('zone'), named('ds')] };
  return JSON.stringify({ ...others, keys: lasting });
}
