/** The dashboard and the alert rules of deploy/, as far as tests look at them. */
import { parse } from 'yaml';
import { textOf } from '../repository/files.js';

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly h: number; readonly w: number; readonly x: number; readonly y: number };
  readonly datasource?: { readonly type: string; readonly uid: string };
  readonly targets?: readonly { readonly refId: string; readonly expr: string; readonly datasource: { uid: string } }[];
}

interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly schemaVersion: number;
  readonly id: null;
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly definition?: string }[];
  };
  readonly annotations: { readonly list: readonly { readonly expr: string }[] };
}

interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}

export function dashboard(): Dashboard {
  return JSON.parse(textOf('deploy/grafana/adotd.json')) as Dashboard;
}

export function alertRules(): readonly AlertRule[] {
  const { groups } = parse(textOf('deploy/prometheus/alerts.yml')) as { groups: { rules: AlertRule[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

/** Series of the tests of the alert rules: `name{label="value", …}`. */
export function testedSeries(): readonly string[] {
  const { tests } = parse(textOf('deploy/prometheus/alerts.test.yml')) as {
    tests: { input_series: { series: string }[] }[];
  };
  return tests.flatMap(({ input_series: list }) => list.map(({ series }) => series));
}

/** What the dashboard asks Prometheus, by where. */
export function dashboardExpressions(): [where: string, expression: string][] {
  const { panels, annotations } = dashboard();
  return [
    ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }): [string, string] => [title, expr])),
    ...annotations.list.map(({ expr }): [string, string] => ['annotation', expr]),
  ];
}
