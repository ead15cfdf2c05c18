import { describe, expect, it } from 'vitest';
import { loadProgress } from '../../src/cli/progress.js';

function terminal(isTTY: boolean) {
  const written: string[] = [];
  return { isTTY, written, write: (text: string) => written.push(text) };
}

describe('progress of loading', () => {
  it('is shown on a terminal after a second, and taken away', () => {
    const stream = terminal(true);
    let now = 0;
    const progress = loadProgress(stream, () => now);
    now = 999;
    progress.show(5, 100);
    expect(stream.written).toEqual([]);
    now = 1000;
    progress.show(50, 100);
    progress.clear();
    progress.clear();
    expect(stream.written).toEqual(['\rloading zones: 50 of 100', '\r\x1b[K']);
  });

  it('is not shown elsewhere', () => {
    const stream = terminal(false);
    let now = 0;
    const progress = loadProgress(stream, () => now);
    now = 5000;
    progress.show(1, 2);
    progress.clear();
    expect(stream.written).toEqual([]);
  });
});
