/** Plots over time, by uPlot. */
import uPlot from 'uplot';
import { create, setText } from './dom.js';
import { numberText } from './format.js';
import { type Series, stacked } from './points.js';

interface PlotOptions {
  /** Names of the series, which are also those of their colours. */
  readonly names: readonly string[];
  readonly colours: readonly string[];
  readonly isStacked: boolean;
  /** Behind a value: `/s`. */
  readonly unit: string;
  /** The end of the axis, where it is known. */
  readonly most?: number;
  /** For readers who do not see the plot. */
  readonly label: string;
}

/** Times in seconds since 1970. */
interface Span {
  readonly from: number;
  readonly to: number;
}

interface Plot {
  show(series: Series, span: Span): void;
}

const HEIGHT = 180;
/** Seconds: the axis of a shorter plot shows seconds. */
const SHORT = 600;
const DAY = 86_400;
/** Values of a plot whose series all are 0. */
const LEAST = 1;

export function plotView(place: HTMLElement, options: PlotOptions): Plot {
  const readout = create('p', { class: 'readout', 'aria-hidden': 'true' });
  const canvas = create('div', { class: 'plot', role: 'img', 'aria-label': options.label });
  place.append(canvas, readout);
  let shown: { series: Series; span: Span } | undefined;
  let plot = draw();
  function draw(): uPlot {
    const span = (): Span => shown?.span ?? { from: 0, to: 1 };
    const say = (text: string): void => setText(readout, text);
    return new uPlot(
      settings(canvas, options, span, say, () => shown?.series),
      [[], ...options.names.map(() => [])],
      canvas,
    );
  }
  const put = (): void => {
    if (shown !== undefined) plot.setData(dataOf(shown.series, options) as uPlot.AlignedData);
  };
  new ResizeObserver(() => plot.setSize({ width: canvas.clientWidth, height: HEIGHT })).observe(canvas);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    plot.destroy();
    plot = draw();
    put();
  });
  return {
    show(series, span) {
      shown = { series, span };
      put();
    },
  };
}

/** The highest of stacked series is drawn first: each of the others covers it from below. */
function dataOf({ times, values }: Series, { isStacked }: PlotOptions): (readonly (number | null)[])[] {
  return [times, ...(isStacked ? stacked(values) : values.map((one) => [...one])).reverse()];
}

function settings(
  place: HTMLElement,
  { names, colours, isStacked, unit, most }: PlotOptions,
  span: () => Span,
  say: (text: string) => void,
  series: () => Series | undefined,
): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const axis = {
    stroke: colour('soft'),
    grid: { stroke: colour('line'), width: 1 },
    ticks: { stroke: colour('line'), width: 1 },
  };
  const lines = names.map((name, i): uPlot.Series => {
    const stroke = colour(colours[i]!);
    return {
      label: name,
      stroke,
      width: isStacked ? 1 : 2,
      points: { show: false },
      ...(isStacked && { fill: stroke }),
    };
  });
  return {
    width: place.clientWidth || 400,
    height: HEIGHT,
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { show: false } },
    scales: {
      x: { time: true, range: () => [span().from, span().to] },
      y: { range: (_, __, highest) => [0, most ?? Math.max(LEAST, highest * 1.05)] },
    },
    axes: [
      { ...axis, space: 70, size: 30, values: (_, splits) => splits.map((at) => axisText(at, span())) },
      { ...axis, size: 56, values: (_, splits) => splits.map((value) => numberText(value)) },
    ],
    series: [{}, ...lines.reverse()],
    hooks: { setCursor: [(plot) => say(readoutOf(plot.cursor.idx, series(), names, unit))] },
  };
}

/** `13:04`, or `12-01` where it is midnight and days are shown. */
function axisText(at: number, { from, to }: Span): string {
  const time = new Date(at * 1000);
  const two = (number: number): string => String(number).padStart(2, '0');
  const isDay = to - from > DAY / 2 && time.getHours() === 0 && time.getMinutes() === 0;
  if (isDay) return `${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${two(time.getHours())}:${two(time.getMinutes())}${to - from <= SHORT ? `:${two(time.getSeconds())}` : ''}`;
}

/** `13:04:12 udp 120/s, tls 3/s` */
function readoutOf(
  index: number | null | undefined,
  series: Series | undefined,
  names: readonly string[],
  unit: string,
): string {
  const at = index == null ? undefined : series?.times[index];
  if (index == null || at === undefined || series === undefined) return '';
  const values = names.map((name, i) => {
    const value = series.values[i]?.[index];
    return `${name} ${value == null ? '–' : `${numberText(value)}${unit}`}`;
  });
  return `${new Date(at * 1000).toLocaleTimeString()}  ${values.join(', ')}`;
}
