import { describe, expect, it } from 'vitest';
import { engineOf, zoneOf } from './support.js';

function answers(records: string, name: string, type = 'A') {
  const response = engineOf({ 'example.test': zoneOf(records) }).query({ name, type, edns: { udpSize: 4096 } });
  return { ...response, owners: response.answer.map((record) => record.owner) };
}

describe('chains', () => {
  it('follows sixteen CNAMEs and more, then stops with what there is', () => {
    const links = (count: number) => Array.from({ length: count }, (_, i) => `c${i} CNAME c${i + 1}`).join('\n');
    const sixteen = answers(`${links(16)}\nc16 A 192.0.2.9`, 'c0.example.test.');
    expect(sixteen.answer.at(-1)?.text).toBe('192.0.2.9');
    const endless = answers(links(60), 'c0.example.test.');
    expect([endless.rcode, endless.answer.length >= 16, endless.answer.length <= 20]).toEqual([0, true, true]);
  });

  it('gives each link of a loop once', () => {
    expect(answers('a CNAME b\nb CNAME c\nc CNAME a', 'a.example.test.').owners).toEqual([
      'a.example.test.',
      'b.example.test.',
      'c.example.test.',
    ]);
    expect(answers('self CNAME SELF', 'sElf.example.test.').owners).toEqual(['sElf.example.test.']);
  });

  it('gives each name that a wildcard CNAME makes once', () => {
    const loop = answers('*.w CNAME y\ny CNAME z.w', 'a.w.example.test.');
    expect(loop.owners).toEqual(['a.w.example.test.', 'y.example.test.', 'z.w.example.test.']);
  });

  it('gives the DNAME record of a loop once', () => {
    const loop = answers('d DNAME e.d2\nd2 DNAME d', 'x.d.example.test.');
    expect(loop.rcode).toBe(0);
    expect(loop.answer.filter((record) => record.type === 39).length).toBe(2);
  });

  it('gives a DNAME record once that is a link and the answer (RFC 2181 §5)', () => {
    const both = answers('host DNAME @', 'host.host.example.test.', 'DNAME');
    expect(both.answer.map((record) => [record.owner, record.type])).toEqual([
      ['host.example.test.', 39],
      ['host.host.example.test.', 5],
    ]);
  });

  it('leads a question for NSEC on where the CNAME has none', () => {
    expect(answers('a CNAME b\nb A 192.0.2.9', 'a.example.test.', 'NSEC').owners).toEqual(['a.example.test.']);
    expect(answers('a CNAME nowhere', 'a.example.test.', 'NSEC').rcode).toBe(3);
  });

  it('answers YXDOMAIN where a DNAME makes too long a name', () => {
    const label = 'a'.repeat(63);
    const target = `${label}.${label}.${label}.b`;
    const tooLong = answers(`d DNAME ${target}`, `${'c'.repeat(60)}.d.example.test.`);
    expect([tooLong.rcode, tooLong.flags.aa, tooLong.answer.length]).toEqual([6, true, 1]);
    const room = 255 - (3 * 64 + 2 + 'example.test.'.length + 1);
    const longest = answers(`d DNAME ${target}`, `${'c'.repeat(room - 1)}.d.example.test.`);
    expect([longest.rcode, longest.answer.length]).toEqual([3, 2]);
    expect(answers(`d DNAME ${target}`, `${'c'.repeat(room)}.d.example.test.`).rcode).toBe(6);
  });

  it('takes RCODE from the last name and AA from the first', () => {
    const gone = answers('a CNAME nowhere', 'a.example.test.');
    expect([gone.rcode, gone.flags.aa, gone.authority[0]?.type]).toEqual([3, true, 6]);
    const away = answers('a CNAME elsewhere.org.', 'a.example.test.');
    expect([away.rcode, away.flags.aa, away.authority.length]).toEqual([0, true, 0]);
    const below = answers('a CNAME x.sub\nsub NS ns.sub\nns.sub A 192.0.2.3', 'a.example.test.');
    expect([below.rcode, below.flags.aa, below.authority[0]?.owner]).toEqual([0, true, 'sub.example.test.']);
  });
});
