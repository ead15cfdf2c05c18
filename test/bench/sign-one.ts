/**
 * Signs a zone file, and prints the time: FILE NSEC|NSEC3|opt-out THREADS FOLDER-OF-KEYS [CHANGE]. A process of its own, so that all
 * of it is measured: reading the file, signing, compiling the image. With a fifth argument, a change of one record is signed too.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readBindKey } from '../../src/dnssec/keys/bind-key.js';
import { DEFAULT_SIGNING_POLICY } from '../../src/dnssec/signing/signing-policy.js';
import { diff } from '../../src/image/changes/diff.js';
import { load } from '../../src/image/load.js';
import { signChange, signRecords } from '../../src/image/signed/sign-image.js';
import { nameFromText } from '../../src/protocol/name.js';
import { formatDiagnostic } from '../../src/zone/diagnostics.js';
import { withOneChange } from './one-change.js';

// Its thread has a program, which is compiled.
const { signWithThreads } = (await import(
  new URL('../../../build/server/signing/signing-threads.js', import.meta.url).href
)) as typeof import('../../src/server/signing/signing-threads.js');

const [file = '', chain = '', threads = '', folder = '', isChange] = process.argv.slice(2);
const origin = nameFromText(basename(file).replace(/zone$/, ''));
const started = performance.now();
const since = (from: number): string => ((performance.now() - from) / 1000).toFixed(2);
const keys = readdirSync(folder)
  .filter((name) => name.endsWith('.private'))
  .map((name) => {
    const stem = join(folder, name.replace(/\.private$/, ''));
    const textOf = (suffix: string) => ({ file: stem + suffix, text: readFileSync(stem + suffix, 'latin1') });
    return readBindKey(textOf('.private'), textOf('.key')).key;
  });
const keySigners = keys.filter(({ isEntryPoint }) => isEntryPoint);
const zoneSigners = keys.filter(({ isEntryPoint }) => !isEntryPoint);
const nsec3 = chain === 'NSEC' ? undefined : { optOut: chain === 'opt-out' };
const context = {
  keys: { dnskey: keys.map(({ dnskey }) => dnskey), cds: [], cdnskey: [], keySigners, zoneSigners },
  policy: { ...DEFAULT_SIGNING_POLICY, nsec3 },
  now: Math.floor(Date.now() / 1000),
  chooseSigner: signWithThreads(Number(threads) - 1),
};
const text = readFileSync(file, 'latin1');
const options = { now: context.now };
const contentOf = (lines: string) => load({ file, bytes: Buffer.from(lines, 'latin1'), origin }, options);
const { rrsets, diagnostics } = load(
  { file, bytes: Buffer.from(text, 'latin1'), origin },
  { ...options, compile: false },
);
if (diagnostics.errors > 0) throw new Error(diagnostics.list.map(formatDiagnostic).join('\n'));
const read = performance.now();
const { loaded, made } = signRecords(rrsets.store, context, options);
if (loaded.image === undefined) throw new Error(loaded.diagnostics.list.map(formatDiagnostic).join('\n'));
console.log(`${made} signatures in ${since(read)} s, ${since(started)} s in all`);
if (isChange !== undefined) {
  const before = contentOf(text).image!;
  const after = contentOf(withOneChange(text)).image!;
  const difference = diff(before, after);
  const from = performance.now();
  const change = signChange(loaded.image, difference, context, options);
  console.log(`one change of ${change.loaded.records} signed records: ${change.made} signatures, ${since(from)} s`);
}
