/** Plots of a report as SVG. Names are those of transports: nothing in them has to be escaped. */

import type { Report } from './make-report.js';
import { TRANSPORT_NAMES } from './measures.js';
import { timeText } from './report-tables.js';

const WIDTH = 900;
const HEIGHT = 240;
const LEFT = 70;
const BOTTOM = 24;
const TOP = 24;
/** Columns of a plot: more periods are put together. */
const COLUMNS = 360;

/** Queries of each period, the transports on top of each other. */
export function plotOfQueries({ points, from, to, step }: Report): string {
  const periods = Math.max(1, Math.round((to - from) / step));
  const each = Math.ceil(periods / COLUMNS) * step;
  const columns = Math.ceil((to - from) / each) || 1;
  const sums = Array.from({ length: columns }, () => TRANSPORT_NAMES.map(() => 0));
  for (const { at, queries } of points) {
    const column = sums[Math.min(columns - 1, Math.max(0, Math.floor((at - from) / each)))]!;
    for (const [i, name] of TRANSPORT_NAMES.entries()) column[i]! += queries[name] ?? 0;
  }
  const most = Math.max(1, ...sums.map((column) => column.reduce((sum, count) => sum + count, 0)));
  const width = (WIDTH - LEFT) / columns;
  const scale = (HEIGHT - TOP - BOTTOM) / most;
  const bars = sums.flatMap((column, x) => {
    let y = HEIGHT - BOTTOM;
    return column.map((count, i) => {
      y -= count * scale;
      return count === 0 ? '' : bar(TRANSPORT_NAMES[i]!, LEFT + x * width, y, width, count * scale);
    });
  });
  const parts = [
    ...bars,
    line(LEFT, HEIGHT - BOTTOM, WIDTH, HEIGHT - BOTTOM),
    text(0, TOP + 4, `${(most / each).toPrecision(3)}/s`),
    text(0, HEIGHT - BOTTOM, '0'),
    text(LEFT, HEIGHT - 6, timeText(from)),
    text(WIDTH - 150, HEIGHT - 6, timeText(to)),
    ...TRANSPORT_NAMES.flatMap((name, i) => [
      bar(name, LEFT + i * 110, 2, 12, 12),
      text(LEFT + 18 + i * 110, 13, name),
    ]),
  ];
  return svg('Queries a second by transport over time', HEIGHT, parts);
}

/** A bar for each value. */
export function plotOfValues(values: readonly { readonly name: string; readonly value: number }[]): string {
  const most = Math.max(...values.map(({ value }) => value));
  const parts = values.flatMap(({ name, value }, i) => {
    const width = (value / most) * (WIDTH - LEFT - 90);
    return [
      text(0, 18 + i * 28, name),
      bar(name, LEFT, 4 + i * 28, width, 18),
      text(LEFT + width + 8, 18 + i * 28, value.toPrecision(3)),
    ];
  });
  return svg(values.map(({ name, value }) => `${name} ${value.toPrecision(3)}`).join(', '), values.length * 28, parts);
}

function svg(label: string, height: number, parts: readonly string[]): string {
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${label}">${parts.join('')}</svg>`;
}

function bar(name: string, x: number, y: number, width: number, height: number): string {
  const at = `x="${x.toFixed(2)}" y="${y.toFixed(2)}" width="${width.toFixed(2)}" height="${height.toFixed(2)}"`;
  return `<rect class="${name}" ${at}/>`;
}

function line(x1: number, y1: number, x2: number, y2: number): string {
  return `<line class="axis" x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}"/>`;
}

function text(x: number, y: number, content: string): string {
  return `<text x="${x.toFixed(0)}" y="${y.toFixed(0)}">${content}</text>`;
}
