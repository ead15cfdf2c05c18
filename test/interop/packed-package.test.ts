/** The archive of `npm pack` is installed in another project and used there as by others: test/consumer, examples. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tryNode } from '../load/tried-node.js';
import { type Ran, ROOT } from '../support/cli.js';
import { install, pack, type RunOptions, run as runIn } from '../support/packed.js';
import { missingPrograms } from './support.js';

const CONSUMER = join(ROOT, 'test/consumer');
/** The engines that package.json promises: this one, and three that come with the consumer's packages. */
const NODES: Readonly<Record<string, string>> = {
  'this Node.js': process.execPath,
  'Node.js 22': 'node_modules/node22/bin/node',
  'Node.js 24': 'node_modules/node24/bin/node',
  'Node.js 26': 'node_modules/node26/bin/node',
};
const COMPILERS = ['typescript5', 'typescript7'];
/** Programs that the examples need, and Debian's packages of them. */
const missing = missingPrograms({
  pytest: 'python3-pytest',
  dig: 'bind9-dnsutils',
  kdig: 'knot-dnsutils',
  go: 'golang-go',
});
/** Printed for the test that fails. */
const QUERIES = /1 query during this test:\n.*udp www\.example\.test A NOERROR/;
const VITEST = 'node_modules/vitest/vitest.mjs';
/** jest has its own loader of modules, which needs this for ES modules; CommonJS modules can require them from Node.js 24.9 on. */
const JEST = ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js'];
const ES_MODULE = 'lookup.jest-test.mjs';
const COMMONJS_MODULE = 'lookup.jest-test.cjs';

let folder: string;
let project: string;

/** Runs a program in the project, or in `cwd`, to its end. */
const run = (program: string, words: readonly string[], options: Partial<RunOptions> = {}): Promise<Ran> =>
  runIn(program, words, { cwd: project, ...options });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-consumer-'));
  project = join(folder, 'project');
  cpSync(CONSUMER, project, { recursive: true, filter: (path) => !path.includes('node_modules') });
  cpSync(join(ROOT, 'examples'), join(folder, 'examples'), { recursive: true });
  await install(await pack(folder), project);
}, 600_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the packed package, installed in another project', () => {
  it.each(Object.entries(NODES))('is imported and required by %s', async (_, node) => {
    for (const program of ['program.mjs', 'program.cjs']) {
      const ran = await run(node, [program]);
      // Node.js 20 and 22 say that require() of ES modules and import of JSON are experimental.
      expect(ran, program).toMatchObject({ status: 0, stdout: 'adotd function 192.0.2.80 true 192.0.2.80 1\n' });
    }
  });

  it.each(Object.entries(NODES))('serves the tests of node:test in %s', async (_, node) => {
    const words = ['--test', '--test-reporter=tap', 'lookup.node-test.mjs'];
    const ran = await run(node, words);
    expect(ran).toMatchObject({ status: 0, stdout: expect.stringMatching(/^# pass 2$/m) });
    expect(ran.stdout + ran.stderr).not.toContain('during this test');
    const failing = await run(node, words, { env: { FAIL: '1' } });
    expect(failing).toMatchObject({ status: 1, stdout: expect.stringMatching(/^# fail 1$/m) });
    expect(failing.stdout + failing.stderr).toMatch(QUERIES);
  });

  it.each(Object.entries(NODES))('has its sessions on epoll, and resumes them, in %s', async (_, node) => {
    expect(await tryNode(resolve(project, node), join(project, 'node_modules/adotd/dist/cli/main.js'))).toBeUndefined();
  });

  it('serves the tests of vitest', async () => {
    const ran = await run(process.execPath, [VITEST, 'run', '--reporter=tap']);
    expect(ran).toMatchObject({ status: 0, stdout: expect.stringContaining('finds an address') });
    const failing = await run(process.execPath, [VITEST, 'run'], { env: { FAIL: '1' } });
    expect(failing).toMatchObject({ status: 1 });
    expect(failing.stdout + failing.stderr).toMatch(QUERIES);
  });

  it.each([
    ...Object.entries(NODES).map(([name, node]) => [name, ES_MODULE, node] as const),
    ...Object.entries(NODES)
      .filter(([name]) => name === 'Node.js 24')
      .map(([name, node]) => [name, COMMONJS_MODULE, node] as const),
  ])('serves the tests of jest in %s, in %s', async (_name, file, node) => {
    const ran = await run(node, [...JEST, file]);
    expect(ran).toMatchObject({ status: 0, stderr: expect.stringMatching(/^Tests: +4 passed, 4 total$/m) });
    expect(ran.stdout + ran.stderr).not.toContain('during this test');
    const failing = await run(node, [...JEST, file], { env: { FAIL: '1' } });
    expect(failing).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^Tests: +1 failed, 4 passed, 5 total$/m),
    });
    expect(failing.stdout + failing.stderr).toMatch(QUERIES);
  });

  it.each(COMPILERS)('has types for %s, however modules are found', async (compiler) => {
    const common = ['--noEmit', '--strict', '--skipLibCheck', '--target', 'es2022', '--types', 'node'];
    const check = (...words: readonly string[]): Promise<Ran> =>
      run(process.execPath, [`node_modules/${compiler}/bin/tsc`, ...common, ...words]);
    const right = { status: 0, stdout: '', stderr: '' };
    const checked = await Promise.all([
      check('--module', 'node16', '--moduleResolution', 'node16', 'types.ts'),
      check('--module', 'nodenext', 'types.ts', 'types.cts'),
      check('--module', 'esnext', '--moduleResolution', 'bundler', 'types.ts'),
    ]);
    expect(checked).toEqual([right, right, right]);
    // types.cts uses only our declarations and those of our dependencies: they must be complete.
    if (compiler === 'typescript7')
      expect(await check('--skipLibCheck', 'false', '--module', 'nodenext', 'types.cts')).toEqual(right);
  });

  it('has the command', async () => {
    expect(await run('node_modules/.bin/adotd', ['--version'])).toMatchObject({ status: 0, stdout: 'adotd 0.1.0\n' });
  });
});

describe.skipIf(missing)(`an example${missing && ` (${missing})`}`, () => {
  /** Runs in the folder of an example, where the installed command is found by its name. */
  const inExample = (name: string, env: Readonly<Record<string, string>>, ...words: readonly [string, ...string[]]) => {
    const path = `${join(project, 'node_modules/.bin')}:${process.env.PATH}`;
    const [program, ...rest] = words;
    return run(program, rest, { cwd: join(folder, 'examples', name), env: { PATH: path, ...env } });
  };

  it('for pytest passes', async () => {
    const ran = await inExample('pytest', {}, 'pytest', '-q');
    expect(ran).toMatchObject({ status: 0, stdout: expect.stringContaining('6 passed') });
  });

  it('for sh asks over UDP, TLS and TCP', async () => {
    expect(await inExample('shell', {}, 'sh', 'lookup.sh')).toEqual({
      status: 0,
      stdout: '192.0.2.80\n192.0.2.80\n2001:db8::80\n192.0.2.80\n',
      stderr: '',
    });
  });

  it('for Go passes', async () => {
    // Nothing is fetched, and the compiled standard library is kept. Measured: 5 s without the cache, 1.5 s with it.
    const env = { GOPROXY: 'off', GOFLAGS: '-mod=readonly', GOCACHE: join(ROOT, 'node_modules/.cache/adotd/go') };
    const ran = await inExample('go', env, 'go', 'test', '-count=1', '-v', './...');
    expect(ran).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^--- PASS: TestLookup .*^--- PASS: TestLookupAsks.*^PASS$/ms),
    });
  });
});
