/** A server for the tests of one file, in whatever framework: started before them, stopped after them. */
import {
  AdotdError,
  ErrorCode,
  type QueryRecord,
  type RunningServer,
  type StartOptions,
  startServer,
} from '../index.js';
import { queriesToText } from './queries.js';

/** A hook of a test framework. Frameworks call the function with different arguments. */
type Hook<Arguments extends readonly unknown[]> = (run: (...given: Arguments) => Promise<void>) => unknown;

/**
 * The hooks of the framework, under its own names: `{ beforeAll, afterAll, afterEach }` in vitest and jest, `{ before, after, afterEach }`
 * in node:test. For a new server in every test: `{ before: beforeEach, after: afterEach }`.
 */
export interface TestHooks {
  readonly before?: Hook<[]>;
  readonly beforeAll?: Hook<[]>;
  readonly after?: Hook<[]>;
  readonly afterAll?: Hook<[]>;
  /** If given, the queries of a failed test are printed. This needs a framework that tells afterEach of failures (vitest, node:test). */
  readonly afterEach?: Hook<unknown[]>;
}

export interface UseOptions extends StartOptions {
  /** Prints the queries of failed tests. Default: console.error. */
  readonly print?: (text: string) => void;
}

/** The running server. Throws ADOTD_CONFIG when it is not running: outside of the tests. */
export type UsedServer = () => RunningServer;

/**
 * Starts a server before the tests and stops it after them. An error of startServer() fails the hook, and so the tests. Throws
 * ADOTD_CONFIG when a hook is missing.
 */
export function useServer(hooks: TestHooks, options: UseOptions = {}): UsedServer {
  const { print = printAsError, ...startOptions } = options;
  const before = hooks.before ?? hooks.beforeAll;
  const after = hooks.after ?? hooks.afterAll;
  if (before === undefined || after === undefined) {
    const message = 'useServer needs the hooks of the test framework: { before, after } or { beforeAll, afterAll }';
    throw new AdotdError(ErrorCode.CONFIG, message);
  }
  let running: RunningServer | undefined;
  let seen: QueryRecord | undefined;
  before(async () => {
    running = await startServer(startOptions);
  });
  // jest and node:test expect a function with parameters to call back: these functions have none, or a rest parameter.
  hooks.afterEach?.(async (...given) => {
    if (running === undefined) return;
    const fresh = queriesAfter(seen, running);
    seen = fresh.at(-1) ?? seen;
    if (given.some(hasFailed)) print(queriesToText(fresh));
  });
  after(async () => {
    const server = running;
    running = undefined;
    seen = undefined;
    await server?.close();
  });
  return () => {
    if (running !== undefined) return running;
    const message = 'the server runs only during the tests; call the function that useServer returned inside of them';
    throw new AdotdError(ErrorCode.CONFIG, message);
  };
}

/**
 * Wraps a test: when it fails, the queries that the server received meanwhile are printed. For frameworks that do not tell hooks whether
 * a test failed (jest, mocha). `test('…', showQueries(server, async () => { … }))`.
 */
export function showQueries(
  server: UsedServer,
  test: () => unknown,
  print: (text: string) => void = printAsError,
): () => Promise<void> {
  return async () => {
    const last = server().queries().at(-1);
    try {
      await test();
    } catch (error) {
      print(queriesToText(queriesAfter(last, server())));
      throw error;
    }
  };
}

/** By the console: frameworks watch it, and show the text with its test. Direct writes to standard error may get lost. */
function printAsError(text: string): void {
  console.error(text.trimEnd());
}

/** The queries after `last`; all of them if `last` is undefined, or not among them any more. */
function queriesAfter(last: QueryRecord | undefined, server: RunningServer): readonly QueryRecord[] {
  const queries = server.queries();
  return queries.slice(last === undefined ? 0 : queries.lastIndexOf(last) + 1);
}

/** Whether an argument of afterEach says that the test failed: `task.result.state` in vitest, `error` in node:test. */
function hasFailed(context: unknown): boolean {
  const error = fieldOf(context, 'error');
  if (error !== null && error !== undefined) return true;
  return fieldOf(fieldOf(fieldOf(context, 'task'), 'result'), 'state') === 'fail';
}

/** A field of an object, or of a function: vitest's context is one. */
function fieldOf(value: unknown, name: string): unknown {
  const hasFields = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return hasFields ? Reflect.get(value, name) : undefined;
}
