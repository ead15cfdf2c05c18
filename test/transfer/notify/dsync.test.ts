import { describe, expect, it } from 'vitest';
import { Type } from '../../../src/protocol/iana.js';
import { nameFromText, nameToText } from '../../../src/protocol/name.js';
import { dsyncTargets, readDsyncAnswer } from '../../../src/transfer/notify/dsync.js';
import { resolverQuestion } from '../../../src/transfer/resolver-message.js';
import { type Engine, engineOf } from '../../support/engine.js';
import { decodeMessage } from '../../support/message.js';

const SOA = '@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns.other.test.\n';

function zone(file: string, records: string): { file: string; text: string } {
  return { file, text: `$ORIGIN ${file.replace(/zone$/, '')}\n${SOA}${records}` };
}

/** Looks up the targets of a zone in an engine; returns them, and the names that were asked for. */
async function look(engine: Engine, name: string) {
  const asked: string[] = [];
  const targets = await dsyncTargets(nameFromText(name), async (wanted) => {
    asked.push(nameToText(wanted));
    const answer = engine.ask(resolverQuestion(7, wanted, Type.DSYNC), 'tcp');
    if (answer === undefined) throw new Error('no answer');
    return readDsyncAnswer(answer, 7, wanted);
  });
  return { targets: targets.map(({ host, port }) => `${host}:${port}`), asked };
}

describe('the targets of NOTIFY(CDS)', () => {
  it('are those of the child, behind its first label', async () => {
    const engine = engineOf([
      zone(
        'parent.test.zone',
        'child._dsync 60 DSYNC CDS NOTIFY 5359 scanner.other.test.\n*._dsync DSYNC CDS NOTIFY 1 a.\n',
      ),
    ]);
    expect(await look(engine, 'child.parent.test.')).toEqual({
      targets: ['scanner.other.test.:5359'],
      asked: ['child._dsync.parent.test.'],
    });
  });

  it('are those of a wildcard, of CNAME records, and of several records', async () => {
    const engine = engineOf([
      zone(
        'one.test.zone',
        '*._dsync 60 DSYNC CDS NOTIFY 53 a.other.test.\n*._dsync 60 DSYNC CDS NOTIFY 54 b.other.test.\n',
      ),
      zone('two.test.zone', 'child._dsync 60 CNAME all._dsync\nall._dsync 60 DSYNC CDS NOTIFY 53 c.other.test.\n'),
    ]);
    expect((await look(engine, 'child.one.test.')).targets.sort()).toEqual(['a.other.test.:53', 'b.other.test.:54']);
    expect((await look(engine, 'child.two.test.')).targets).toEqual(['c.other.test.:53']);
  });

  it('are looked up where the parent begins, when that is more than one label up', async () => {
    const engine = engineOf([zone('example.zone', 'subsub.sub.child._dsync 60 DSYNC CDS NOTIFY 53 a.other.test.\n')]);
    expect(await look(engine, 'subsub.sub.child.example.')).toEqual({
      targets: ['a.other.test.:53'],
      asked: ['subsub._dsync.sub.child.example.', 'subsub.sub.child._dsync.example.'],
    });
  });

  it('are at last those of the parent as a whole', async () => {
    const engine = engineOf([zone('example.zone', '_dsync 60 DSYNC CDS NOTIFY 53 a.other.test.\n')]);
    expect(await look(engine, 'sub.child.example.')).toEqual({
      targets: ['a.other.test.:53'],
      asked: ['sub._dsync.child.example.', 'sub.child._dsync.example.', '_dsync.example.'],
    });
  });

  it('are those of the root for a zone of one label; the root has no parent', async () => {
    const engine = engineOf([
      { file: 'root.zone', text: `$ORIGIN .\n${SOA}_dsync 60 DSYNC CDS NOTIFY 53 a.other.test.\n` },
    ]);
    expect(await look(engine, 'child.')).toEqual({
      targets: ['a.other.test.:53'],
      asked: ['child._dsync.', '_dsync.'],
    });
    expect(await look(engine, '.')).toEqual({ targets: [], asked: [] });
  });

  it('are none where no record is for CDS, of the scheme NOTIFY, or names somebody', async () => {
    const records = ['CSYNC NOTIFY 53 a.', 'CDS 2 53 a.', 'CDS NOTIFY 0 a.', 'CDS NOTIFY 53 .'];
    for (const record of records) {
      const engine = engineOf([zone('test.zone', `child._dsync 60 DSYNC ${record}\n`)]);
      expect(await look(engine, 'child.test.')).toEqual({ targets: [], asked: ['child._dsync.test.'] });
    }
  });

  it('are none where there is no record at all, and where its name would be too long', async () => {
    const engine = engineOf([zone('test.zone', '')]);
    expect(await look(engine, 'child.test.')).toEqual({ targets: [], asked: ['child._dsync.test.', '_dsync.test.'] });
    const long = `${'a'.repeat(63)}.`.repeat(3) + 'b'.repeat(55);
    expect(await look(engine, `${long}.test.`)).toEqual({ targets: [], asked: [] });
  });
});

describe('the answer of a resolver', () => {
  const name = nameFromText('child._dsync.test.');
  const [question, answer] = [
    resolverQuestion(7, name, Type.DSYNC),
    engineOf([zone('test.zone', '')]).ask(resolverQuestion(7, name, Type.DSYNC), 'tcp'),
  ];
  const changed = (at: number, octet: number): Uint8Array => Uint8Array.from(answer!).fill(octet, at, at + 1);

  it('is asked for with recursion', () => {
    expect(decodeMessage(question)).toMatchObject({
      id: 7,
      flags: { rd: true },
      question: [{ name: 'child._dsync.test.', type: 66, class: 1 }],
    });
  });

  it('counts only when it is one', () => {
    expect(readDsyncAnswer(answer!, 7, name)).toEqual({ targets: undefined, denier: nameFromText('test.') });
    for (const bad of [question, answer!.subarray(0, 11), changed(1, 8), changed(2, 0x90), changed(2, 0x86)])
      expect(() => readDsyncAnswer(bad, 7, name)).toThrow(/^DSYNC records of child\._dsync\.test\.: found /);
    expect(() => readDsyncAnswer(changed(3, 2), 7, name)).toThrow('the resolver answered SERVFAIL');
    expect(() => readDsyncAnswer(answer!.subarray(0, answer!.length - 1), 7, name)).toThrow('malformed');
    expect(readDsyncAnswer(changed(9, 0), 7, name).denier).toBeUndefined();
  });
});
