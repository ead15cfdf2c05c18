/** Helpers for test frameworks, `adotd/testing`. See docs/testing.md. */
export { queriesToText } from './queries.js';
export { showQueries, type TestHooks, type UsedServer, type UseOptions, useServer } from './use-server.js';
