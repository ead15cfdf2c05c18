/** Numbers and times as text, for the page and for `adotd ctl top`. */

const THOUSANDS = /\B(?=(\d{3})+(?!\d))/g;

/** `1,234,567`. */
export function countText(count: number): string {
  return String(Math.round(count)).replace(THOUSANDS, ',');
}

/** `0`, `0.25`, `1.5`, `120`, `12,345`: three digits, or whole. */
export function numberText(value: number): string {
  if (value === 0) return '0';
  if (value >= 100) return countText(value);
  return String(Number(value.toPrecision(value < 1 ? 2 : 3)));
}

/** Of a second. */
export function rateText(value: number | null): string {
  return value === null ? '–' : `${numberText(value)}/s`;
}

/** `0 %`, `< 0.1 %`, `12.3 %`, `100 %`; `share`: 0 to 1. */
export function shareText(share: number): string {
  if (share > 0 && share < 0.001) return '< 0.1 %';
  return `${Number((share * 100).toFixed(1))} %`;
}

/** Microseconds; null: not known. */
export function microsecondsText(value: number | null): string {
  return value === null ? '–' : `${numberText(value)} µs`;
}

/** `640 B`, `12.3 kB`, `45 MB`. */
export function octetsText(count: number): string {
  if (count < 1000) return `${countText(count)} B`;
  const exponent = Math.min(4, Math.floor(Math.log10(count) / 3));
  return `${Number((count / 1000 ** exponent).toPrecision(3))} ${['B', 'kB', 'MB', 'GB', 'TB'][exponent]}`;
}

const UNITS = [
  ['y', 31_536_000],
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
] as const;

/** `3 d 4 h`, `12 min 5 s`, `5 s`: the two largest units of a time in seconds. */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const first = UNITS.findIndex(([, size]) => whole >= size);
  if (first < 0) return '0 s';
  let rest = whole;
  const parts = UNITS.slice(first, first + 2).flatMap(([unit, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count > 0 ? [`${count} ${unit}`] : [];
  });
  return parts.join(' ');
}

/** As durationText(), and below ten seconds with digits behind the point: `0.25 s`; null: not known. */
export function shortTimeText(seconds: number | null): string {
  if (seconds === null) return '–';
  if (seconds >= 10) return durationText(seconds);
  return seconds >= 1 ? `${numberText(seconds)} s` : `${numberText(seconds * 1000)} ms`;
}

/** `1 zone`, `2 zones`. */
export function countedText(count: number, what: string): string {
  return `${countText(count)} ${what}${count === 1 ? '' : 's'}`;
}
