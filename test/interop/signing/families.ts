/** Generated zones, signed by adotd under random policies, with children that a parent vouches for, does not know, or lies about. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dsRdata } from '../../../src/dnssec/keys/delegation-signer.js';
import { generateKey, type SigningKey } from '../../../src/dnssec/keys/signing-key.js';
import { signInPlace } from '../../../src/dnssec/signing/signer.js';
import { DEFAULT_SIGNING_POLICY, type KeySet } from '../../../src/dnssec/signing/signing-policy.js';
import { load } from '../../../src/image/load.js';
import { signRecords } from '../../../src/image/signed/sign-image.js';
import { imageText } from '../../../src/image/text.js';
import { formatDiagnostic } from '../../../src/zone/diagnostics.js';
import { Generator } from '../../differential/generate.js';
import { Model, type Signing } from '../../differential/model.js';
import { type Name, nameKey, nameToText, nameToWire } from '../../differential/names.js';
import type { Random } from '../../differential/random.js';
import { plainEscapes } from '../../differential/sign.js';
import { T } from '../../differential/types.js';
import type { WorldZone } from '../../differential/world.js';
import { type ZoneData, zoneToText } from '../../differential/zone-data.js';

export const CHAINS = ['NSEC', 'NSEC3', 'opt-out'] as const;
const ALGORITHMS = [8, 13, 13, 14, 15, 16] as const;

/** What the parent says about a child, and what a validator has to make of the child for it. */
const CHILDREN = {
  'signed, with DS': 'secure',
  'signed, without DS': 'insecure',
  unsigned: 'insecure',
  'signed, with DS of an algorithm that nobody knows': 'insecure',
  'signed, with DS of another key': 'bogus',
} as const;
type Child = keyof typeof CHILDREN;
const CHILD_KINDS = Object.keys(CHILDREN) as Child[];

export type Security = (typeof CHILDREN)[Child];

/** A zone, and what a validator that trusts the keys of the parent in its family has to say of its answers. */
export interface JudgedZone extends WorldZone {
  readonly security: Security;
  /** How it is signed, in words. */
  readonly how: string;
}

export interface Family {
  readonly parent: JudgedZone;
  readonly child: JudgedZone;
  /** RDATA of the DS records of the parent, in presentation format. */
  readonly anchors: readonly string[];
}

const made = new Map<string, SigningKey>();

/** One of the keys of an algorithm, made once: making RSA keys takes long. Even numbers are KSKs. */
function keyOf(algorithm: number, number: number): SigningKey {
  const name = `${algorithm} ${number}`;
  const taken = Array.from(made.values(), ({ tag }) => tag);
  const key = made.get(name) ?? generateKey(algorithm, number % 2 === 0, taken);
  made.set(name, key);
  return key;
}

/** Keys as they are at rest, or in the middle of a roll. */
export function randomKeys(random: Random): { keys: KeySet; what: string } {
  const algorithm = random.pick(ALGORITHMS);
  const [ksk, zsk, next] = [keyOf(algorithm, 0), keyOf(algorithm, 1), keyOf(algorithm, 3)];
  const set = (published: SigningKey[], keySigners: SigningKey[], zoneSigners: SigningKey[]): KeySet => {
    return { dnskey: published.map(({ dnskey }) => dnskey), cds: [], cdnskey: [], keySigners, zoneSigners };
  };
  const kind = random.pick(['CSK', 'KSK and ZSK', 'next ZSK', 'two KSKs', 'two algorithms'] as const);
  const what = `${kind} of algorithm ${algorithm}`;
  if (kind === 'CSK') return { keys: set([ksk], [ksk], [ksk]), what };
  if (kind === 'KSK and ZSK') return { keys: set([ksk, zsk], [ksk], [zsk]), what };
  if (kind === 'next ZSK') return { keys: set([ksk, zsk, next], [ksk], [next]), what };
  const second = kind === 'two KSKs' ? keyOf(algorithm, 2) : keyOf(algorithm === 13 ? 15 : 13, 0);
  if (kind === 'two KSKs') return { keys: set([ksk, second, zsk], [ksk, second], [zsk]), what };
  return { keys: set([ksk, second], [ksk, second], [ksk, second]), what: `${what} and ${second.algorithm}` };
}

function dsText(dnskey: Uint8Array, zone: Name, algorithm = dnskey[3]!): string {
  const rdata = dsRdata(dnskey, Buffer.from(nameToWire(zone)).map(lowerOctet));
  const digest = Buffer.from(rdata.subarray(4)).toString('hex');
  return `${rdata[0]! * 256 + rdata[1]!} ${algorithm} 2 ${digest}`;
}

const lowerOctet = (octet: number): number => (octet >= 65 && octet <= 90 ? octet + 32 : octet);

/** DS records of the keys that sign the keys. */
const dsOf = ({ keySigners }: KeySet, zone: Name): string[] => keySigners.map(({ dnskey }) => dsText(dnskey, zone));

/** Makes a signed zone and one below it, and writes both files. The zones are a function of the seed; the keys are not. */
export function makeFamily(random: Random, family: number, folder: string): Family {
  const origin = [`z${family}`, 'signed', 'test'];
  const cut = ['Sub', ...origin];
  const kind = CHILD_KINDS[family % CHILD_KINDS.length]!;
  const signing = random.pick(CHAINS);
  const own = randomKeys(random.fork(1));
  const below = randomKeys(random.fork(2));
  const data = new Generator(random.fork(3), origin).make([cut]);
  const delegation = data.nodes.get(nameKey(cut))!;
  delegation.rrsets.delete(T.DS);
  const ds = delegationOf(kind, below.keys, cut);
  if (ds.length > 0) delegation.rrsets.set(T.DS, { ttl: 300, rdata: ds });
  const parent = { family, signing, data, security: 'secure', ...own } as const;
  const childData = new Generator(random.fork(4), cut).make([]);
  const childSigning = kind === 'unsigned' ? 'unsigned' : random.pick(CHAINS);
  const child = { family, signing: childSigning, data: childData, security: CHILDREN[kind], ...below } as const;
  return {
    parent: writeZone(parent, folder, ''),
    child: writeZone(child, folder, `, ${kind}`),
    anchors: dsOf(own.keys, origin),
  };
}

/** RDATA of the DS records that the parent of such a child has. */
function delegationOf(kind: Child, keys: KeySet, cut: Name): string[] {
  switch (kind) {
    case 'signed, with DS':
      return dsOf(keys, cut);
    case 'signed, with DS of an algorithm that nobody knows':
      return keys.keySigners.map(({ dnskey }) => dsText(dnskey, cut, 250));
    case 'signed, with DS of another key':
      return [dsText(keyOf(keys.keySigners[0]!.algorithm, 4).dnskey, cut)];
    default:
      return [];
  }
}

interface Plan {
  readonly family: number;
  readonly signing: Signing;
  readonly data: ZoneData;
  readonly security: Security;
  readonly keys: KeySet;
  readonly what: string;
}

function writeZone({ family, signing, data, security, keys, what }: Plan, folder: string, more: string): JudgedZone {
  const name = nameToText(data.origin);
  const file = join(folder, `${name}zone`);
  const text = zoneToText(data);
  writeFileSync(file, signing === 'unsigned' ? text : signedText(text, data.origin, signing, keys), 'latin1');
  const how = `${name} (${signing === 'unsigned' ? '' : `${signing}, ${what}`}${more})`;
  return { name, file, family, text, model: new Model(data, signing), security, how };
}

/** The zone signed, from now on. Throws an Error when it has errors before or afterwards. */
function signedText(text: string, origin: Name, signing: (typeof CHAINS)[number], keys: KeySet): string {
  const now = Math.floor(Date.now() / 1000);
  const nsec3 = signing === 'NSEC' ? undefined : { optOut: signing === 'opt-out' };
  const source = { file: nameToText(origin), bytes: Buffer.from(text, 'latin1'), origin: nameToWire(origin) };
  const { rrsets, diagnostics } = load(source, { now, compile: false });
  const context = { keys, policy: { ...DEFAULT_SIGNING_POLICY, nsec3 }, now, chooseSigner: signInPlace };
  const { loaded } = signRecords(rrsets.store, context, { now, dnssecCheck: () => 'strict' });
  for (const one of [...diagnostics.list, ...loaded.diagnostics.list])
    if (one.severity === 'error') throw new Error(formatDiagnostic(one));
  return plainEscapes([...imageText(loaded.image!)].join(''));
}
