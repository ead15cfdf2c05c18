import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CertificateFiles } from '../../src/tls/certificates.js';
import { selfSignedFiles } from '../../src/tls/self-signed.js';
import { type Loaded, loadCertificates } from '../../src/tls/served.js';
import { DAY, type Made, make, temporaryFolder } from './support.js';

let parent: ReturnType<typeof temporaryFolder>;
let folder: string;
beforeEach(() => {
  parent = temporaryFolder();
  folder = join(parent.path, 'certs');
});
afterEach(() => parent[Symbol.dispose]());

const sources = { names: ['ns1.a.test.'], addresses: ['127.0.0.1'] };
const load = (files: readonly CertificateFiles[], before?: Loaded, now = new Date()) =>
  loadCertificates(files, before, { folder, ...sources, now });
const put = (name: string, { cert, key }: Made): CertificateFiles => {
  return { certFile: parent.put(`${name}.pem`, cert), keyFile: parent.put(`${name}.key`, key) };
};
const states = ({ pairs }: Loaded) => pairs.map(({ state }) => state);
const names = ({ certificates }: Loaded) => certificates.map((certificate) => certificate.names[0]);
const mistakes = ({ pairs }: Loaded) => pairs.map(({ mistake }) => mistake?.message);
/** A certificate that is valid between these days from now. */
const within = (from: number, to: number, name = 'ns1.a.test') =>
  make({ names: [name], from: new Date(Date.now() + from * DAY), to: new Date(Date.now() + to * DAY) });

describe('configured certificates', () => {
  it('are served, the first as the default, and none is made', async () => {
    const files = [put('one', await make({ names: ['one.test'] })), put('two', await make({ names: ['two.test'] }))];
    const loaded = await load(files);
    expect([names(loaded), states(loaded)]).toEqual([
      ['one.test', 'two.test'],
      ['served', 'served'],
    ]);
    expect(readdirSync(parent.path)).not.toContain('certs');
  });

  it('are loaded one by one: a pair that cannot be used keeps no other from being renewed', async () => {
    const [one, two] = [
      put('one', await make({ names: ['one.test'] })),
      put('two', await make({ names: ['two.test'] })),
    ];
    const before = await load([one, two]);
    writeFileSync(one.keyFile, 'spoiled');
    put('two', await make({ names: ['renewed.test'] }));
    const after = await load([one, two], before);
    expect([names(after), states(after)]).toEqual([
      ['one.test', 'renewed.test'],
      ['kept', 'served'],
    ]);
    expect(mistakes(after)).toEqual([expect.stringMatching(/one\.key is not PEM/), undefined]);
    rmSync(two.certFile);
    put('one', await make({ names: ['mended.test'] }));
    const later = await load([one, two], after);
    expect([names(later), states(later)]).toEqual([
      ['mended.test', 'renewed.test'],
      ['served', 'kept'],
    ]);
  });

  it('that never could be used are left out, until they can', async () => {
    const [one, two] = [
      put('one', await make({ names: ['one.test'] })),
      put('two', await make({ names: ['two.test'] })),
    ];
    rmSync(one.keyFile);
    const before = await load([one, two]);
    expect([names(before), states(before)]).toEqual([['two.test'], ['failed', 'served']]);
    put('one', await make({ names: ['one.test'] }));
    const after = await load([one, two], before);
    expect([names(after), states(after)]).toEqual([
      ['one.test', 'two.test'],
      ['served', 'served'],
    ]);
  });

  it('that cannot be used at all have a stand-in for the nameservers, made in memory once, in no file', async () => {
    const one = put('one', await make({ names: ['one.test'] }));
    rmSync(one.certFile);
    const before = await load([one]);
    expect([states(before), mistakes(before)]).toEqual([['failed'], [expect.stringMatching(/one\.pem: no such file/)]]);
    const [standIn] = before.certificates;
    expect([standIn.certFile, standIn.names, standIn.warnings]).toEqual([
      '(in memory)',
      ['ns1.a.test', '127.0.0.1'],
      [],
    ]);
    expect((await load([one], before)).certificates[0]).toBe(standIn);
    expect(readdirSync(parent.path)).toEqual(['one.key']);
    put('one', await make({ names: ['one.test'] }));
    const after = await load([one], before);
    expect([names(after), states(after)]).toEqual([['one.test'], ['served']]);
    // Lost again: what was served stays.
    rmSync(one.certFile);
    expect(names(await load([one], after))).toEqual(['one.test']);
  });
});

describe('a certificate that is out of its time', () => {
  it.each([
    ['has expired', -3, -1],
    ['is not valid yet', 1, 3],
  ])('is served when it %s and there is nothing else', async (_, from, to) => {
    const one = put('one', await within(from, to));
    const loaded = await load([one]);
    expect([states(loaded), names(loaded), mistakes(loaded)]).toEqual([['served'], ['ns1.a.test'], [undefined]]);
  });

  it.each([
    ['has expired', -3, -1, /one\.pem expired at /],
    ['is not valid yet', 1, 3, /one\.pem is not valid before .*, and is taken then/],
  ])('takes the place of no valid one when it %s', async (_, from, to, message) => {
    const one = put('one', await within(-1, 90, 'valid.test'));
    const before = await load([one]);
    put('one', await within(from, to));
    const after = await load([one], before);
    expect([names(after), states(after)]).toEqual([['valid.test'], ['kept']]);
    expect(mistakes(after)).toEqual([expect.stringMatching(message)]);
  });

  it('is taken when its time comes, or when the one before it has expired', async () => {
    const one = put('one', await within(-1, 2, 'old.test'));
    const before = await load([one]);
    put('one', await within(1, 90, 'new.test'));
    const at = (days: number): Date => new Date(Date.now() + days * DAY);
    const waiting = await load([one], before);
    expect(names(waiting)).toEqual(['old.test']);
    expect(names(await load([one], waiting, at(1.5)))).toEqual(['new.test']);
    put('one', await within(5, 90, 'late.test'));
    expect(names(await load([one], waiting, at(1.5)))).toEqual(['old.test']);
    expect(names(await load([one], waiting, at(2.5)))).toEqual(['late.test']);
  });
});

describe('the server’s own certificate', () => {
  it('is served, though everybody can read its key, which is said', async () => {
    const { certificates } = await load([]);
    chmodSync(certificates[0].keyFile, 0o644);
    expect((await load([])).certificates[0].warnings).toEqual([expect.stringContaining('can be read by everybody')]);
  });

  it('has a stand-in where its key cannot be used or its folder not be made, and the key is not touched', async () => {
    mkdirSync(folder);
    const { keyFile } = selfSignedFiles(folder);
    writeFileSync(keyFile, 'spoiled', { mode: 0o600 });
    const loaded = await load([]);
    expect([states(loaded), mistakes(loaded)]).toEqual([
      ['failed'],
      [expect.stringMatching(/self-signed\.key is not PEM/)],
    ]);
    expect(names(loaded)).toEqual(['ns1.a.test']);
    expect(readdirSync(folder)).toEqual(['self-signed.key']);
    rmSync(folder, { recursive: true });
    writeFileSync(folder, 'a file');
    expect(mistakes(await load([]))).toEqual([expect.stringMatching(/cannot write to the folder of certificates/)]);
  });

  it('is kept when its key is spoiled later', async () => {
    const before = await load([]);
    writeFileSync(before.certificates[0].keyFile, 'spoiled');
    const after = await load([], before);
    expect([states(after), after.certificates[0]]).toEqual([['kept'], before.certificates[0]]);
  });

  it('has a warning where another server keeps its certificate in the same folder', async () => {
    const before = await load([]);
    await loadCertificates([], undefined, { folder, names: ['ns2.b.test.'], addresses: [] });
    const after = await load([], before);
    expect(after.certificates[0]).toBe(before.certificates[0]);
    expect(after.pairs[0]?.warning).toMatch(
      /^another server keeps its certificate in \S+certs too, .*`tls\.certs_folder`$/,
    );
  });
});
