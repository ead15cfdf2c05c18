/** What is seen of the keys of one zone, from start to start, and what is wrong with it. */
import { createHash } from 'node:crypto';
import { nameFromText } from '../../support/names.js';

type RecordState = 'hidden' | 'rumoured' | 'omnipresent' | 'unretentive';
type Role = 'csk' | 'ksk' | 'zsk';

/** A key as the control socket shows it. */
interface ShownKey {
  readonly id: string;
  readonly role: Role;
  readonly tag: number;
  readonly goal: 'omnipresent' | 'hidden';
  /** Seconds since 1970. */
  readonly created: number;
  /** RDATA in presentation format. */
  readonly dnskey: string;
  readonly ds: string;
  readonly records: Readonly<Record<'dnskey' | 'krrsig' | 'zrrsig' | 'ds', RecordState>>;
}

/** A zone as the control socket shows it. */
export interface ShownZone {
  readonly zone: string;
  readonly state: string;
  readonly keys: readonly ShownKey[];
}

const RANKS: Readonly<Record<RecordState, number>> = { hidden: 0, rumoured: 1, omnipresent: 2, unretentive: 3 };
const RECORDS = ['dnskey', 'krrsig', 'zrrsig', 'ds'] as const;
/** Seconds by which signatures begin before they are made. */
const BACK = 3600;

/** A signature of a transferred zone. */
interface Signature {
  readonly covers: string;
  readonly tag: number;
  /** Seconds since 1970. */
  readonly inception: number;
}

/** The signatures in what dig prints of a transfer. */
export function signaturesIn(text: string): Signature[] {
  const lines = text.matchAll(/\sRRSIG\s+(\S+) \d+ \d+ \d+ \d{14} (\d{14}) (\d+) /g);
  return Array.from(lines, ([, covers = '', inception = '', tag]) => {
    const [, ...parts] = /^(....)(..)(..)(..)(..)(..)$/.exec(inception) ?? [];
    const [year = 0, month = 1, ...rest] = parts.map(Number);
    return { covers, tag: Number(tag), inception: Date.UTC(year, month - 1, ...rest) / 1000 };
  });
}

const isPublished = (state: RecordState): boolean => state === 'rumoured' || state === 'omnipresent';
const sorted = (tags: Iterable<number>): string => [...new Set(tags)].sort((a, b) => a - b).join(', ');

/** Where the signatures of a version are not what the states of its keys say; undefined: they are. */
export function mismatch(
  { keys }: ShownZone,
  signatures: readonly Signature[],
  dnskeys: readonly string[],
): string | undefined {
  const wanted = (record: 'dnskey' | 'krrsig' | 'zrrsig') => keys.filter(({ records }) => isPublished(records[record]));
  const isOfKeys = ({ covers }: Signature): boolean => ['DNSKEY', 'CDS', 'CDNSKEY'].includes(covers);
  const tags = (found: readonly { readonly tag: number }[]): string => sorted(found.map(({ tag }) => tag));
  const pairs = [
    [
      'DNSKEY records',
      wanted('dnskey')
        .map(({ dnskey }) => dnskey.replace(/ (\S{20}).*/, ' $1'))
        .sort()
        .join(', '),
      dnskeys
        .map((text) => text.replace(/ (\S{20}).*/, ' $1'))
        .sort()
        .join(', '),
    ],
    ['signatures over keys by', tags(wanted('krrsig')), tags(signatures.filter(isOfKeys))],
    ['signatures by', tags(wanted('zrrsig')), tags(signatures.filter((one) => !isOfKeys(one)))],
  ] as const;
  const [wrong] = pairs.filter(([, expected, found]) => expected !== found);
  if (wrong !== undefined) return `${wrong[0]} ${wrong[2]}, and its states say ${wrong[1]}`;
  const old = signatures.find(({ tag, inception }) => {
    const key = keys.find((one) => one.tag === tag);
    return key !== undefined && inception < key.created - BACK - 1;
  });
  return old && `a signature of ${old.covers} by ${old.tag} is older than its key`;
}

export class KeyHistory {
  /** Rolls that were asked for, whether that was answered or not. */
  readonly rolls: Record<Role, number> = { csk: 0, ksk: 0, zsk: 0 };
  readonly #last = new Map<string, ShownKey>();
  /** All keys that were ever seen, by id. */
  readonly #ever = new Map<string, ShownKey>();

  /** Keys of a role that have gone. */
  gone(role: Role): number {
    return [...this.#ever.values()].filter((key) => key.role === role && !this.#last.has(key.id)).length;
  }

  /** `ds`: RDATA of the parent's DS records, in presentation format. */
  judge({ keys }: ShownZone, ds: readonly string[]): string[] {
    const wrong: string[] = [];
    // A tag is free again when its key has gone.
    const tags = keys.map(({ tag }) => tag);
    for (const tag of tags.filter((one, i) => tags.indexOf(one) !== i)) wrong.push(`two keys have the tag ${tag}`);
    for (const key of keys) wrong.push(...this.#judgeKey(key, ds));
    const present = new Set(keys.map(({ id }) => id));
    for (const { id, tag, role, ds: own } of this.#last.values()) {
      if (present.has(id)) continue;
      if (this.rolls[role] === 0) wrong.push(`key ${tag} is lost: no roll was asked for`);
      if (ds.includes(own)) wrong.push(`key ${tag} is lost: the parent has its DS record`);
    }
    for (const role of ['csk', 'ksk', 'zsk'] as const) {
      const made = [...this.#ever.values()].filter((key) => key.role === role).length;
      const used = keys.filter((key) => key.role === role && key.goal === 'omnipresent').length;
      if (made > 1 + this.rolls[role]) wrong.push(`${made} keys ${role} after ${this.rolls[role]} rolls`);
      if (made > 0 && used !== 1) wrong.push(`${used} keys ${role} are to be used`);
    }
    this.#last.clear();
    for (const key of keys) this.#last.set(key.id, key);
    return wrong;
  }

  #judgeKey(key: ShownKey, ds: readonly string[]): string[] {
    const wrong: string[] = [];
    const { id, tag, goal, records } = key;
    for (const one of this.#ever.values())
      if ((one.id === id) !== (one.dnskey === key.dnskey))
        wrong.push(`keys ${one.id} (tag ${one.tag}) and ${id} (tag ${tag}) have one id or DNSKEY record`);
    const last = this.#last.get(id);
    if (last === undefined && this.#ever.has(id)) wrong.push(`key ${tag} had gone, and is there again`);
    this.#ever.set(id, key);
    for (const record of last === undefined ? [] : RECORDS) {
      const [before, now] = [last!.records[record], records[record]];
      const hasGone = now === 'hidden' && goal === 'hidden';
      if (RANKS[now] < RANKS[before] && !hasGone) wrong.push(`key ${tag}: ${record} was ${before}, and is ${now}`);
      if (RANKS[now] > 0 && before === 'hidden' && last!.goal === 'hidden')
        wrong.push(`key ${tag}: ${record} came back`);
    }
    if (last?.goal === 'hidden' && goal !== 'hidden') wrong.push(`key ${tag} was to disappear, and is to be used`);
    if (records.ds === 'omnipresent' && !ds.includes(key.ds))
      wrong.push(`key ${tag}: its DS record is taken to be there, and is not`);
    return wrong;
  }
}

/** A DNSKEY RRset as it was answered; RDATA in hexadecimal, and the tags of the keys that have signed it. */
interface KeySetSeen {
  readonly dnskeys: readonly string[];
  readonly signers: readonly number[];
}

/** When something was asked for, and when the answer came: the server had it at some time between. Milliseconds. */
interface Asked {
  readonly asked: number;
  readonly answered: number;
}

/**
 * What a resolver may hold of the DS records of a zone and of its DNSKEY RRset: each pair within their TTL has to be a chain. Answers may have
 * been long on their way: a pair counts only if the servers had both within the TTL for sure.
 */
export class Chain {
  readonly #apex: Uint8Array;
  /** Milliseconds. */
  readonly #ttl: number;
  #ds: (Asked & { readonly ds: readonly string[] })[] = [];
  #keys: (Asked & KeySetSeen)[] = [];

  constructor(zone: string, ttl: number) {
    this.#apex = nameFromText(zone);
    this.#ttl = ttl;
  }

  /** Returns what is wrong with any pair. */
  see(at: Asked, seen: { readonly ds: readonly string[] } | KeySetSeen): string[] {
    if ('ds' in seen) this.#ds.push({ ...at, ...seen });
    else this.#keys.push({ ...at, ...seen });
    const mayBeHeld = ({ asked }: Asked): boolean => at.answered - asked <= this.#ttl;
    this.#ds = this.#ds.filter(mayBeHeld);
    this.#keys = this.#keys.filter(mayBeHeld);
    return this.#ds.flatMap(({ ds }) =>
      this.#keys
        .filter((keys) => !this.#isChain(ds, keys))
        .map(({ dnskeys, signers }) => `DS ${ds} with keys ${dnskeys.map(tagOf)}, signed by ${signers}`),
    );
  }

  #isChain(ds: readonly string[], { dnskeys, signers }: KeySetSeen): boolean {
    if (ds.length === 0) return true;
    return dnskeys.some((dnskey) => ds.includes(this.#dsOf(dnskey)) && signers.includes(tagOf(dnskey)));
  }

  #dsOf(dnskey: string): string {
    const octets = Buffer.from(dnskey, 'hex');
    const digest = createHash('sha256').update(this.#apex).update(octets).digest('hex');
    return `${tagOf(dnskey).toString(16).padStart(4, '0')}${octets.subarray(3, 4).toString('hex')}02${digest}`;
  }
}

/** RFC 4034 appendix B. */
function tagOf(dnskey: string): number {
  let sum = 0;
  for (const [i, octet] of Buffer.from(dnskey, 'hex').entries()) sum += i % 2 === 0 ? octet << 8 : octet;
  return (sum + (sum >> 16)) & 0xffff;
}
