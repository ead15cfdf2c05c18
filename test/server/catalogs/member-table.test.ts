import { describe, expect, it } from 'vitest';
import { memberTable } from '../../../src/server/catalogs/member-table.js';

const MEMBER = { zone: 'a.test.', catalog: 'catalog.test.', label: 'x', groups: ['one', 'tö'], coo: 'next.test.' };
const OTHER = { zone: 'b.test.', catalog: 'catalog.test.', label: '\\000.y', groups: [], coo: undefined };

/** A table of the state in memory. */
function fakeTable() {
  const rows = new Map<string, Uint8Array>();
  return {
    rows,
    keys: () => [...rows.keys()],
    get: (key: string) => rows.get(key),
    put: async (key: string, value: Uint8Array) => void rows.set(key, value),
    remove: async (key: string) => void rows.delete(key),
  };
}

function logged() {
  const lines: string[] = [];
  const note = (_: object, message: string): void => void lines.push(message);
  return { lines, log: { debug: note, info: note, warn: note, error: note } };
}

describe('the table of members', () => {
  it('gives back what was written, until it is gone', async () => {
    const [table, { log }] = [fakeTable(), logged()];
    await memberTable(table, log).write([MEMBER, OTHER], []);
    expect(memberTable(table, log).read()).toEqual([MEMBER, { ...OTHER, coo: undefined }]);
    await memberTable(table, log).write([], ['a.test.', 'unknown.test.']);
    expect(memberTable(table, log).read()).toEqual([OTHER]);
  });

  it.each(['no JSON', '{}', '{"catalog":"c.","label":1,"groups":[]}'])(
    'leaves out what cannot be read: %s',
    async (text) => {
      const [table, { log, lines }] = [fakeTable(), logged()];
      await memberTable(table, log).write([OTHER], []);
      table.rows.set('a.test.', Buffer.from(text));
      expect(memberTable(table, log).read()).toEqual([OTHER]);
      expect(lines).toEqual([expect.stringMatching(/^the member a\.test\. of a catalog cannot be read: /)]);
    },
  );

  it('rejects when it cannot be written', async () => {
    const table = { ...fakeTable(), put: () => Promise.reject(new Error('the disk is full')) };
    await expect(memberTable(table, logged().log).write([MEMBER], [])).rejects.toThrow('the disk is full');
  });
});
