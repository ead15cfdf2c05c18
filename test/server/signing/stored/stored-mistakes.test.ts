import { execFileSync } from 'node:child_process';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseConfig } from '../../../../src/config/load.js';
import { storedMistakes } from '../../../../src/server/signing/stored/stored-mistakes.js';
import { NAME, SigningBench } from '../signing-support.js';

const SIGNED = parseConfig(
  'state: { folder: state }\nzones: { policies: [{ zones: [a.test], dnssec: default }] }\n',
  'adotd.yaml',
);

let bench: SigningBench;
let path: string;
beforeEach(async () => {
  bench = new SigningBench();
  await bench.load();
  path = join(bench.folder, 'keys', `${bench.status.keys[0]?.id}.pem`);
});
afterEach(() => bench.close());

const found = (config = SIGNED): string[] =>
  storedMistakes(config, bench.folder, bench.table.values, undefined).map(
    ({ severity, zone, message }) => `${severity} ${zone} ${message}`,
  );

describe('a zone that a state has as signed', () => {
  it('has no mistake while its keys are there', () => expect(found()).toEqual([]));

  it.each([
    ['is missing', () => rmSync(path), 'no such file or directory'],
    ['is damaged', () => writeFileSync(path, 'x'), 'expected a private key in PEM'],
    [
      'is a pipe',
      () => {
        rmSync(path);
        execFileSync('mkfifo', [path]);
      },
      'expected a file, found a pipe',
    ],
  ])('cannot be signed anew when a key %s', (_, damage, reason) => {
    damage();
    expect(found()).toEqual([
      expect.stringMatching(
        new RegExp(
          `^error a\\.test\\. ${path}: .*${reason}.*; it is a key of a\\.test\\.: restore the file from a backup`,
        ),
      ),
    ]);
    expect(found()[0]).toContain('until then a.test. is served as it is, and not signed anew');
  });

  it('cannot be signed when the user that the server becomes may not read a key', () => {
    const user = { uid: 65_534, groups: [] };
    chmodSync(path, 0o600);
    const [mistake] = storedMistakes(SIGNED, bench.folder, bench.table.values, user);
    expect(mistake).toMatchObject({ severity: 'error', zone: NAME });
    expect(mistake?.message).toContain(`${path}: the user that the server becomes may not read it`);
  });

  it('cannot be signed when its states are damaged', () => {
    bench.table.values.set(NAME, Buffer.from('{'));
    expect(found()).toEqual([
      expect.stringMatching(/^error a\.test\. the stored states of the keys of a\.test\. cannot/),
    ]);
  });

  it('is warned of when no line of the configuration says so any more', () => {
    const none = parseConfig('state: { folder: state }\n', 'adotd.yaml');
    expect(found(none)).toEqual([
      expect.stringMatching(/^warning a\.test\. a\.test\. stays signed by the policy default/),
    ]);
  });
});
