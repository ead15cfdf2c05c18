import { defineConfig } from 'vitest/config';

// Real clients and servers from Debian's packages judge us here; they share ports and cores, so one file at a time.
export default defineConfig({
  test: {
    include: ['test/interop/**/*.test.ts'],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    fileParallelism: false,
    pool: 'forks',
    reporters: ['default', ['json', { outputFile: 'node_modules/.cache/adotd/interop.json' }]],
  },
});
