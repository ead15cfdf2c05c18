/** What the rules of house.test.ts do not hold for yet. These lists only shrink. */

export const CIRCLES: readonly (readonly string[])[] = [];

export const DUPLICATE_NAMES: readonly string[] = [];

export const UNUSED_EXPORTS: readonly string[] = [
  'src/server/watch/watch-steps.ts: Step',
  'src/server/watch/watch.ts: WatchOptions',
];
