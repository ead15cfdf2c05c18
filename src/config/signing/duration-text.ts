/** Durations as adotd.yaml has them. Loader threads use this too: it must not load the schema. */

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
] as const;

/** `14d`, `1h30m`, `0`: the text of a number of seconds. */
export function durationText(seconds: number): string {
  let left = seconds;
  let text = '';
  for (const [unit, size] of UNITS) {
    const count = Math.floor(left / size);
    if (count > 0) text += `${count}${unit}`;
    left -= count * size;
  }
  return text || '0';
}
