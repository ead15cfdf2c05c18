import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { markdownTable, renderPage } from './peers-page.js';
import type { Results } from './peers-results.js';
import { sampleResults } from './peers-sample.js';

describe('the page of the benchmark', () => {
  const page = renderPage(sampleResults());

  it('says when, where, what and how', () => {
    for (const part of ['2026-11-21', 'a CPU', 'NSD: 4.6.1', 'npm run bench -- peers --write', 'workers: 1', '0.7 s']) {
      expect(page).toContain(part);
    }
    expect(page).toContain('Knot is not installed');
  });

  it('has medians with their spread, and ratios', () => {
    expect(page).toContain('| UDP, 500 outstanding | 1.80 (1.62–2.70) | 2.00 (1.80–3.00) | 0.90 (0.90–0.90) |');
  });

  it('has wake-ups by query, and of servers that nobody asks', () => {
    expect(page).toContain('| UDP, 1,000 a second | adotd | 9.35 | 28.05 | 100000 | 0 | 60 |  | 3.30 |');
    expect(page).toContain('| adotd | 0.50 (0.50–0.50) | 3.00 (3.00–3.00) |');
  });

  it('says how far answers are alike', () => {
    expect(page).toContain('Of 500 answers compared');
    expect(page).toContain('in other sections: NSD 3');
  });

  it('is the same from what was written as from what was measured, and has no holes', () => {
    const written = JSON.parse(JSON.stringify(sampleResults())) as Results;
    expect(renderPage(written)).toBe(page);
    expect(page).not.toMatch(/NaN|undefined|null/);
  });

  it('escapes bars in tables', () => {
    expect(
      markdownTable([
        ['a|b', 'c'],
        ['d', 'e'],
      ]),
    ).toBe('| a\\|b | c |\n| --- | --- |\n| d | e |');
  });

  it.runIf(existsSync('docs/benchmark.json'))('in the repository is made from the results beside it', () => {
    const results = JSON.parse(readFileSync('docs/benchmark.json', 'utf8')) as Results;
    expect(readFileSync('docs/benchmark.md', 'utf8')).toBe(renderPage(results));
  });
});
