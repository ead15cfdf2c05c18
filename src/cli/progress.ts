/** Says on a terminal how far loading is, when it takes longer than a second. */

const PATIENCE = 1000;

interface Progress {
  show(done: number, all: number): void;
  /** Removes the line, if there is one. */
  clear(): void;
}

/** Progress on standard error; says nothing when that is no terminal. `now` gives milliseconds. */
export function loadProgress(
  stream: { readonly isTTY?: boolean; write(text: string): unknown } = process.stderr,
  now: () => number = () => performance.now(),
): Progress {
  const began = now();
  let shown = false;
  return {
    show(done, all) {
      if (!stream.isTTY || now() - began < PATIENCE) return;
      shown = true;
      stream.write(`\rloading zones: ${done} of ${all}`);
    },
    clear() {
      if (shown) stream.write('\r\x1b[K');
      shown = false;
    },
  };
}
