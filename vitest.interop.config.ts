import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { threadsOfDist } from './test/support/threads-of-dist.js';

/** These put a load on the machine, or say to a second or less when something happens: nothing else runs beside them. */
const ALONE = [
  'test/interop/dead-threads.test.ts',
  'test/interop/deploy-systemd.test.ts',
  'test/interop/drain.test.ts',
  'test/interop/reload-load.test.ts',
  'test/interop/starttls-trouble.test.ts',
  'test/interop/tls-resolvers.test.ts',
];

/** These take longest. They begin first, so that none of them is left over at the end, when nothing can run beside it. */
const LONGEST = [
  'shared-zone',
  'packed-package',
  'transfers-in',
  'differential',
  'deploy-docker',
  'page',
  'live',
  'unbound',
  'no-koffi',
  'probe',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const place = LONGEST.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return place < 0 ? LONGEST.length : place;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

/**
 * Real clients and servers from Debian's packages judge us here. Most files wait more than they compute, for programs that start
 * and for timers, so three run at a time on two cores. They do not meet: each is a process with temporary folders of its own; servers
 * take ports that the system gives them, or the ports of a network namespace or container with a name of its own. Ports 5300 and 8853
 * of the machine belong to clients.test.ts.
 */
export default defineConfig({
  plugins: [threadsOfDist],
  test: {
    testTimeout: 240_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 60_000 } },
    pool: 'forks',
    sequence: { sequencer: LongestFirst },
    reporters: ['default', ['json', { outputFile: 'node_modules/.cache/adotd/interop.json' }]],
    projects: [
      {
        extends: true,
        test: { name: 'alone', include: ALONE, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
      {
        extends: true,
        test: {
          name: 'by threes',
          include: ['test/interop/**/*.test.ts'],
          exclude: ALONE,
          maxWorkers: 3,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
