import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { noteOrigin } from '../../../../src/server/signing/stored/state-origin.js';
import { MemoryTable } from '../signing-support.js';

let root: string;
let table: MemoryTable;
let lines: string[];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'adotd-origin-'));
  table = new MemoryTable();
  lines = [];
  for (const folder of ['one', 'two']) mkdirSync(join(root, folder, 'keys'), { recursive: true });
  writeFileSync(join(root, 'machine-1'), `${'1'.repeat(32)}\n`);
  writeFileSync(join(root, 'machine-2'), `${'2'.repeat(32)}\n`);
  writeFileSync(join(root, 'none'), '');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Starts a server; returns what it has warned of. */
async function start(folder: string, machine: string, signed = 1): Promise<string[]> {
  const warn = (_: object, text: string): void => void lines.push(text);
  const log = { debug: warn, info: warn, warn, error: warn };
  await noteOrigin(table, { folder: join(root, folder), signed, log, machineId: join(root, machine) });
  return lines.splice(0);
}

it('says nothing of a state that stays where it is', async () => {
  expect(await start('one', 'machine-1')).toEqual([]);
  const { puts } = table;
  expect(await start('one', 'machine-1')).toEqual([]);
  expect(table.puts).toBe(puts);
});

it('warns once of a state that was used on another machine', async () => {
  await start('one', 'machine-1');
  expect(await start('one', 'machine-2')).toEqual([expect.stringContaining('was used last on another machine')]);
  expect(await start('one', 'machine-2')).toEqual([]);
  expect(Buffer.from(table.values.get('last')!).toString()).not.toContain('2222');
});

it('warns of a copy beside it, not of a folder that was moved', async () => {
  await start('one', 'machine-1');
  expect(await start('two', 'machine-1')).toEqual([
    expect.stringContaining(`last in ${join(root, 'one')}, which is still there`),
  ]);
  rmSync(join(root, 'two'), { recursive: true });
  expect(await start('one', 'machine-1')).toEqual([]);
});

it('says nothing where no zone has keys, and where the machine has no id, as in containers', async () => {
  await start('one', 'machine-1', 0);
  expect(await start('one', 'machine-2', 0)).toEqual([]);
  expect(await start('one', 'none')).toEqual([]);
  expect(await start('one', 'missing')).toEqual([]);
  expect(await start('one', 'machine-1')).toEqual([]);
});

it('does not mind a record that it cannot read', async () => {
  table.values.set('last', Buffer.from('{'));
  expect(await start('one', 'machine-1')).toEqual([]);
});

it('starts all the same when it cannot be stored', async () => {
  table.isFull = true;
  expect(await start('one', 'machine-1')).toEqual([expect.stringContaining('the disk is full')]);
});
