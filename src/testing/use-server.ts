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

/** How a framework is told of something to do at a time. Type and number of arguments that it calls with differ. */
type Hook<Arguments extends readonly unknown[]> = (run: (...given: Arguments) => Promise<void>) => unknown;

/**
 * The framework's own hooks, by the names that it has for them: `{ beforeAll, afterAll, afterEach }` in vitest and jest,
 * `{ before, after, afterEach }` in node:test. A new server for every test: `{ before: beforeEach, after: afterEach }`.
 */
export interface TestHooks {
  readonly before?: Hook<[]>;
  readonly beforeAll?: Hook<[]>;
  readonly after?: Hook<[]>;
  readonly afterAll?: Hook<[]>;
  /** With it, queries are printed when a test fails, where the framework says so here (vitest, node:test). */
  readonly afterEach?: Hook<unknown[]>;
}

export interface UseOptions extends StartOptions {
  /** Prints the queries of tests that failed. Default: console.error. */
  readonly print?: (text: string) => void;
}

/** The running server. Throws ADOTD_CONFIG outside of the tests, while there is none. */
export type UsedServer = () => RunningServer;

/**
 * Has a server started before the tests and stopped after them. What startServer rejects with fails the hook, and so the
 * tests. Throws ADOTD_CONFIG when a hook is missing.
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
  // jest and node:test take a function with parameters for one that calls back: all of these have none, or a rest.
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
 * A test that prints, when it fails, what the server was asked meanwhile; for frameworks that do not tell hooks whether a
 * test failed (jest, mocha). `test('…', showQueries(server, async () => { … }))`.
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

/** By the console, which frameworks watch to say of which test something is; what goes past it may get lost. */
function printAsError(text: string): void {
  console.error(text.trimEnd());
}

/** All of them when `last` is no longer, or not yet, among them. */
function queriesAfter(last: QueryRecord | undefined, server: RunningServer): readonly QueryRecord[] {
  const queries = server.queries();
  return queries.slice(last === undefined ? 0 : queries.lastIndexOf(last) + 1);
}

/** What vitest (`task.result.state`) and node:test (`error`) hand to afterEach says that the test failed. */
function hasFailed(context: unknown): boolean {
  const error = fieldOf(context, 'error');
  if (error !== null && error !== undefined) return true;
  return fieldOf(fieldOf(fieldOf(context, 'task'), 'result'), 'state') === 'fail';
}

/** vitest's context is a function that has fields. */
function fieldOf(value: unknown, name: string): unknown {
  const hasFields = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return hasFields ? Reflect.get(value, name) : undefined;
}
