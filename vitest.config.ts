import { defineConfig } from 'vitest/config';

const LINUX = [
  'test/transport/*mmsg*.test.ts',
  'test/transport/refuse-connections.test.ts',
  'test/transport/self-test.test.ts',
  'test/native/*.test.ts',
  'test/tls/openssl/*.test.ts',
  'test/transport/epoll/*.test.ts',

  'test/server/plane/threads*.test.ts',
  // Linux tells which signals a process handles, and how others have opened a file.
  'test/cli/signals.test.ts',
  'test/cli/standard-streams.test.ts',
  'test/observe/unblocked-writes.test.ts',
  'test/server/process/unblock-usr1.test.ts',
];

/** These put a load on the machine, or say to some milliseconds when something happens: nothing else runs beside them. */
const ALONE = [
  'test/fixture/faults/stream-faults.test.ts',
  'test/server/plane/pressure.test.ts',
  'test/server/plane/many-sessions.test.ts',
  'test/server/plane/threads.test.ts',
];
/**
 * Tests of fixtures that run a second time, with a fixture in a thread of its own. Left out: those that start none, and those of memory and
 * of many servers, which are about the calling thread.
 */
const FIXTURES = {
  include: ['test/fixture/**/*.test.ts'],
  exclude: [
    'test/fixture/cycles.test.ts',
    'test/fixture/reachable.test.ts',
    'test/fixture/faults/fault-rule.test.ts',
    'test/fixture/thread/**',
    'test/fixture/tls/**',
  ],
};
/** What calls the C library, or looks into /proc, is for Linux with koffi only. */
const OTHERS = ['test/interop/**', ...(process.platform === 'linux' ? [] : LINUX)];

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    reporters: ['default', ['json', { outputFile: 'node_modules/.cache/adotd/unit.json' }]],
    projects: [
      {
        extends: true,
        test: { name: 'alone', include: ALONE, exclude: OTHERS, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
      {
        extends: true,
        test: {
          name: 'by twos',
          include: ['test/**/*.test.ts'],
          exclude: [...OTHERS, ...ALONE],
          // By default vitest takes one worker less than there are cores.
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'fixture in a thread',
          ...FIXTURES,
          env: { ADOTD_TEST_FIXTURE: 'thread' },
          maxWorkers: 2,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
