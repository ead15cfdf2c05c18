import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/config/config-error.js';
import { readConfig } from '../../../src/config/load.js';

function mistakes(text: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'adotd-'));
  const path = join(folder, 'adotd.yaml');
  try {
    writeFileSync(path, text);
    readConfig(path);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.diagnostics.map(({ message }) => message);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const [STATE, NAMES] = ['state: { folder: s }\n', 'signals: { names: [ns.a.test] }\n'];
const policy = (text: string): string => `zones: { policies: [{ zones: [a.test], ${text} }] }\n`;
const AUTO = 'signals: { tlsa: auto }';

describe('signals in the configuration', () => {
  it('are taken with names and state', () => {
    expect(mistakes(STATE + NAMES + policy(AUTO))).toEqual([]);
    expect(mistakes(policy('signals: { tlsa: off }'))).toEqual([]);
  });

  it.each([
    [
      NAMES + policy(AUTO),
      'signals: found {"tlsa":"auto"}, expected `state` as well: the server has to remember what it serves',
    ],
    [
      STATE + policy(AUTO),
      'signals: found {"tlsa":"auto"}, expected `signals.names` as well: the names of this server',
    ],
    [
      STATE + NAMES + policy(`serial: keep, ${AUTO}`),
      'serial: found "keep", expected increment, unixtime or date beside `signals`: a changed zone needs a later serial',
    ],
    [
      `${STATE}${NAMES}remotes: [{ name: one, addresses: [127.0.0.1] }]\nzones: { secondary: [{ zones: [a.test], from: [one] }], policies: [{ zones: [a.test], ${AUTO} }] }\n`,
      'zones[0]: found "a.test", expected no `signals` for a zone that comes from a primary: add them there',
    ],
  ])('are a mistake: %s', (text, message) => {
    expect(mistakes(text).map((line) => line.replace(/^zones\.policies\[0\]\./, ''))).toEqual([message]);
  });
});
