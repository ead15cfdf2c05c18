/** Random versions of a zone, signed: whole, and by the differences between them. */
import { generateKey, type SigningKey } from '../../../src/dnssec/keys/signing-key.js';
import type { SigningContext } from '../../../src/dnssec/signing/signature-maker.js';
import { signInPlace } from '../../../src/dnssec/signing/signer.js';
import { DEFAULT_SIGNING_POLICY, type SigningPolicy } from '../../../src/dnssec/signing/signing-policy.js';
import { diff } from '../../../src/image/changes/diff.js';
import { type LoadOptions, load } from '../../../src/image/load.js';
import { dueSignatures, signChange, signRecords } from '../../../src/image/signed/sign-image.js';
import { imageText } from '../../../src/image/text.js';
import { nameFromText } from '../../../src/protocol/name.js';
import { randomFrom } from '../../zone/random-zone.js';
import { type ZoneContent, type ZoneVersion, ZoneVersions } from '../changes/zone-versions.js';
import { rememberingVerifier, signWithNothing } from './cheap-signatures.js';

const START = 1_780_000_000;
const DAY = 86_400;
/** Types that the signer has at the apex, or that it does not make. */
const NOT_AT_APEX = ['DNSKEY', 'CDS', 'CDNSKEY', 'ZONEMD'];
/** One of each algorithm: making RSA keys takes long. */
const keys = new Map<string, SigningKey>();

function keyOf(algorithm: number, number: number): SigningKey {
  const name = `${algorithm} ${number}`;
  const known =
    keys.get(name) ??
    generateKey(
      algorithm,
      number % 2 === 0,
      [...keys.values()].map(({ tag }) => tag),
    );
  keys.set(name, known);
  return known;
}

export interface Change {
  readonly what: string;
  /** Signatures that were made, and how many at least and at most had to be. */
  readonly made: number;
  readonly least: number;
  readonly most: number;
  /** Errors of the verified zone. */
  readonly errors: readonly string[];
  /** The zone without times and signatures, signed by the difference and anew. */
  readonly found: string;
  readonly expected: string;
  /** The signed zone. */
  readonly image: Uint8Array;
}

interface SignedVersionsOptions {
  /** When the first version is signed, seconds since 1970. */
  readonly start?: number;
  /** Time does not pass. */
  readonly isStill?: boolean;
  readonly content?: ZoneContent;
}

export class SignedVersions {
  readonly #versions: ZoneVersions;
  readonly #random: () => number;
  readonly #isStill: boolean;
  #version: ZoneVersion;
  #content: Uint8Array;
  #context: SigningContext;
  #image: Uint8Array;
  /** Of the image. */
  #rrsets: ReadonlyMap<string, TextRrset>;
  readonly #chooseVerifier = rememberingVerifier();

  constructor(seed: number, { start = START, isStill = false, content }: SignedVersionsOptions = {}) {
    this.#isStill = isStill;
    this.#random = randomFrom(seed ^ 0x5f3759df);
    this.#versions = new ZoneVersions(seed, content);
    this.#version = unsigned(this.#versions.first());
    this.#context = { keys: this.#keySet(), policy: this.#policy(), now: start, chooseSigner: signInPlace };
    this.#content = this.#load().image!;
    this.#image = this.#signWhole(this.#context);
    this.#rrsets = rrsetsOf(textOf(this.#image));
  }

  next(): Change {
    this.#version = unsigned(this.#versions.next(this.#version));
    const before = this.#content;
    this.#content = this.#load().image!;
    const chance = this.#random();
    const { policy, now } = this.#context;
    const passed = this.#isStill ? 0 : chance < 0.7 ? 60 : Math.floor(this.#random() * 10 * DAY);
    this.#context = { ...this.#context, now: now + passed };
    let what = 'a change';
    if (chance > 0.97) this.#context = { ...this.#context, keys: this.#keySet() };
    else if (chance > 0.94) this.#context = { ...this.#context, policy: this.#policy() };
    if (chance > 0.94) what = 'a change of policy';
    const { due } = dueSignatures(this.#image, this.#context.policy, this.#context.now);
    const older = this.#rrsets;
    const { loaded, made } = signChange(this.#image, diff(before, this.#content), this.#context, this.#options(), due);
    const errors = loaded.diagnostics.list.filter(({ severity }) => severity === 'error').map(({ message }) => message);
    if (loaded.image !== undefined) this.#image = loaded.image;
    const text = textOf(this.#image);
    this.#rrsets = rrsetsOf(text);
    const whole = textOf(this.#signWhole({ ...this.#context, chooseSigner: signWithNothing }));
    const signers = this.#context.keys.zoneSigners.length;
    const [least, most] = needed(older, this.#rrsets, signers, policy, this.#context.now);
    return {
      what,
      made,
      least,
      most,
      errors,
      found: comparable(text),
      expected: comparable(whole),
      image: this.#image,
    };
  }

  #options(): LoadOptions {
    return { now: this.#context.now, dnssecCheck: () => 'strict', chooseVerifier: this.#chooseVerifier };
  }

  #load() {
    const bytes = Buffer.from(this.#versions.text(this.#version));
    return load({ file: 'test', bytes, origin: nameFromText('example.') }, { now: START, dnssecCheck: () => 'off' });
  }

  #signWhole(context: SigningContext): Uint8Array {
    const { loaded } = signRecords(this.#load().rrsets.store, context, { now: context.now });
    if (loaded.image === undefined) throw new Error(loaded.diagnostics.list.map(({ message }) => message).join('\n'));
    return loaded.image;
  }

  #keySet(): SigningContext['keys'] {
    const algorithm = [13, 15][Math.floor(this.#random() * 2)]!;
    const [ksk, zsk] = [keyOf(algorithm, Math.floor(this.#random() * 3) * 2), keyOf(algorithm, 1)];
    return { dnskey: [ksk.dnskey, zsk.dnskey], cds: [], cdnskey: [], keySigners: [ksk], zoneSigners: [zsk] };
  }

  #policy(): SigningPolicy {
    const chance = this.#random();
    const nsec3 = chance < 0.34 ? undefined : { optOut: chance < 0.67 };
    return { ...DEFAULT_SIGNING_POLICY, nsec3 };
  }
}

function textOf(image: Uint8Array): string {
  return [...imageText(image)].join('');
}

/** The version without signing, and without records that the signer would not have. */
function unsigned(version: ZoneVersion): ZoneVersion {
  for (const [name, sets] of version.names) if (name === 'Example.') for (const type of NOT_AT_APEX) sets.delete(type);
  return { ...version, signing: 'unsigned' };
}

const RRSIG = /^(\S+ \d+ IN RRSIG (\S+ ){4})(\d{14}) \d{14} (\d+ \S+) .*$/;

/** The records without times and signatures, in order, in lower case. */
function comparable(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trimEnd().replace(RRSIG, '$1 $4').toLowerCase())
    .sort()
    .join('\n');
}

/** At least and at most how many signatures have to be made from one version to the next. */
function needed(
  a: ReadonlyMap<string, TextRrset>,
  b: ReadonlyMap<string, TextRrset>,
  signers: number,
  policy: SigningPolicy,
  now: number,
): [number, number] {
  let [least, most] = [0, 0];
  for (const [key, { records, expiration, signer }] of b) {
    if (expiration === undefined) continue;
    const before = a.get(key);
    const isDue =
      before?.expiration === undefined || before.expiration - now <= policy.refresh || before.signer !== signer;
    if (isDue || folded(before.records) !== folded(records)) least += signers;
    if (isDue || before.records !== records) most += signers;
  }
  return [least, most];
}

/** Records in any letter case, in order. */
function folded(records: string): string {
  return records.toLowerCase().split('\n').sort().join('\n');
}

interface TextRrset {
  records: string;
  /** Seconds since 1970, of its signature. */
  expiration: number | undefined;
  /** Algorithm and tag of the key that made it. */
  signer: string;
}

/** RRsets by owner and type. */
function rrsetsOf(text: string): Map<string, TextRrset> {
  const sets = new Map<string, TextRrset>();
  const lines = new Map<TextRrset, string[]>();
  for (const line of text.trimEnd().split('\n')) {
    const [, owner = '', ttl, type, rdata = ''] = /^(\S+) (\d+) IN (\S+) ?(.*)$/.exec(line) ?? [];
    const isSignature = type === 'RRSIG';
    const key = `${owner.toLowerCase()} ${isSignature ? rdata.slice(0, rdata.indexOf(' ')) : type}`;
    let set = sets.get(key);
    if (set === undefined) sets.set(key, (set = { records: '', expiration: undefined, signer: '' }));
    if (isSignature) {
      const [, algorithm, , , expires = '', , tag] = rdata.split(' ', 7);
      [set.expiration, set.signer] = [secondsOf(expires), `${algorithm} ${tag}`];
    } else {
      const records = lines.get(set) ?? [];
      records.push(`${ttl} ${rdata}`);
      lines.set(set, records);
    }
  }
  for (const [set, records] of lines) set.records = records.sort().join('\n');
  return sets;
}

function secondsOf(time: string): number {
  const [, year, month, day, hour, minute, second] = /(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(time)!.map(Number);
  return Date.UTC(year!, month! - 1, day, hour, minute, second) / 1000;
}
