/**
 * What adotd signs, as a validator sees it: delv, with the DS record as trust anchor, asks for every kind of answer. The zones are signed
 * whole, and changed afterwards.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { dsRdata } from '../../src/dnssec/keys/delegation-signer.js';
import { generateKey } from '../../src/dnssec/keys/signing-key.js';
import { signInPlace } from '../../src/dnssec/signing/signer.js';
import { DEFAULT_SIGNING_POLICY } from '../../src/dnssec/signing/signing-policy.js';
import { diff } from '../../src/image/changes/diff.js';
import { load } from '../../src/image/load.js';
import { signChange, signRecords } from '../../src/image/signed/sign-image.js';
import { imageText } from '../../src/image/text.js';
import { startServer } from '../../src/index.js';
import { nameFromText } from '../../src/protocol/name.js';
import { missingPrograms, run } from './support.js';

const missing = missingPrograms({ delv: 'bind9-dnsutils' });
const APEX = 'example.test.';
const FOLDER = mkdtempSync(join(tmpdir(), 'adotd-signed-by-us-'));
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

const text = (serial: number, ...lines: string[]): string =>
  `@ 300 SOA ns h ${serial} 7200 900 1209600 300
@ 300 NS ns
ns 300 A 192.0.2.1
www 300 A 192.0.2.1
alias 300 CNAME www
mx 300 MX 10 MAIL.Example.test.
*.wild 300 TXT "found"
a.b.c 300 A 192.0.2.2
d 300 DNAME www
insecure 300 NS ns.insecure
ns.insecure 300 A 192.0.2.3
only.delegated 300 NS ns.insecure
secure 300 NS ns.insecure
secure 300 DS 1 13 2 ${'ab'.repeat(32)}
${lines.join('\n')}
`;
const GONE = 'old.names 300 A 192.0.2.9\nwas.cut 300 NS ns.insecure\nbelow.was.cut 300 A 192.0.2.8';
const COME = 'new 300 A 192.0.2.7\nbelow.was.cut 300 A 192.0.2.8\nx.new.ent 300 TXT "x"';

/** What delv says of each answer; a denial counts as a failed resolution, validated or not. */
const QUESTIONS: Readonly<Record<string, string>> = {
  'example.test SOA': 'fully validated',
  'example.test DNSKEY': 'fully validated',
  'www.example.test A': 'fully validated',
  'www.example.test MX': 'negative response, fully validated',
  'alias.example.test A': 'fully validated',
  'mx.example.test MX': 'fully validated',
  'x.wild.example.test TXT': 'fully validated',
  'x.y.wild.example.test TXT': 'fully validated',
  'x.wild.example.test A': 'negative response, fully validated',
  'nothing.example.test A': 'negative response, fully validated',
  'nothing.a.b.c.example.test A': 'negative response, fully validated',
  'b.c.example.test A': 'negative response, fully validated',
  'x.d.example.test A': 'fully validated',
  'secure.example.test DS': 'fully validated',
  'new.example.test A': 'fully validated',
  'ent.example.test A': 'negative response, fully validated',
  'new.ent.example.test A': 'negative response, fully validated',
  'x.new.ent.example.test TXT': 'fully validated',
  'below.was.cut.example.test A': 'fully validated',
  'was.cut.example.test NS': 'negative response, fully validated',
  'old.names.example.test A': 'negative response, fully validated',
  'names.example.test A': 'negative response, fully validated',
};

/** With opt-out, it is not proved that no unsigned delegation stands nearer than the wildcard (RFC 5155 §9.2). */
const WITH_OPT_OUT: Readonly<Record<string, string>> = {
  ...QUESTIONS,
  'x.wild.example.test TXT': 'unsigned answer',
  'x.y.wild.example.test TXT': 'unsigned answer',
};

/** The zone after a change, signed, and its DS record. */
function signed(algorithm: number, nsec3: { optOut: boolean } | undefined): { zone: string; ds: Uint8Array } {
  const now = Math.floor(Date.now() / 1000);
  const origin = nameFromText(APEX);
  const contentOf = (lines: string) => load({ file: 'zone', bytes: Buffer.from(lines), origin }, { now });
  const ksk = generateKey(algorithm, true);
  const zsk = generateKey(algorithm, false, [ksk.tag]);
  const keys = { dnskey: [ksk.dnskey, zsk.dnskey], cds: [], cdnskey: [], keySigners: [ksk], zoneSigners: [zsk] };
  const context = { keys, policy: { ...DEFAULT_SIGNING_POLICY, nsec3 }, now, chooseSigner: signInPlace };
  const [before, after] = [contentOf(text(1, GONE)), contentOf(text(2, COME))];
  const difference = diff(before.image!, after.image!);
  const first = signRecords(before.rrsets.store, context, { now });
  const { loaded } = signChange(first.loaded.image!, difference, context, { now });
  return { zone: [...imageText(loaded.image!)].join(''), ds: dsRdata(ksk.dnskey, origin) };
}

describe.skipIf(missing)(`zones that adotd signs${missing ? ` (skipped: ${missing})` : ''}`, () => {
  it.each(
    [8, 13, 14, 15, 16].flatMap((algorithm) =>
      ['NSEC', 'NSEC3', 'opt-out'].map((chain) => [algorithm, chain] as const),
    ),
  )('are believed by delv, in answers and denials: algorithm %d, %s', async (algorithm, chain) => {
    const { zone, ds } = signed(algorithm, chain === 'NSEC' ? undefined : { optOut: chain === 'opt-out' });
    await using server = await startServer({ zones: { 'example.test': zone } });
    const anchors = join(FOLDER, `${algorithm}-${chain}`);
    const digest = Buffer.from(ds.subarray(4)).toString('hex');
    const tag = ds[0]! * 256 + ds[1]!;
    writeFileSync(anchors, `trust-anchors { "${APEX}" static-ds ${tag} ${algorithm} 2 "${digest}"; };\n`);
    const from = ['@127.0.0.1', '-p', String(server.udp), '-a', anchors, `+root=${APEX}`];
    const found: Record<string, string> = {};
    for (const question of Object.keys(QUESTIONS)) {
      const { stdout, stderr } = await run('delv', [...from, ...question.split(' ')]);
      const output = `${stdout}${stderr}`;
      found[question] = /^; (.*validated|unsigned answer)$/m.exec(output)?.[1] ?? output;
    }
    expect(found).toEqual(chain === 'opt-out' ? WITH_OPT_OUT : QUESTIONS);
  });
});
