import { describe, expect, it, vi } from 'vitest';
import { VERBS } from '../../src/cli/command.js';
import { HABITS } from '../../src/cli/habits.js';
import { runCommand } from '../support/run-command.js';

// What is written to standard error has to be seen here, whatever the verb.
vi.mock(import('../../src/observe/standard-streams.js'), async (original) => ({
  ...(await original()),
  unblockStandardStreams: () => {},
}));

const verbs = await Promise.all(Object.entries(VERBS).map(async ([name, { load }]) => ({ name, ...(await load()) })));
const optionsOf = (name: string): string[] =>
  Object.keys(verbs.find((verb) => verb.name === name)?.options ?? {}).map((option) => `--${option}`);

/** What is said of an option that there is not; the command ends with the status of a wrong command line. */
async function remedy(verb: string, option: string): Promise<string> {
  const { status, stdout, stderr } = await runCommand(verb, option);
  expect([status, stdout]).toEqual([2, '']);
  const head = `adotd ${verb}: unknown option ${option}; `;
  expect(stderr.startsWith(head), stderr).toBe(true);
  return stderr.slice(head.length).trimEnd();
}

describe('an option that a verb does not have', () => {
  it.each([
    ['check', '--config', 'write adotd check FILE, with the configuration as FILE'],
    [
      'check',
      '-z',
      'leave it out: zones are checked with the configuration that names them; write adotd check FILE, with the configuration as FILE',
    ],
    ['check', '-D', 'write --print'],
    ['serve', '-u', 'write user: NAME into the configuration (docs/configuration.md)'],
    ['ctl', '--control-socket', 'write --socket PATH'],
    ['query', '--tcp', 'write --transport tcp'],
    ['fixture', '--strict', 'leave it out: it does not start if zones have errors, unless there is --lenient'],
    // Not in the table.
    ['check', '--allow-empty', 'it is one of adotd ctl; see adotd check --help'],
    ['ctl', '--dnssec', 'it is one of adotd query, adotd fixture; see adotd ctl --help'],
    ['check', '--limits', 'did you mean --limit?'],
    ['check', '--frobnicate', 'see adotd check --help'],
  ])('is answered with what to type: %s %s', async (verb, option, expected) => {
    expect(await remedy(verb, option)).toBe(expected);
  });

  it('keeps the status that the verb has for it', async () => {
    const { status, stderr } = await runCommand('ctl', 'status', '--dnssec');
    expect([status, stderr]).toEqual([
      3,
      'adotd ctl: unknown option --dnssec; it is one of adotd query, adotd fixture; see adotd ctl --help\n',
    ]);
  });

  it.each(verbs)('is answered with more than the help, if another verb has it: $name', async ({ name }) => {
    const own = optionsOf(name);
    const others = new Set(verbs.flatMap((verb) => optionsOf(verb.name)).filter((option) => !own.includes(option)));
    expect(others.size).toBeGreaterThan(20);
    for (const option of others) expect(await remedy(name, option), option).not.toMatch(/^see /);
  });
});

describe('the table of habits', () => {
  const rows = Object.entries(HABITS.options).flatMap(([verb, habits]) =>
    Object.entries(habits).map(([option, text]) => ({ verb, option, text })),
  );

  it('has only what is said', async () => {
    for (const { verb, option, text } of rows) expect(await remedy(verb, option), `${verb} ${option}`).toBe(text);
    for (const [verb, text] of Object.entries(HABITS.verbs)) {
      expect((await runCommand(verb)).stderr).toBe(`adotd: unknown verb ${verb}; ${text}\n`);
    }
    for (const [name, text] of Object.entries(HABITS.commands)) {
      expect((await runCommand('ctl', name)).stderr).toBe(`adotd ctl: unknown command ${name}; ${text}\n`);
    }
  });

  it('names only options and verbs that there are', () => {
    const wrong = rows.filter(({ verb, text }) => {
      const other = /adotd ([a-z]+)/.exec(text)?.[1] ?? verb;
      const known = [...optionsOf(verb), ...optionsOf(other)];
      return !(other in VERBS) || (text.match(/--[a-z][a-z-]*/g) ?? []).some((option) => !known.includes(option));
    });
    expect(wrong).toEqual([]);
  });

  it('has no option that the verb has', () => {
    expect(rows.filter(({ verb, option }) => optionsOf(verb).includes(option))).toEqual([]);
  });
});
