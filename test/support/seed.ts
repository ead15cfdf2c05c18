/**
 * What random tests begin from: the same in each run, so that none fails by chance, and a failure belongs to the change that it comes with.
 * `ADOTD_SEED=N` repeats another run, `ADOTD_SEED=any` makes one that nobody has made.
 */
const ASKED = process.env.ADOTD_SEED;
const ANY = Math.floor(Math.random() * 2 ** 31);

/** `usual`: the seed when no other was asked for. */
export function seedOr(usual: number): number {
  return ASKED === 'any' ? ANY : Number(ASKED ?? usual);
}

export const SEED = seedOr(1);
