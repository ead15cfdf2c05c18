import { defineConfig } from 'vitest/config';

const LINUX = [
  'test/transport/*mmsg*.test.ts',
  'test/transport/refuse-connections.test.ts',
  'test/transport/self-test.test.ts',

  'test/server/plane/threads*.test.ts',
];

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // What calls the C library is for Linux with koffi only.
    exclude: ['test/interop/**', ...(process.platform === 'linux' ? [] : LINUX)],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // By default vitest takes one worker less than there are cores.
    maxWorkers: 2,
    pool: 'forks',
    reporters: ['default', ['json', { outputFile: 'node_modules/.cache/adotd/unit.json' }]],
  },
});
