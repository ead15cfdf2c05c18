/** What the streams of servers under test run on. The project `epoll` of vitest.config.ts runs tests a second time, on the other path. */
export const STREAMS: 'epoll' | 'node' = process.env.ADOTD_TEST_STREAMS === 'epoll' ? 'epoll' : 'node';
