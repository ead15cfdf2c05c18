import { describe, expect, it } from 'vitest';
import { labelNames } from '../../src/observe/metrics/metric.js';
import { METRICS } from '../../src/observe/metrics/metrics.js';
import { metricsText } from '../../src/observe/metrics/prometheus.js';
import { alertRules, dashboard, dashboardExpressions, testedSeries } from './deployment.js';
import { metricsInput } from './input.js';

/** Labels that Prometheus adds to every series of a scrape. */
const SCRAPE_LABELS = ['job', 'instance'];
const table = new Map(METRICS.map((metric) => [metric.name, metric]));
const shown = metricsText(metricsInput());

/** The metric that a name in an expression means: its own, or one of a histogram's series. */
function metricOf(name: string): { base: string; labels: readonly string[] } | undefined {
  const own = table.get(name);
  if (own !== undefined && own.type !== 'histogram') return { base: name, labels: labelNames(own) };
  const [, base = '', part] = /^(.*)_(bucket|sum|count)$/.exec(name) ?? [];
  const histogram = table.get(base);
  if (histogram?.type !== 'histogram') return undefined;
  return { base, labels: [...labelNames(histogram), ...(part === 'bucket' ? ['le'] : [])] };
}

interface Use {
  readonly name: string;
  readonly matchers: readonly { readonly label: string; readonly operator: string; readonly value: string }[];
}

/** Metrics with their label matchers, as an expression uses them. */
function uses(expression: string): Use[] {
  const found = expression.matchAll(/\b((?:adotd|process)_\w+)(?:\{([^}]*)\})?/g);
  return [...found].map(([, name = '', inside = '']) => ({
    name,
    matchers: [...inside.matchAll(/(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g)].map(
      ([, label = '', operator = '', value = '']) => ({ label, operator, value }),
    ),
  }));
}

/** What of an expression is not in step with the table. */
function mistakes(expression: string): string[] {
  const wrong: string[] = [];
  const grouping = new Set(SCRAPE_LABELS);
  for (const { name, matchers } of uses(expression)) {
    const metric = metricOf(name);
    if (metric === undefined) {
      wrong.push(`${name} is no metric`);
      continue;
    }
    for (const label of metric.labels) grouping.add(label);
    for (const { label, operator, value } of matchers) {
      if (SCRAPE_LABELS.includes(label)) continue;
      if (!metric.labels.includes(label)) wrong.push(`${name} has no label ${label}`);
      const values = operator === '=~' || operator === '!~' ? value.split('|') : [value];
      for (const one of values) {
        const series = shown.split('\n').some((line) => line.startsWith(name) && line.includes(`${label}="${one}"`));
        if (!series) wrong.push(`${name} has no ${label} "${one}"`);
      }
    }
  }
  for (const [, list = ''] of expression.matchAll(/\bby \(([^)]*)\)/g)) {
    for (const label of list.split(',').map((text) => text.trim())) {
      if (!grouping.has(label)) wrong.push(`nothing has a label ${label} to group by`);
    }
  }
  for (const [, name = ''] of expression.matchAll(/\b(?:rate|increase)\((\w+)/g)) {
    if (!/_(total|bucket|sum|count)$/.test(name)) wrong.push(`${name} is no counter`);
  }
  return wrong;
}

describe('the check itself', () => {
  it.each([
    ['rate(adotd_requets_total[5m])', ['adotd_requets_total is no metric']],
    ['adotd_respond_duration_seconds', ['adotd_respond_duration_seconds is no metric']],
    ['adotd_zones{stat="failed"}', ['adotd_zones has no label stat', 'adotd_zones has no stat "failed"']],
    ['adotd_zones{state=~"failed|gone"}', ['adotd_zones has no state "gone"']],
    ['sum by (job, kind) (adotd_zones)', ['nothing has a label kind to group by']],
    ['rate(adotd_zones[5m])', ['adotd_zones is no counter']],
    ['sum by (le, instance) (rate(adotd_request_size_bytes_bucket{transport="udp"}[5m]))', []],
  ])('finds what is wrong with %s', (expression, wrong) => {
    expect(mistakes(expression)).toEqual(wrong);
  });
});

describe('the dashboard', () => {
  const { uid, title, id, schemaVersion, panels, templating } = dashboard();

  it('asks for metrics, labels and values that there are', () => {
    expect(dashboardExpressions().length).toBeGreaterThan(50);
    for (const [where, expression] of dashboardExpressions()) {
      expect([where, expression, mistakes(expression)]).toEqual([where, expression, []]);
      for (const { name, matchers } of uses(expression)) {
        expect([where, name, matchers.map(({ label }) => label)]).toEqual([
          where,
          name,
          expect.arrayContaining(SCRAPE_LABELS),
        ]);
      }
    }
    for (const { definition = '' } of templating.list) expect(mistakes(definition)).toEqual([]);
  });

  it('shows every metric, but for those that are for questions it does not ask', () => {
    const used = new Set(dashboardExpressions().flatMap(([, e]) => uses(e).map(({ name }) => metricOf(name)?.base)));
    expect(METRICS.map(({ name }) => name).filter((name) => !used.has(name))).toEqual([
      'adotd_events_total',
      'adotd_zones_without_series',
      'adotd_reload_last_success_timestamp_seconds',
    ]);
  });

  it('can be imported: one data source that is chosen, panels that do not overlap', () => {
    expect({ uid, title, id }).toEqual({ uid: 'adotd', title: 'adotd', id: null });
    expect(schemaVersion).toBeGreaterThanOrEqual(36);
    expect(templating.list[0]).toMatchObject({ name: 'datasource', type: 'datasource', query: 'prometheus' });
    expect(templating.list.map(({ name }) => name)).toEqual(['datasource', 'job', 'instance']);
    expect(new Set(panels.map((panel) => panel.id)).size).toBe(panels.length);
    const taken = new Set<string>();
    for (const { type, title: name, gridPos, targets = [], datasource } of panels) {
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        expect(x).toBeLessThan(24);
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect([name, taken.has(`${x},${y}`)]).toEqual([name, false]);
          taken.add(`${x},${y}`);
        }
      }
      if (type === 'row') continue;
      expect(datasource).toEqual({ type: 'prometheus', uid: '$' + '{datasource}' });
      expect(targets.length).toBeGreaterThan(0);
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
      for (const target of targets) expect(target.datasource.uid).toBe(datasource?.uid);
    }
  });
});

describe('the alert rules', () => {
  it('ask for metrics, labels and values that there are', () => {
    expect(alertRules().length).toBeGreaterThan(10);
    for (const { alert, expr, annotations } of alertRules()) {
      expect([alert, mistakes(expr)]).toEqual([alert, []]);
      expect([alert, mistakes(annotations.description)]).toEqual([alert, []]);
    }
  });

  it('have a name, a severity and what to do, each', () => {
    const names = alertRules().map(({ alert }) => alert);
    expect(new Set(names).size).toBe(names.length);
    for (const { alert, labels, annotations } of alertRules()) {
      expect(alert).toMatch(/^Adotd[A-Z]\w+$/);
      expect(['warning', 'critical']).toContain(labels.severity);
      expect(annotations.summary).toMatch(/\{\{ \$labels\.instance \}\}/);
      expect(annotations.description).toMatch(/\.$/);
    }
  });

  it('are tested with series that there are', () => {
    for (const series of testedSeries()) {
      if (series.startsWith('up{')) continue;
      const own = series.replace(/\b(file="c"|zone="z\."|le="[^"]*"),?\s*/g, '');
      expect([series, mistakes(own)]).toEqual([series, []]);
    }
  });
});
