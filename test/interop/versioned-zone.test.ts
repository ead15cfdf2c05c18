import { decode, encode } from 'dns-packet';
import { describe, expect, it } from 'vitest';
import { engineOf } from '../support/engine.js';
import type { Reply } from '../support/query.js';
import { type Question, questionsOf, versionedZone, versionsOf } from './versioned-zone.js';
import { query } from './watch-versions.js';

/** The answer from this version. */
function answer(question: Question, version: number): Reply {
  const engine = engineOf([{ file: 'load.test.zone', text: `$ORIGIN load.test.\n${versionedZone(version)}` }]);
  return decode(Buffer.from(engine.ask(encode(query(question, 1)), 'udp') ?? '')) as Reply;
}

describe.each(questionsOf(3))('an answer to $name', (question) => {
  const [old, later] = [answer(question, 255), answer(question, 256)];
  const sections = ['answers', 'authorities', 'additionals'] as const;
  const places = sections.flatMap((section) => (old[section] ?? []).map((_, i) => ({ section, i })));
  const host = question.address !== undefined;

  it('tells its version, or is the same in all', () => {
    expect([versionsOf(question, old), versionsOf(question, later)]).toEqual(host ? [[], []] : [[255], [256]]);
  });

  it('is wrong with any of its records in another version', () => {
    const mixed = places.map(({ section, i }) => ({ ...old, [section]: old[section]?.with(i, later[section]![i]!) }));
    const found = mixed.map((reply) => versionsOf(question, reply));
    if (host) expect(found).toEqual([[]]);
    else if (places.length === 1) expect(found).toEqual([[256]]);
    else expect(found).toEqual(places.map(() => expect.stringContaining(question.name)));
  });

  it('is wrong with a record twice, or one that is missing, or another RCODE', () => {
    for (const { section, i } of places) {
      const records = old[section] ?? [];
      for (const changed of [records.toSpliced(i, 1), records.toSpliced(i, 0, records[i]!)]) {
        expect(versionsOf(question, { ...old, [section]: changed })).toContain(question.name);
      }
    }
    expect(versionsOf(question, { ...old, rcode: 'SERVFAIL' })).toContain('SERVFAIL');
  });
});

it('has no address of another host', () => {
  const [first, second] = questionsOf(0).filter(({ address }) => address !== undefined);
  const reply = answer(second!, 1);
  expect(versionsOf(first!, reply)).toContain('host-1.load.test 192.0.2.1');
});
