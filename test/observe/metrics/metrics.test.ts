import { describe, expect, it } from 'vitest';
import { labelNames } from '../../../src/observe/metrics/metric.js';
import { METRICS } from '../../../src/observe/metrics/metrics.js';
import { metricsMarkdown } from '../../../src/observe/metrics/metrics-reference.js';
import { metricsText } from '../../../src/observe/metrics/prometheus.js';
import { SessionEvent } from '../../../src/session/session-end.js';
import { TransportEvent } from '../../../src/transport/transport.js';
import { textOf } from '../../repository/files.js';
import { metricsInput, zoneFacts } from '../input.js';

describe('every metric', () => {
  it('has a name of its own, by the conventions', () => {
    const names = METRICS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, type, unit, help } of METRICS) {
      expect(name).toMatch(/^(adotd|process)_[a-z0-9]+(_[a-z0-9]+)*$/);
      expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter']);
      if (unit !== undefined) expect(name.replace(/_total$/, '').endsWith(`_${unit}`)).toBe(true);
      else expect(name).not.toMatch(/_(seconds|bytes|ratio)(_total)?$/);
      expect(name).not.toMatch(/_(bucket|sum|count|info_info)$/);
      expect(help).toMatch(/\.$/);
    }
  });

  it('has labels with names by the conventions, none that a histogram or a scrape adds', () => {
    for (const metric of METRICS) {
      for (const label of labelNames(metric)) {
        expect(label).toMatch(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/);
        expect(['le', 'quantile', 'job', 'instance']).not.toContain(label);
      }
    }
  });

  it('has as many values as labels, and no two series alike', () => {
    for (const metric of METRICS) {
      const series = [...metric.read(metricsInput())];
      expect([metric.name, series.length > 0]).toEqual([metric.name, true]);
      for (const [values] of series) expect(values).toHaveLength(labelNames(metric).length);
      expect(new Set(series.map(([values]) => values.join('\n'))).size).toBe(series.length);
    }
  });

  it('stands in docs/metrics.md as `npm run docs` writes it', () => {
    expect(textOf('docs/metrics.md')).toBe(metricsMarkdown());
    for (const { name } of METRICS) expect(metricsMarkdown()).toContain(`| \`${name}\` |`);
  });
});

describe('the number of series', () => {
  it('is bounded: by the tables, and by seven for each zone up to the limit', () => {
    const series = (text: string): number => text.split('\n').filter((line) => /^[a-z]/.test(line)).length;
    const zones = Array.from({ length: 500 }, (_, i) => zoneFacts(`z${i}.test.`));
    const none = series(metricsText(metricsInput({ zones }, 0)));
    expect(none).toBeLessThan(1100);
    expect(series(metricsText(metricsInput({ zones }, 100)))).toBe(none + 700);
    expect(series(metricsText(metricsInput({ zones }, 1000)))).toBe(none + 3500);
  });
});

describe('the events of transports and sessions', () => {
  it('have names that do not meet, and numbers without gaps', () => {
    const names = [...Object.keys(TransportEvent), ...Object.keys(SessionEvent)];
    expect(new Set(names).size).toBe(names.length);
    for (const table of [TransportEvent, SessionEvent]) {
      expect(Object.values(table)).toEqual(Object.values(table).map((_, index) => index));
    }
  });

  it('are shown: each changes one series, but for those that are sums or reasons of others', () => {
    const unseen: string[] = [];
    const show = (name: string, happen: (counters: ReturnType<typeof metricsInput>) => void): void => {
      const input = metricsInput();
      const before = metricsText(input).split('\n');
      happen(input);
      const changed = metricsText(input)
        .split('\n')
        .filter((line, index) => line !== before[index]);
      if (changed.length === 0) unseen.push(name);
      else expect([name, changed.length]).toEqual([name, 1]);
    };
    for (const [name, event] of Object.entries(TransportEvent)) {
      show(name, ({ server }) => server.counters.event(event));
    }
    for (const [name, event] of Object.entries(SessionEvent)) {
      show(name, ({ server }) => server.counters.sessionEvent(event));
    }
    expect(unseen).toEqual(['EVICTED', 'IDLE_CLOSED', 'MESSAGE_TIMEOUT', 'HANDSHAKE_TIMEOUT', 'TRANSFER_TIMEOUT']);
  });
});
