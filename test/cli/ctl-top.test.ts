import { describe, expect, it } from 'vitest';
import { topLines } from '../../src/cli/ctl/top-text.js';
import { type Overview, PointColumn, type RunningOverview, type TopView } from '../../src/page/contract.js';
import { figuresOf } from '../../src/report/figures.js';
import { BLOCKS } from '../../src/report/measures.js';
import { pointOf } from '../../src/server/page/overview.js';

const NOW = 1_796_040_000;

/** A server that has answered `queries` over UDP, and used as many milliseconds of CPU for it. */
function running(at: number, queries: number, change: Partial<RunningOverview> = {}): RunningOverview {
  const cells = new Map([
    [BLOCKS.queries.id, queries],
    [BLOCKS.cpu.id + 2, queries * 1000],
  ]);
  const figures = figuresOf(cells);
  return {
    at: at * 1000,
    server: 'ns1',
    version: '1.2.3',
    state: 'ready',
    since: NOW - 3600,
    health: 'ok',
    zones: { served: 2, failed: 0, kept: 0, waiting: 0, records: 9 },
    certificates: [],
    zonesAt: at * 1000,
    problems: [],
    restart: [],
    reloads: { done: 0, failed: 0 },
    sessions: { open: 3, limit: 100 },
    memory: 123_000_000,
    clients: {},
    figures,
    point: pointOf(at * 1000, figures, cells),
    ...change,
  };
}

const PAPER = { width: 200, height: 60, isColoured: false };
const lines = (overview: Overview, events: TopView['events'] = [], before: readonly Overview[] = [], screen = PAPER) =>
  topLines({ overview, events }, before, screen);

describe('adotd ctl top', () => {
  it('shows the state, rates of the last seconds, and counts since the start', () => {
    const text = lines(running(NOW + 2, 3000), [], [running(NOW, 1000), running(NOW + 1, 2500)]).join('\n');
    expect(text).toContain('serving: 2 zones, no certificate, no problems, up 1 h');
    expect(text).toMatch(/^udp +1,000\/s +3,000 +100 % +0 +1,000 µs +1,000 µs$/m);
    expect(text).toMatch(/^tls +0\/s +0 +0 % +0 +– +–$/m);
    // 500 queries in the last second, a millisecond each.
    expect(text).toMatch(/^CPU control 0 %, loader 0 %, udp 50 %, stream 0 %; memory 123 MB; connections 3 of 100$/m);
  });

  it('knows no rates at first, and nothing but the state of a server that starts', () => {
    expect(lines(running(NOW, 5)).join('\n')).toMatch(/^udp +– +5 /m);
    const { at, server, version, since } = running(NOW, 5);
    expect(lines({ at, server, version, since, state: 'starting' })).toHaveLength(2);
  });

  it('fits into the terminal: lines are cut, and events have what is left', () => {
    const events = Array.from({ length: 50 }, (_, i) => {
      return { number: i + 1, at: NOW * 1000, level: 'info', text: `event ${i} ${'x'.repeat(100)}` } as const;
    });
    for (const height of [3, 24, 40]) {
      const shown = lines(running(NOW, 5), events, [], { width: 80, height, isColoured: false });
      expect(Math.max(...shown.map((line) => line.length))).toBeLessThanOrEqual(80);
      if (height > 24) expect(shown).toHaveLength(height);
      if (height > 24) expect(shown.at(-1)).toContain('event 49 ');
    }
  });

  it('shows what is wrong, a few lines of it', () => {
    const problems = Array.from({ length: 12 }, (_, i) => `problem ${i}`);
    const text = lines(running(NOW, 5, { problems, health: 'warning' })).join('\n');
    expect(text).toContain('! problem 4\n! and 7 more problems\n');
    expect(text).not.toContain('problem 5');
  });

  it('has no character that a terminal would obey', () => {
    const evil = 'a\x1b]0;title\x07b\x9b2Jc\u202ed\u2028e\nf\x7f';
    const event = { number: 1, at: NOW * 1000, level: 'error', text: evil } as const;
    const text = lines(running(NOW, 5, { problems: [evil], server: evil }), [event]).join('');
    expect(text).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    expect(text).toContain('error: a?]0;title?b?2Jc?d?e?f?');
  });

  it('is coloured where that is wanted', () => {
    const shown = lines(running(NOW, 5, { health: 'critical' }), [], [], { ...PAPER, isColoured: true });
    expect(shown[1]?.startsWith('\x1b[31mserving: ')).toBe(true);
  });

  it('counts open sessions of points', () => {
    const overview = running(NOW, 5);
    const point = [...overview.point];
    point[PointColumn.OPEN_TLS] = 17;
    expect(lines({ ...overview, point }).join('\n')).toMatch(/^tls +17 +0 /m);
  });
});
