import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
    [['ctl', 'state', 'accept-l'], ['accept-loss']],
    [
      ['ctl', 'stat'],
      ['status', 'state', 'stats'],
    ],
    [['ctl', '--json', 'catalog', ''], ['accept']],
    [['update', 'LIC'], ['LICENSE']],
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

describe('each command of adotd ctl', () => {
  /** As the program itself lists them when one is missing. */
  let commands: string[];
  beforeAll(async () => {
    const namesIn = (text: string): string[] =>
      text
        .trim()
        .replace(/^.*expected (?:a command: )?/, '')
        .split(', ');
    const dnssec = namesIn((await adotd('ctl', 'dnssec', '--socket', ROOT)).stderr);
    const all = namesIn((await adotd('ctl')).stderr).filter((name) => !['dnssec', 'tls'].includes(name));
    commands = [...all, ...dnssec.map((name) => `dnssec ${name}`), 'catalog accept', 'tls switch'];
    expect(commands).toEqual(expect.arrayContaining(['reload', 'state accept-loss', 'dnssec roll']));
  });

  it('is completed in bash, word by word', () => {
    for (const command of commands) {
      const words = command.split(' ');
      for (const [index, word] of words.entries())
        expect(completed('ctl', ...words.slice(0, index), word)).toContain(word);
    }
  });

  it('is in the scripts for zsh and fish', async () => {
    const [zsh, fish] = [(await adotd('completion', 'zsh')).stdout, (await adotd('completion', 'fish')).stdout];
    for (const command of commands) {
      const [first = '', second] = command.split(' ');
      expect(zsh).toContain(`${first}\\:"`);
      expect(fish).toContain(`'__fish_seen_subcommand_from ctl' -a ${first} `);
      if (second === undefined) continue;
      const line = zsh.split('\n').find((text) => text.trim().startsWith(`${first}) second=`));
      expect(line).toContain(`${second}\\:"`);
      expect(fish).toContain(`from ctl; and __fish_seen_subcommand_from ${first}' -a ${second} `);
    }
  });

  it('has an entry of its own in the manual page', () => {
    const page = readFileSync(join(ROOT, 'docs/adotd.1'), 'utf8');
    for (const command of commands) expect(page).toContain(`.TP\n\\fB${command.replaceAll('-', '\\-')}\\fR`);
  });
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
