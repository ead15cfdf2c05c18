import { describe, expect, it } from 'vitest';
import type { Overview, RunningOverview } from '../../src/page/contract.js';
import { stateWords } from '../../src/page/state-words.js';
import { figuresOf } from '../../src/report/figures.js';

const NOW = 1_796_040_000;
const DAY = 86_400;
const certificate = { file: 'tls.crt', names: [], begins: NOW - DAY, expires: NOW + 30 * DAY };
const running: RunningOverview = {
  at: NOW * 1000,
  server: 'ns1',
  version: '1.2.3',
  state: 'ready',
  since: NOW - 3600,
  health: 'ok',
  zones: { served: 7, failed: 0, kept: 0, waiting: 0, records: 100 },
  certificates: [certificate],
  zonesAt: NOW * 1000,
  problems: [],
  restart: [],
  reloads: { done: 0, failed: 0 },
  sessions: { open: 0, limit: 100 },
  memory: 1,
  clients: {},
  figures: figuresOf(new Map()),
  point: [],
};
const text = (overview: Overview): string => {
  const { level, word, parts } = stateWords(overview);
  return `${level} ${word}: ${parts.join(', ')}`;
};

describe('the state in one line', () => {
  it('is that all is well', () => {
    expect(text(running)).toBe('ok serving: 7 zones, certificate good for 30 d, no problems, up 1 h');
  });

  it('is that it starts', () => {
    const { at, server, version, since } = running;
    expect(text({ at, server, version, since, state: 'starting' })).toBe(
      'warning starting: zones are being loaded, up 1 h',
    );
  });

  it('has what is wrong', () => {
    expect(
      text({
        ...running,
        health: 'critical',
        zones: { served: 5, failed: 1, kept: 2, waiting: 3, records: 1 },
        certificates: [certificate, { ...certificate, expires: NOW - 3 * DAY }],
        problems: ['a', 'b'],
        restart: ['workers'],
      }),
    ).toBe(
      'critical serving: critical, 5 zones, 1 zone failed, 2 zones kept as before, 3 zones not transferred yet, certificate EXPIRED 3 d ago, 2 problems, a restart is needed, up 1 h',
    );
  });

  it('is that it drains, that it serves nothing, that there is no certificate, or one that is not valid yet', () => {
    expect(text({ ...running, state: 'draining', health: 'warning' })).toContain('warning draining: ');
    expect(text({ ...running, zones: { ...running.zones, served: 0 } })).toContain('serving nothing: 0 zones');
    expect(text({ ...running, certificates: [] })).toContain('no certificate,');
    const early = { ...certificate, begins: NOW + 60 };
    expect(text({ ...running, certificates: [early] })).toContain('certificate not valid for another 1 min');
  });
});
