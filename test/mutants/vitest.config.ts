import { defineConfig } from 'vitest/config';
import { threadsOfDist } from '../support/threads-of-dist.js';

// The tests of the engine in the copy that a mutant is in; stages.ts reads the report.
export default defineConfig({
  plugins: [threadsOfDist],
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // The files share processes: starting one costs more than most of them need.
    isolate: false,
    bail: 1,
    reporters: [['json', { outputFile: 'report.json' }]],
  },
});
