/** Keys of other programs are read, and ours are read by them: BIND, ldns and Knot make keys, publish DS records, and sign with ours. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { bindKeyStem, readBindKey, toBindPrivate, toBindPublic } from '../../src/dnssec/keys/bind-key.js';
import { DigestType, dsRdata } from '../../src/dnssec/keys/delegation-signer.js';
import { readKnotKeys } from '../../src/dnssec/keys/knot-keys.js';
import { generateKey, keyFromPem, keyToPem } from '../../src/dnssec/keys/signing-key.js';
import { Type } from '../../src/protocol/iana.js';
import { nameFromText } from '../../src/protocol/name.js';
import { rdataToText } from '../../src/protocol/rdata/print.js';
import { APEX, ownErrors, unsignedZone } from './signed-zones.js';
import { missingPrograms } from './support.js';

const PROGRAMS = {
  'dnssec-keygen': 'bind9-utils',
  'dnssec-dsfromkey': 'bind9-utils',
  'dnssec-signzone': 'bind9-utils',
  'ldns-keygen': 'ldnsutils',
  keymgr: 'knot',
} as const;
const missing = missingPrograms(PROGRAMS);
if (missing !== '') console.log(`tests of keys are skipped: ${missing}`);

const ALGORITHMS = [8, 13, 14, 15, 16];
const ZONE = nameFromText(APEX);
const FOLDER = mkdtempSync(join(tmpdir(), 'adotd-keys-'));
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

let folders = 0;
function folder(): string {
  const path = join(FOLDER, String(folders++));
  mkdirSync(path);
  return path;
}

function run(program: string, words: readonly string[], cwd = FOLDER): string {
  return execFileSync(program, words, { encoding: 'utf8', cwd, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Reads the only key in a folder. */
function keyIn(path: string) {
  const stem = readdirSync(path)
    .find((name) => name.endsWith('.private'))!
    .replace(/\.private$/, '');
  const fileOf = (suffix: string) => ({
    file: `${stem}${suffix}`,
    text: readFileSync(join(path, `${stem}${suffix}`), 'latin1'),
  });
  return { stem, ...readBindKey(fileOf('.private'), fileOf('.key')) };
}

describe.skipIf(missing !== '')('a key', () => {
  it.each(ALGORITHMS)(
    'of dnssec-keygen is read, and has the DS records of dnssec-dsfromkey: algorithm %d',
    (algorithm) => {
      for (const flags of [['-f', 'KSK'], []]) {
        const path = folder();
        run('dnssec-keygen', ['-q', '-K', path, '-a', String(algorithm), '-P', '20260102030405', ...flags, APEX]);
        const { stem, zone, key, times } = keyIn(path);
        expect(stem).toBe(bindKeyStem(zone, key));
        expect(key.isEntryPoint).toBe(flags.length > 0);
        expect(times.Publish).toBe(Date.UTC(2026, 0, 2, 3, 4, 5) / 1000);
        if (!key.isEntryPoint) continue;
        const found = Object.values(DigestType).map((type) => rdataToText(Type.DS, dsRdata(key.dnskey, ZONE, type)));
        const expected = run('dnssec-dsfromkey', ['-1', '-2', '-a', 'SHA-384', join(path, stem)]);
        for (const ds of found) expect(expected.replace(/ ([0-9A-F]+)$/gm, ' $1')).toContain(ds.toUpperCase());
      }
    },
  );

  it.each(ALGORITHMS)('of ldns-keygen is read: algorithm %d', (algorithm) => {
    const path = folder();
    const names: Record<number, string> = { 8: 'RSASHA256', 13: 'ECDSAP256SHA256', 14: 'ECDSAP384SHA384' };
    const name = names[algorithm] ?? (algorithm === 15 ? 'ED25519' : 'ED448');
    run('ldns-keygen', ['-a', name, '-k', APEX], path);
    const { key } = keyIn(path);
    expect(readFileSync(join(path, readdirSync(path).find((file) => file.endsWith('.key'))!), 'latin1')).toContain(
      Buffer.from(key.dnskey.subarray(4)).toString('base64'),
    );
  });

  it.each(ALGORITHMS)('of keymgr is read, and ours by it: algorithm %d', (algorithm) => {
    const path = folder();
    const config = join(path, 'knot.conf');
    writeFileSync(config, `database:\n  storage: "${path}"\nzone:\n  - domain: ${APEX}\n`);
    const keymgr = (...words: string[]): string => run('keymgr', ['-c', config, ...words], path);
    keymgr(APEX, 'generate', `algorithm=${algorithm}`, 'ksk=yes', 'zsk=no');
    const pemOf = (id: string): string => readFileSync(join(path, 'keys/keys', `${id}.pem`), 'utf8');
    const [imported] = readKnotKeys(keymgr('-j', APEX, 'list'), pemOf, 'list');
    const known = keymgr(APEX, 'dnskey').replaceAll('\n', ' ');
    expect(known).toContain(Buffer.from(imported!.key.dnskey.subarray(4)).toString('base64'));
    expect(imported!.times.publish).toBeGreaterThan(0);

    const own = generateKey(algorithm, false);
    const stem = join(path, bindKeyStem(ZONE, own));
    writeFileSync(`${stem}.private`, toBindPrivate(own), { mode: 0o600 });
    writeFileSync(`${stem}.key`, toBindPublic(ZONE, own, 3600));
    keymgr(APEX, 'import-bind', `${stem}.key`);
    const all = readKnotKeys(keymgr('-j', APEX, 'list'), pemOf, 'list');
    expect(all.map(({ key }) => Buffer.from(key.dnskey).toString('hex'))).toContain(
      Buffer.from(own.dnskey).toString('hex'),
    );
  });

  it.each(ALGORITHMS)('of ours signs a zone with dnssec-signzone: algorithm %d', (algorithm) => {
    const path = folder();
    const key = generateKey(algorithm, true);
    const stem = bindKeyStem(ZONE, key);
    writeFileSync(join(path, `${stem}.private`), toBindPrivate(key), { mode: 0o600 });
    writeFileSync(join(path, `${stem}.key`), toBindPublic(ZONE, key, 3600));
    writeFileSync(join(path, 'zone'), `${unsignedZone(() => 0.5)}$INCLUDE ${stem}.key\n`);
    run('dnssec-signzone', ['-q', '-P', '-z', '-O', 'full', '-o', APEX, '-f', 'signed', 'zone', stem], path);
    expect(ownErrors(join(path, 'signed'))).toEqual([]);
  });

  it.each(ALGORITHMS)('is the same after it was written as PEM and read again: algorithm %d', (algorithm) => {
    const key = generateKey(algorithm, true);
    expect(keyFromPem(keyToPem(key), algorithm, true, 'key.pem').dnskey).toEqual(key.dnskey);
  });
});
