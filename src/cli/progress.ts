/** Says on a terminal how far loading is, when it takes longer than a second. */

const PATIENCE = 1000;

export interface Progress {
  show(done: number, all: number): void;
  /** Removes the line, if there is one. */
  clear(): void;
}

/** Progress on standard error; says nothing when that is no terminal. */
export function loadProgress(now: () => number = performance.now.bind(performance)): Progress {
  const began = now();
  let shown = false;
  return {
    show(done, all) {
      if (!process.stderr.isTTY || now() - began < PATIENCE) return;
      shown = true;
      process.stderr.write(`\rloading zones: ${done} of ${all}`);
    },
    clear() {
      if (shown) process.stderr.write('\r\x1b[K');
      shown = false;
    },
  };
}
