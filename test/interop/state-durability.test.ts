/** A kill proves nothing about a loss of power: the system calls show what is on disk before something is acknowledged. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { newFolder } from '../state/open-store.js';
import { missingPrograms } from './support.js';

const PROGRAM = fileURLToPath(new URL('state-durable-program.mjs', import.meta.url));
const CALLS = 'trace=write,pwrite64,fdatasync,fsync,rename,renameat,renameat2,ftruncate';
const missing = missingPrograms({ strace: 'strace' });

/** A system call that has returned. */
interface Call {
  readonly name: string;
  /** The file that it is about, below the state folder; of a rename the new name; what is written to standard output. */
  readonly about: string;
}

describe.skipIf(missing)(`the system calls of a store${missing && ` (${missing})`}`, () => {
  let calls: readonly Call[];
  beforeAll(() => {
    const folder = newFolder();
    const trace = join(folder, '..', 'trace');
    const words = ['-f', '-y', '-s', '64', '-e', CALLS, '-o', trace, process.execPath, PROGRAM, folder];
    const { status, stderr } = spawnSync('strace', words, { encoding: 'utf8' });
    expect(status, stderr).toBe(0);
    calls = callsIn(readFileSync(trace, 'utf8'), folder);
  });

  /** The calls between two lines of the program. */
  const from = (before: string, after: string): Call[] => {
    const at = (text: string): number =>
      calls.findIndex(({ name, about }) => name === 'write' && about === `said ${text}`);
    expect([at(before) >= 0, at(after) > at(before)]).toEqual([true, true]);
    return calls.slice(at(before) + 1, at(after));
  };
  const names = (list: readonly Call[]): string[] => list.map(({ name, about }) => `${name} ${about}`);

  it('have the ledger on disk before a change is acknowledged', () => {
    const list = names(from('generation acknowledged', 'difference acknowledged'));
    expect(list.indexOf('fdatasync ledger-1')).toBeGreaterThan(list.indexOf('pwrite64 ledger-1'));
    expect(list.filter((call) => call === 'fdatasync ledger-1')).toHaveLength(1);
  });

  it('have the records of a large zone on disk, and their name, before the ledger refers to them', () => {
    const list = names(from('opened', 'generation acknowledged'));
    const steps = [
      'write runs/1.new',
      'fdatasync runs/1.new',
      'rename runs/1',
      'fsync runs',
      'pwrite64 ledger-1',
      'fdatasync ledger-1',
    ];
    expect(steps.map((step) => list.lastIndexOf(step))).toEqual(
      steps.map((step) => list.lastIndexOf(step)).sort((a, b) => a - b),
    );
    expect(steps.filter((step) => !list.includes(step))).toEqual([]);
  });

  it('wait for the disk with a note only where that is asked for', () => {
    expect(names(from('difference acknowledged', 'note written'))).not.toContain('fdatasync ledger-1');
    expect(names(from('note written', 'note acknowledged'))).toContain('fdatasync ledger-1');
  });

  it('have an image on disk before it gets its name, and then the name', () => {
    const list = names(from('note acknowledged', 'closed')).filter((call) => call.includes('images'));
    const path = /images\/[0-9a-f]+/.exec(list.join())?.[0];
    expect(list.slice(list.indexOf(`fdatasync ${path}.new`))).toEqual([
      `fdatasync ${path}.new`,
      `rename ${path}`,
      'fsync images',
    ]);
    expect(list.indexOf(`write ${path}.new`)).toBeLessThan(list.indexOf(`fdatasync ${path}.new`));
  });

  it('have the name of a new ledger on disk before the first change', () => {
    const start = calls.findIndex(({ about }) => about === 'said opened');
    const list = names(calls.slice(0, start));
    const steps = ['fdatasync ledger-1.new', 'rename ledger-1', 'fsync .'];
    expect(list.filter((call) => steps.includes(call))).toEqual(steps);
  });
});

/** The calls in the order in which they returned. */
function callsIn(trace: string, folder: string): Call[] {
  const begun = new Map<string, string>();
  return trace.split('\n').flatMap((line) => {
    const [, thread = '', rest = ''] = /^([0-9]+) +(.*)$/.exec(line) ?? [];
    if (rest.endsWith('<unfinished ...>')) {
      begun.set(thread, rest);
      return [];
    }
    const text = rest.startsWith('<... ') ? `${begun.get(thread)} ${rest}` : rest;
    const name = /^([a-z0-9]+)\(/.exec(text)?.[1];
    if (name === undefined || / = -1 /.test(text)) return [];
    return callOf(name, text, folder);
  });
}

function callOf(name: string, text: string, folder: string): Call[] {
  const said = /^write\(1<.*>, "(.*)\\n"/.exec(text)?.[1];
  if (said !== undefined) return [{ name, about: `said ${said}` }];
  const paths = name.startsWith('rename')
    ? [...text.matchAll(/"([^"]*)"/g)]
    : [...text.matchAll(/^[a-z0-9]+\([0-9]+<([^>]*)>/g)];
  const path = paths.at(-1)?.[1];
  if (path === undefined || !path.startsWith(folder)) return [];
  return [{ name: name.startsWith('rename') ? 'rename' : name, about: path.slice(folder.length + 1) || '.' }];
}
