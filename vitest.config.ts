import { defineConfig } from 'vitest/config';
import { threadsOfDist } from './test/support/threads-of-dist.js';

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
/**
 * These judge the process that they run in, by its memory, descriptors, threads or signals, or have code of their own in it that can end it:
 * each has a process of its own. All others share two processes. Starting one, and loading vitest and the sources into it, costs half a
 * second of CPU: more than most files need themselves.
 */
const OWN_PROCESS = [
  // Commands that run in the process of their tests write to its standard output and error.
  'test/cli/{habits,keys}.test.ts',
  'test/fixture/{cycles,reachable}.test.ts',
  'test/fixture/thread/*.test.ts',
  'test/native/*.test.ts',
  'test/observe/unblocked-writes.test.ts',
  'test/server/plane/*.test.ts',
  'test/server/process/*.test.ts',
  // They have another module in place of one that other files of their process may have loaded.
  'test/server/zone-life.test.ts',
  'test/server/{signing/signing,zones/verifying}-threads.test.ts',
  'test/tls/openssl/*.test.ts',
  'test/transport/*mmsg*.test.ts',
  'test/transport/{release,self-test,sockets,thread-name}.test.ts',
  'test/transport/epoll/*.test.ts',
];
/** These serve streams, and run a second time on epoll (test/support/streams-path.ts). */
const STREAMS = [
  'test/conformance/conformance.test.ts',
  'test/server/plane/many-sessions.test.ts',
  'test/server/plane/pressure.test.ts',
  'test/server/plane/threads*.test.ts',
  'test/transport/certificate-choice.test.ts',
  'test/transport/handshake-failure.test.ts',
  'test/transport/tls.test.ts',
];
/** What calls the C library, or looks into /proc, is for Linux with koffi only. */
const OTHERS = ['test/interop/**', ...(process.platform === 'linux' ? [] : LINUX)];

export default defineConfig({
  plugins: [threadsOfDist],
  test: {
    // Twice what tests wait for what is bound to come (test/support/patience.ts): they say themselves what did not.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
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
          exclude: [...OTHERS, ...ALONE, ...OWN_PROCESS],
          isolate: false,
          // By default vitest takes one worker less than there are cores.
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'own process',
          include: OWN_PROCESS,
          exclude: [...OTHERS, ...ALONE],
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'epoll',
          include: process.platform === 'linux' ? STREAMS : [],
          exclude: ALONE,
          env: { ADOTD_TEST_STREAMS: 'epoll' },
          maxWorkers: 2,
          sequence: { groupOrder: 4 },
        },
      },
      {
        extends: true,
        test: {
          name: 'epoll alone',
          include: process.platform === 'linux' ? ALONE.filter((file) => file.startsWith('test/server/plane/')) : [],
          env: { ADOTD_TEST_STREAMS: 'epoll' },
          maxWorkers: 1,
          sequence: { groupOrder: 5 },
        },
      },
      {
        extends: true,
        test: {
          name: 'fixture in a thread',
          ...FIXTURES,
          env: { ADOTD_TEST_FIXTURE: 'thread' },
          isolate: false,
          maxWorkers: 2,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
