/**
 * How a copy of the repository is judged: it is compiled, then one stage of tests after the other, until one fails. First come
 * those that need the least time for most mutants.
 */
import { execFile } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Area } from './mutants.js';

/** `caught`: `by` names the test and what it said. `late`: `by` names the stage that did not end in time, which says nothing. */
export type Verdict =
  | { readonly kind: 'passed' }
  | { readonly kind: 'caught'; readonly by: string }
  | { readonly kind: 'late'; readonly by: string };

interface Ended {
  readonly passed: boolean;
  readonly late: boolean;
  readonly output: string;
}

const PASSED: Verdict = { kind: 'passed' };
const TSC = join('node_modules', 'typescript', 'bin', 'tsc');
const VITEST = join('node_modules', 'vitest', 'vitest.mjs');
const COMPILE = ['-p', 'tsconfig.test.json', '--noEmit', 'false', '--noCheck', '--outDir', '.build'];
/** Tests that draw lots draw the same for every mutant. They do not wait long for what a mutant keeps from coming. */
const SETTINGS = { ADOTD_SEED: '7', ADOTD_PATIENCE: '10000' };
const CONFIG = join('test', 'mutants', 'vitest.config.ts');
const REPORT = 'report.json';
/** What vitest says of a test, or a hook, that it waited for in vain. */
const TIMED_OUT = /timed out in \d+ ?ms/;

const client = (...names: readonly string[]): string[] => names.map((name) => `test/client/${name}.test.ts`);

/** Test files that are run together, in the order of the stages. */
const TESTS: Readonly<Record<Area, readonly (readonly string[])[]>> = {
  engine: [
    ['test/answer', 'test/image', 'test/conformance/respond.test.ts'],
    ['test/reference'],
    ['test/conformance/conformance.test.ts'],
  ],
  session: [['test/session'], ['test/transport/tcp.test.ts', 'test/transport/tls.test.ts']],
  client: [
    client(
      'transports/transport-plan',
      'transports/staggered-attempts',
      'trust/credentials',
      'session/given-up',
      'session/message-writer',
      'transports/transport-status',
      'transports/late-place',
      'transports/outage',
      'capabilities/capabilities',
      'wire/message',
      'session/starttls',
      'session/stream',
      'session/tls-connection',
      'session/udp',
    ),
    client('profiles', 'client', 'failures', 'transports/resolution', 'sessions'),
    client('adotd'),
  ],
  transfer: [
    ['test/transfer/in/refresh-year.test.ts'],
    ['test/transfer/in/zone-refresh.test.ts', 'test/transfer/in/transfer-reader.test.ts'],
  ],
};

/** Runs a program of node in the folder, for `patience` milliseconds at the most. */
function run(folder: string, args: readonly string[], patience: number): Promise<Ended> {
  return new Promise((done) => {
    const env = { ...process.env, ...SETTINGS };
    const options = { cwd: folder, env, timeout: patience, killSignal: 'SIGKILL', maxBuffer: 64 << 20 } as const;
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      done({ passed: error === null, late: error?.killed === true, output: stdout + stderr });
    });
  });
}

/**
 * What catches the sources in `folder`, judged by the tests of `area`, the engine by `recording` (recording.ts) too. A stage that takes
 * longer than `patience` milliseconds is ended.
 */
export async function judge(folder: string, area: Area, recording: string, patience: number): Promise<Verdict> {
  const verdictOf = (stage: string, { passed, late, output }: Ended, telling = firstLine(output)): Verdict => {
    if (late || TIMED_OUT.test(telling)) return { kind: 'late', by: late ? stage : telling };
    return passed ? PASSED : { kind: 'caught', by: `${stage}: ${telling}` };
  };
  const built = verdictOf('compiler', await run(folder, [TSC, ...COMPILE], patience));
  if (built.kind !== 'passed') return built;
  if (area === 'engine') {
    const program = join('.build', 'test', 'mutants', 'judge.js');
    const compared = verdictOf('differential', await run(folder, [program, recording], patience));
    if (compared.kind !== 'passed') return compared;
  }
  for (const files of TESTS[area]) {
    const report = join(folder, REPORT);
    rmSync(report, { force: true });
    const ended = await run(folder, [VITEST, 'run', '--config', CONFIG, ...files], patience);
    const tested = verdictOf('test', ended, ended.passed || ended.late ? '' : firstFailure(report, ended.output));
    if (tested.kind !== 'passed') return tested;
  }
  return PASSED;
}

const reportSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      message: z.string().optional(),
      status: z.string(),
      assertionResults: z.array(
        z.object({ fullName: z.string(), status: z.string(), failureMessages: z.array(z.string()).optional() }),
      ),
    }),
  ),
});

/** File, name and error of the first test that failed, by vitest's report; the first telling line of `output` without one. */
function firstFailure(report: string, output: string): string {
  let text: string;
  try {
    text = readFileSync(report, 'utf8');
  } catch {
    return firstLine(output);
  }
  const { testResults } = reportSchema.parse(JSON.parse(text));
  for (const { name, message, status, assertionResults } of testResults) {
    const file = name.slice(name.lastIndexOf('test/'));
    const failed = assertionResults.find((result) => result.status === 'failed');
    if (failed) return `${file} > ${failed.fullName}: ${firstLine(failed.failureMessages?.[0] ?? '')}`;
    if (status === 'failed' && message) return `${file}: ${firstLine(message)}`;
  }
  return firstLine(output);
}

function firstLine(text: string): string {
  const lines = text.trim().split('\n');
  const telling = lines.find((line) => /Error/.test(line)) ?? lines[0] ?? '';
  return (telling.trim() || 'no output').slice(0, 160);
}
