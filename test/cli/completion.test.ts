import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VERBS } from '../../src/cli/command.js';
import { parseHelp } from '../../src/cli/help-text.js';
import { adotd, ROOT } from '../support/cli.js';

const folder = mkdtempSync(join(tmpdir(), 'adotd-'));
const script = join(folder, 'adotd.bash');
beforeAll(async () => {
  const { status, stdout } = await adotd('completion', 'bash');
  expect(status).toBe(0);
  writeFileSync(script, stdout);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What bash offers for the last of these words. */
function completed(...words: readonly string[]): string[] {
  const program = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _adotd; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const ran = spawnSync('bash', ['-c', program, 'bash', script, 'adotd', ...words], { cwd: ROOT, encoding: 'utf8' });
  expect(ran.stderr).toBe('');
  return ran.stdout.split('\n').filter((line) => line !== '');
}

describe('completion in bash', () => {
  it.each([
    [['s'], ['serve', 'schema']],
    [['serve', '--log-f'], ['--log-format']],
    [
      ['serve', '--log-format', ''],
      ['json', 'pretty'],
    ],
    [['serve', '--workers', ''], []],
    [['serve', '--zones', 'zon'], ['zones']],
    [['ctl', 'zo'], ['zone-status']],
    [['check', 'zones/hom'], ['zones/home.test.zone']],
    [
      ['query', '--transport', 't'],
      ['tcp', 'tls'],
    ],
  ])('of %j is %j', (words, offered) => {
    expect(completed(...words)).toEqual(offered);
  });
});

it.each(['zsh', 'fish'])('has every verb in the script for %s', async (shell) => {
  const { stdout } = await adotd('completion', shell);
  for (const verb of Object.keys(VERBS)) expect(stdout).toContain(verb);
  expect(stdout).toContain('log-format');
});

it('says which shells there are', async () => {
  expect(await adotd('completion', 'tcsh')).toMatchObject({
    status: 2,
    stderr: 'adotd completion: found tcsh, expected one of bash, zsh, fish\n',
  });
});

describe('the help of a verb', () => {
  it.each(Object.keys(VERBS))('%s lists the options that the verb takes, and no others', async (name) => {
    const { help, options } = await VERBS[name]!.load();
    const listed = parseHelp(help).options.map((option) => option.name.slice(2));
    expect(listed.sort()).toEqual(Object.keys(options).sort());
    for (const { name: option, value } of parseHelp(help).options)
      expect([option, value !== undefined]).toEqual([option, options[option.slice(2)]?.type === 'string']);
  });
});
