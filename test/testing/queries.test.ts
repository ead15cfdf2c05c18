import { describe, expect, it } from 'vitest';
import { queriesToText } from '../../src/testing/queries.js';

const query: Parameters<typeof queriesToText>[0][number] = {
  time: new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 6)),
  transport: 'udp',
  name: 'www.example.test',
  type: 'A',
  rcode: 'NOERROR',
  faults: [],
};

describe('the text of queries', () => {
  it('has a line for each', () => {
    const tls = { ...query, transport: 'tls' as const, type: 'AAAA', rcode: 'NXDOMAIN' };
    expect(queriesToText([query, tls])).toBe(
      'adotd: 2 queries during this test:\n' +
        '  03:04:05.006 udp www.example.test A NOERROR\n' +
        '  03:04:05.006 tls www.example.test AAAA NXDOMAIN\n',
    );
  });

  it('says what got no answer, had no question, or got faults', () => {
    expect(queriesToText([{ ...query, rcode: undefined, faults: ['drop', 'delay'] }])).toBe(
      'adotd: 1 query during this test:\n  03:04:05.006 udp www.example.test A unanswered [drop, delay]\n',
    );
    expect(queriesToText([{ ...query, name: '', type: '', rcode: 'FORMERR' }])).toContain(
      'udp (no question) FORMERR\n',
    );
  });

  it('says when there are none', () => {
    expect(queriesToText([])).toBe('adotd: nothing was asked during this test\n');
  });

  it('has the last ones of many', () => {
    const many = Array.from({ length: 100 }, (_, index) => ({ ...query, name: `n${index}.test` }));
    const text = queriesToText(many);
    expect(text).toContain('100 queries during this test, the last 60:\n  03:04:05.006 udp n40.test A NOERROR\n');
    expect(text).toContain('udp n99.test A');
    expect(text).not.toContain('n39.test');
  });
});
