/** Generated zones, signed by adotd under random policies, are accepted by dnssec-verify, ldns-verify-zone and kzonecheck. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { generateKey, type SigningKey } from '../../src/dnssec/keys/signing-key.js';
import { signInPlace } from '../../src/dnssec/signing/signer.js';
import { DEFAULT_SIGNING_POLICY } from '../../src/dnssec/signing/signing-policy.js';
import { load } from '../../src/image/load.js';
import { signRecords } from '../../src/image/signed/sign-image.js';
import { nameFromText } from '../../src/protocol/name.js';
import { typeByMnemonic } from '../../src/protocol/rdata/table.js';
import { formatDiagnostic } from '../../src/zone/diagnostics.js';
import { printZone } from '../../src/zone/print.js';
import { Generator } from '../differential/generate.js';
import { Random } from '../differential/random.js';
import { makeKey, plainEscapes, signZone } from '../differential/sign.js';
import { zoneToText } from '../differential/zone-data.js';
import type { ZoneContent } from '../image/changes/zone-versions.js';
import { SignedVersions } from '../image/signed/signed-versions.js';
import { type Case, cases } from '../protocol/rdata/cases.js';
import { SEED } from '../support/seed.js';
import { genericText } from './signing/generic-text.js';
import { missingPrograms, run } from './support.js';

const missing = missingPrograms({
  'dnssec-verify': 'bind9-utils',
  'ldns-verify-zone': 'ldnsutils',
  kzonecheck: 'knot-dnssecutils',
});
if (missing !== '') console.log(`tests with generated zones are skipped: ${missing}`);
const ZONES = Number(process.env.ADOTD_ZONES ?? 40);
const FOLDER = mkdtempSync(join(tmpdir(), 'adotd-worlds-'));
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

type Chain = 'NSEC' | 'NSEC3' | 'opt-out';

const pairs = new Map<number, readonly [SigningKey, SigningKey]>();
/** A KSK and a ZSK; making RSA keys takes long. */
function pairOf(algorithm: number): readonly [SigningKey, SigningKey] {
  let pair = pairs.get(algorithm);
  if (pair === undefined) {
    const ksk = generateKey(algorithm, true);
    pair = [ksk, generateKey(algorithm, false, [ksk.tag])];
    pairs.set(algorithm, pair);
  }
  return pair;
}

/** Writes a generated zone, signed; returns what the policy was. */
function writeSigned(random: Random, file: string, apex: string): { text: string; chain: Chain; what: string } {
  const labels = apex.slice(0, -1).split('.');
  const unsigned = zoneToText(new Generator(random, labels).make([]), []);
  const bytes = Buffer.from(unsigned);
  const now = Math.floor(Date.now() / 1000);
  const algorithm = random.pick([8, 13, 13, 14, 15, 16]);
  const chain = random.pick<Chain>(['NSEC', 'NSEC3', 'opt-out']);
  const nsec3 = chain === 'NSEC' ? undefined : { optOut: chain === 'opt-out' };
  const [ksk, zsk] = pairOf(algorithm);
  const isSplit = random.chance(0.5);
  const dnskey = isSplit ? [ksk.dnskey, zsk.dnskey] : [ksk.dnskey];
  const keys = { dnskey, cds: [], cdnskey: [], keySigners: [ksk], zoneSigners: [isSplit ? zsk : ksk] };
  const { rrsets, diagnostics } = load({ file, bytes, origin: nameFromText(apex) }, { now, compile: false });
  expect(diagnostics.list.filter(({ severity }) => severity === 'error').map(formatDiagnostic)).toEqual([]);
  const context = { keys, policy: { ...DEFAULT_SIGNING_POLICY, nsec3 }, now, chooseSigner: signInPlace };
  const { loaded } = signRecords(rrsets.store, context, { now, dnssecCheck: () => 'strict' });
  const errors = loaded.diagnostics.list.filter(({ severity }) => severity === 'error').map(formatDiagnostic);
  expect(errors).toEqual([]);
  let text = '';
  printZone(loaded.rrsets, (part) => {
    text += part;
  });
  writeFileSync(file, plainEscapes(text), 'latin1');
  const what = `${apex} algorithm ${algorithm}, ${chain}, ${isSplit ? 'KSK and ZSK' : 'CSK'}`;
  return { text: unsigned, chain, what };
}

/** Whether ldns refuses a zone although BIND signed it: it misreads some escapes in names. */
async function isMisread(text: string, chain: Chain, apex: string): Promise<boolean> {
  const key = makeKey();
  const [input, output] = [join(FOLDER, 'by-bind.unsigned'), join(FOLDER, 'by-bind')];
  writeFileSync(input, `${text}${apex} 3600 IN DNSKEY ${key.dnskey}\n`);
  await signZone(join(FOLDER, 'keys'), apex, chain, key, input, output, { salt: '-', iterations: 0 });
  return (await run('ldns-verify-zone', [output])).status !== 0;
}

/** Whether kzonecheck says nothing else of a zone than that glue is missing, as it is in generated zones. */
function isGlueMissing(said: string): boolean {
  const faults = said.split('\n').filter((line) => line.startsWith('['));
  return faults.length > 0 && faults.every((line) => line.endsWith('] missing glue record'));
}

/** Cases whose RDATA BIND does not read, although it is in generic form: odd ones of types that it knows. */
async function unreadByBind(): Promise<ReadonlySet<Case>> {
  const file = join(FOLDER, 'records');
  const unread = new Set<Case>();
  for (;;) {
    const known = cases.filter((record) => record.type !== 'SOA' && !unread.has(record));
    const lines = known.map(
      ({ type, wire }, i) => `a${i} 300 TYPE${typeByMnemonic(type)} \\# ${wire.length / 2} ${wire}`,
    );
    writeFileSync(file, ['@ 300 SOA ns h 1 2 3 4 5', ...lines, ''].join('\n'));
    const { stderr } = await run('dnssec-verify', ['-q', '-o', 'example.', file]);
    if (!stderr.includes('failed loading zone')) return unread;
    const refused = known[Number(/records:(\d+)/.exec(stderr)?.[1]) - 2];
    if (refused === undefined) throw new Error(stderr);
    unread.add(refused);
  }
}

describe.skipIf(missing !== '')('changes that adotd signs', () => {
  it('make zones that the verifier of BIND accepts', async () => {
    const unread = await unreadByBind();
    expect(unread.size).toBeLessThan(cases.length / 8);
    const content: ZoneContent = {
      // BIND signs no zone with DNSKEY records below its apex, and its verifier wants the KSK to sign them; in a delegation it takes a KEY
      // record for one of the parent, as it was before RFC 3755.
      isUsed: (record) => !unread.has(record) && record.type !== 'DNSKEY' && record.type !== 'KEY',
      // BIND reads no zone with them.
      hasWildcardCuts: false,
    };
    const refusals: string[] = [];
    for (let i = 0; i < ZONES / 2; i++) {
      const versions = new SignedVersions(SEED + i, { start: Math.floor(Date.now() / 1000), isStill: true, content });
      for (let change = 0; change < 4; change++) {
        const text = genericText(versions.next().image);
        const file = join(FOLDER, `version-${i}-${change}`);
        writeFileSync(file, text);
        const { status, stderr } = await run('dnssec-verify', ['-q', '-z', '-o', 'example.', file]);
        if (status !== 0) refusals.push(`zone ${i}, change ${change}: ${stderr.slice(0, 500)}`);
        rmSync(file);
      }
    }
    expect(refusals).toEqual([]);
  });
});

describe.skipIf(missing !== '')('generated zones that adotd signs', () => {
  it('are accepted by the verifiers of BIND, ldns and Knot', async () => {
    const random = new Random(SEED);
    const refusals: string[] = [];
    for (let i = 0; i < ZONES; i++) {
      const apex = `z${i}.test.`;
      const file = join(FOLDER, `z${i}`);
      const { text, chain, what } = writeSigned(random.fork(i), file, apex);
      for (const [judge, words] of [
        ['dnssec-verify', ['-q', '-z', '-o', apex, file]],
        ['ldns-verify-zone', [file]],
        ['kzonecheck', ['-o', apex, file]],
      ] as const) {
        const { status, stderr, stdout } = await run(judge, words);
        if (status === 0 || (judge === 'kzonecheck' && isGlueMissing(stdout))) continue;
        if (judge === 'ldns-verify-zone' && (await isMisread(text, chain, apex))) continue;
        refusals.push(`${what}: ${judge} says ${stderr.slice(0, 500)}${stdout.slice(0, 500)}`);
      }
    }
    expect(refusals).toEqual([]);
  });
});
