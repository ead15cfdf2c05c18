import { describe, expect, it } from 'vitest';
import { ErrorCode, type RunningServer } from '../../src/index.js';
import { showQueries, useServer } from '../../src/testing/use-server.js';
import { queryUdp } from '../support/query.js';

const ZONES = {
  'example.test': '@ SOA ns1 hostmaster 1 2h 1h 2w 5m\n@ NS ns1\nns1 A 127.0.0.1\nwww A 192.0.2.80\n',
};

/** What is printed when one was asked. */
const ONE_QUERY = /^adotd: 1 query during this test:\n {2}[0-9:.]+ udp www\.example\.test A NOERROR\n$/;

type Run = (...given: unknown[]) => Promise<void>;

/** A framework whose hooks are called by hand. */
function framework() {
  const kept = new Map<string, Run>();
  const hook = (name: string) => (run: Run) => void kept.set(name, run);
  return {
    hooks: { beforeAll: hook('before'), afterAll: hook('after'), afterEach: hook('each') },
    at: (name: string, ...given: unknown[]): Promise<void> => kept.get(name)?.(...given) ?? Promise.resolve(),
    parameters: () => [...kept.values()].map((run) => run.length),
  };
}

const ask = ({ address, udp, tcp }: RunningServer) => queryUdp({ address, udp, tcp }, 'www.example.test');

describe('a server for the tests of a file', () => {
  it('runs between the hooks and not outside of them', async () => {
    const { hooks, at } = framework();
    const server = useServer(hooks, { zones: ZONES });
    const absent = expect.objectContaining({ code: ErrorCode.CONFIG, message: expect.stringContaining('inside') });
    expect(server).toThrow(absent);
    await at('before');
    expect((await ask(server())).answers).toEqual([expect.objectContaining({ data: '192.0.2.80' })]);
    await at('after');
    expect(server).toThrow(absent);
    await at('before');
    expect((await ask(server())).answers).toHaveLength(1);
    await at('after');
  });

  it('may be in a thread of its own', async () => {
    const { hooks, at } = framework();
    const printed: string[] = [];
    const server = useServer(hooks, { zones: ZONES, thread: true, print: (text) => void printed.push(text) });
    await at('before');
    await at('each');
    await ask(server());
    await at('each', { error: new Error('failed') });
    expect(printed).toEqual([expect.stringMatching(ONE_QUERY)]);
    await at('each', { error: new Error('failed') });
    expect(printed[1]).toContain('nothing was asked');
    await at('after');
  });

  it('fails the hook when it cannot start, and nothing when it never did', async () => {
    const { hooks, at } = framework();
    useServer(hooks, { zones: { 'example.test': 'www A 192.0.2.256' } });
    await expect(at('before')).rejects.toMatchObject({ code: ErrorCode.ZONE_INVALID });
    await at('each', { error: new Error('no server') });
    await at('after');
  });

  it('takes before and after for hooks as well, and wants two', () => {
    const hook = (): void => {};
    expect(() => useServer({ before: hook, after: hook })).not.toThrow();
    expect(() => useServer({ before: hook })).toThrow(expect.objectContaining({ code: ErrorCode.CONFIG }));
    expect(() => useServer({ afterAll: hook })).toThrow(expect.objectContaining({ code: ErrorCode.CONFIG }));
  });

  it('gives hooks functions without parameters, which no framework takes for ones that call back', () => {
    const { hooks, parameters } = framework();
    useServer(hooks, { zones: ZONES });
    expect(parameters()).toEqual([0, 0, 0]);
  });

  it('prints after tests that failed, as vitest and node:test tell it, and only then', async () => {
    const printed: string[] = [];
    const { hooks, at } = framework();
    const server = useServer(hooks, { zones: ZONES, print: (text) => void printed.push(text) });
    await at('before');
    await ask(server());
    for (const passed of [
      [],
      [undefined],
      [{ error: null }],
      [{ task: {} }],
      [{ task: { result: { state: 'pass' } } }],
    ])
      await at('each', ...passed);
    expect(printed).toEqual([]);
    await at(
      'each',
      Object.assign(() => {}, { task: { result: { state: 'fail' } } }),
      {},
    );
    await at('each', { error: new Error('failed') });
    expect(printed).toEqual(Array(2).fill('adotd: nothing was asked during this test\n'));
    for (let i = 0; i < 2; i++) {
      await ask(server());
      await at('each', { error: new Error('failed') });
    }
    expect(printed.slice(2)).toEqual(Array(2).fill(expect.stringMatching(ONE_QUERY)));
    await at('after');
  });

  it('prints around a single test where hooks are told nothing', async () => {
    const printed: string[] = [];
    const { hooks, at } = framework();
    const server = useServer(hooks, { zones: ZONES });
    await at('before');
    const failure = new Error('failed');
    const print = (text: string): void => void printed.push(text);
    await showQueries(server, () => ask(server()), print)();
    expect(printed).toEqual([]);
    await expect(showQueries(server, () => Promise.reject(failure), print)()).rejects.toBe(failure);
    expect(printed).toEqual(['adotd: nothing was asked during this test\n']);
    const asking = showQueries(server, () => ask(server()).then(() => Promise.reject(failure)), print);
    await expect(asking()).rejects.toBe(failure);
    expect(printed[1]).toMatch(ONE_QUERY);
    await at('after');
  });
});
