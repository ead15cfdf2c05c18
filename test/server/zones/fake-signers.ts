/** Those who have the keys of zones, for keepers in tests: they do as they are told. */
import { createPublicKey } from 'node:crypto';
import { generateKey, type SigningKey } from '../../../src/dnssec/keys/signing-key.js';
import { DEFAULT_SIGNING_POLICY, type SigningPolicy } from '../../../src/dnssec/signing/signing-policy.js';
import { AdotdError, ErrorCode } from '../../../src/errors.js';
import { imageFacts } from '../../../src/image/image-facts.js';
import { load } from '../../../src/image/load.js';
import { nameFromText } from '../../../src/protocol/name.js';
import type { SigningPlan, ZoneSigners } from '../../../src/server/signing/zone-signers.js';
import { formatDiagnostic } from '../../../src/zone/diagnostics.js';

const DAY = 86_400;

/** A combined key, or keys of their own for the keys and for the zone. */
export interface FakeKeys {
  readonly keySigner: SigningKey;
  readonly zoneSigner: SigningKey;
}

export function newKeys(isCombined = true): FakeKeys {
  const keySigner = generateKey(15, true);
  return { keySigner, zoneSigner: isCombined ? keySigner : generateKey(15, false, [keySigner.tag]) };
}

export class FakeSigners implements ZoneSigners {
  readonly zones = new Set(['a.test.']);
  /** `none`: the zone may not be signed yet. `gone`: the last keys have gone. */
  keys: FakeKeys | 'none' | 'gone' = newKeys();
  policy: SigningPolicy = { ...DEFAULT_SIGNING_POLICY, validity: 14 * DAY };
  /** `plan`: no plan can be had. `key`: signatures do not verify. `none made`: signing throws. */
  failure: 'plan' | 'key' | 'none made' | undefined;
  /** What was called: `plan`, `published ID of SERIAL`. */
  readonly calls: string[] = [];
  /** The serial that threads answer with now. */
  servedSerial: (zone: string) => number | undefined = () => undefined;

  isSigner(zone: string): boolean {
    return this.zones.has(zone);
  }

  foreignOf(): undefined {
    return undefined;
  }

  async plan(zone: string, content: Uint8Array): Promise<SigningPlan | undefined> {
    this.calls.push(`plan ${zone} at ${imageFacts(content).serial}`);
    if (this.failure === 'plan') throw new AdotdError(ErrorCode.DNSSEC_KEY, 'the key is lost');
    const { keys, policy } = this;
    if (keys === 'none') return undefined;
    const id = this.id;
    if (keys === 'gone')
      return { id, policy, keys: { dnskey: [], cds: [], cdnskey: [], keySigners: [], zoneSigners: [] } };
    const { keySigner, zoneSigner } = keys;
    // A DNSKEY record that does not fit its private key: no signature verifies.
    const broken = {
      ...keySigner,
      dnskey: Uint8Array.from(keySigner.dnskey, (octet, i) => (i === 20 ? octet ^ 1 : octet)),
    };
    const powerless = { ...keySigner, privateKey: createPublicKey(keySigner.privateKey) };
    const signer = this.failure === 'key' ? broken : this.failure === 'none made' ? powerless : keySigner;
    const dnskey = [...new Set([signer.dnskey, zoneSigner.dnskey])];
    return { id, policy, keys: { dnskey, cds: [], cdnskey: [], keySigners: [signer], zoneSigners: [zoneSigner] } };
  }

  async published(zone: string, { id }: SigningPlan): Promise<void> {
    this.calls.push(`published ${id === this.id ? 'it' : 'another'} of ${zone} at ${this.servedSerial(zone)}`);
  }

  get id(): string {
    const { keys, policy } = this;
    if (typeof keys === 'string') return keys;
    return JSON.stringify([keys.keySigner.tag, keys.zoneSigner.tag, policy.nsec3 ?? 'nsec']);
  }

  /**
   * What is wrong with a zone in presentation format, which is signed by the keys of now, unless `keys` is given. `now`: seconds since
   * 1970.
   */
  mistakes(name: string, text: unknown, now: number, keys: FakeSigners['keys'] | undefined = this.keys): string[] {
    const source = { file: 'z', bytes: Buffer.from(String(text)), origin: nameFromText(name) };
    const { diagnostics } = load(source, { now, dnssecCheck: () => 'strict' });
    const errors = diagnostics.list.filter(({ severity }) => severity === 'error').map(formatDiagnostic);
    if (typeof keys === 'string') return errors;
    const found = String(text).matchAll(/ IN RRSIG \S+ (\d+) \d+ \d+ \d+ \d+ (\d+) /g);
    const signers = new Set(Array.from(found, ([, algorithm, tag]) => `${algorithm} ${tag}`));
    const expected = new Set([keys.keySigner, keys.zoneSigner].map(({ algorithm, tag }) => `${algorithm} ${tag}`));
    if ([...signers].sort().join() !== [...expected].sort().join())
      errors.push(`found signatures by ${[...signers].join()}, expected ${[...expected].join()}`);
    return errors;
  }
}

/** Records of the content, one a line, without those that signing makes. */
export function contentLines(text: unknown): string[] {
  const made = / IN (RRSIG|NSEC|NSEC3|NSEC3PARAM|DNSKEY|CDS|CDNSKEY) /;
  return String(text)
    .trimEnd()
    .split('\n')
    .filter((line) => !made.test(line))
    .sort();
}
