/**
 * How many different things there were, without a list of them: a HyperLogLog (Flajolet et al. 2007) of one octet a register. Each thing is
 * hashed; some bits of the hash choose a register, which keeps the longest run of zeros that the other bits began with. Sketches are
 * put together by the larger of each register. The standard error is 1.04 / sqrt(registers).
 * Hot file: integers, no allocation in noteHash().
 */

/** Notes a hash of 32 bits in the 2^bits registers from `at` on. */
export function noteHash(registers: Uint8Array, at: number, bits: number, hash: number): void {
  // The bit behind the last one of the hash ends the longest run.
  const run = Math.clz32((hash << bits) | (1 << (bits - 1))) + 1;
  const place = at + (hash >>> (32 - bits));
  if (registers[place]! < run) registers[place] = run;
}

/** Adds the things of `from` to those of `into`: sketches, or several behind one another. */
export function mergeSketches(into: Uint8Array, from: Uint8Array): void {
  for (let i = 0; i < into.length; i++) if (into[i]! < from[i]!) into[i] = from[i]!;
}

/** The estimate: how many different hashes a sketch was told. */
export function estimateOf(registers: Uint8Array): number {
  const { length } = registers;
  let sum = 0;
  let empty = 0;
  for (const run of registers) {
    sum += 2 ** -run;
    if (run === 0) empty++;
  }
  const raw = ((0.7213 / (1 + 1.079 / length)) * length ** 2) / sum;
  // Few: linear counting is more exact while registers are empty (the same paper, §4).
  const estimate = raw <= 2.5 * length && empty > 0 ? length * Math.log(length / empty) : raw;
  return Math.round(estimate);
}
