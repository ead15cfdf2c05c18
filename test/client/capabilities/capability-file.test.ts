import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type CapabilityKey, createCapabilityCache } from '../../../src/client/capabilities/capabilities.js';
import { keepCapabilities, readCapabilities } from '../../../src/client/capabilities/capability-file.js';
import { createClient } from '../../../src/client/client.js';
import { ClientErrorCode } from '../../../src/client/errors.js';
import { temporaryFolder } from '../../tls/support.js';
import { FakeClock } from '../fake-clock.js';

const TLS: CapabilityKey = { transport: 'tls', address: '192.0.2.1', port: 853 };
const STARTTLS: CapabilityKey = { transport: 'starttls', address: '2001:db8::1', port: 53 };

let folder: ReturnType<typeof temporaryFolder>;
let file: string;
let clock: FakeClock;
let warnings: string[];
beforeEach(() => {
  folder = temporaryFolder();
  file = join(folder.path, 'capabilities.json');
  clock = new FakeClock();
  warnings = [];
});
afterEach(() => folder[Symbol.dispose]());

function opened() {
  const cache = createCapabilityCache({ now: () => clock.now() });
  return { cache, kept: keepCapabilities(file, cache, clock, (message) => warnings.push(message)) };
}

const entry = (more: object = {}): object => ({
  ...TLS,
  status: 'works',
  since: 1000,
  last: clock.now() - 1000,
  failures: 0,
  ...more,
});
const put = (servers: unknown, version: unknown = 1): void => writeFileSync(file, JSON.stringify({ version, servers }));

describe('the file of capabilities', () => {
  it('keeps capabilities from one process to the next', async () => {
    const first = opened();
    first.cache.worked(STARTTLS, 'dummy');
    first.cache.failed(TLS, ClientErrorCode.HANDSHAKE);
    await first.kept.flush();
    clock.advance(1_800_000);
    const second = opened();
    expect(second.cache.entries()).toEqual(first.cache.entries());
    expect(second.cache.get(STARTTLS)).toMatchObject({ status: 'works', mode: 'dummy' });
    expect(second.cache.retryAt(TLS)).toBe(clock.now() + 1_800_000);
    expect(warnings).toEqual([]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder.path)).toEqual(['capabilities.json']);
  });

  it('is written some seconds after a change, once for many, and not without one', async () => {
    const { cache, kept } = opened();
    expect(clock.timers).toEqual([]);
    await kept.flush();
    expect(existsSync(file)).toBe(false);
    for (let port = 1; port <= 100; port++) cache.worked({ ...TLS, port });
    expect(clock.timers).toEqual([5000]);
    clock.advance(5000);
    await kept.flush();
    expect(JSON.parse(readFileSync(file, 'utf8')).servers).toHaveLength(100);
    expect(clock.timers).toEqual([]);
    cache.forget();
    expect(clock.timers).toEqual([5000]);
  });

  it('is never seen half written, and its last write is the last state', async () => {
    const { cache, kept } = opened();
    const writes: Promise<void>[] = [];
    for (let port = 1; port <= 50; port++) {
      cache.worked({ ...TLS, port });
      writes.push(kept.flush());
      if (existsSync(file)) expect(() => JSON.parse(readFileSync(file, 'utf8'))).not.toThrow();
    }
    await Promise.all(writes);
    expect(JSON.parse(readFileSync(file, 'utf8')).servers).toHaveLength(50);
  });

  it.each([
    ['is empty', '', /not JSON/],
    ['is cut off', '{"version":1,"servers":[{"transport":"tls"', /not JSON/],
    ['is binary', '\0\xff\xfe\0', /not JSON/],
    ['is another object', 'null', /it has no version, expected version 1/],
    ['is of a later version', '{"version":2,"servers":[]}', /it has version 2, expected version 1/],
    ['has no list', '{"version":1,"servers":{"length":3}}', /no list/],
    ['is nested deeply', `${'['.repeat(100_000)}`, /not JSON/],
    ['is large', ' '.repeat(5_000_000), /5000000 octets, expected at most/],
  ])('that %s is not used, with a warning, and is replaced', async (_what, text, message) => {
    writeFileSync(file, text);
    const { cache, kept } = opened();
    expect(cache.entries()).toEqual([]);
    expect(warnings).toEqual([expect.stringMatching(message)]);
    cache.worked(TLS);
    await kept.flush();
    expect(opened().cache.entries()).toHaveLength(1);
    expect(warnings).toHaveLength(1);
  });

  it('that is a folder, a named pipe or not readable is not used, with a warning', async () => {
    mkdirSync(file);
    expect(opened().cache.entries()).toEqual([]);
    expect(warnings).toEqual([expect.stringMatching(/no regular file/)]);
    file = join(folder.path, 'pipe');
    expect(spawnSync('mkfifo', [file]).status).toBe(0);
    expect(opened().cache.entries()).toEqual([]);
    expect(warnings[1]).toMatch(/no regular file/);
    file = join(folder.path, 'loop');
    symlinkSync('loop', file);
    expect(opened().cache.entries()).toEqual([]);
    expect(warnings[2]).toMatch(/ELOOP/);
  });

  it.each([
    ['transport', { transport: 'tcp' }],
    ['address', { address: 'ns1.example' }],
    ['address of an object', { address: { toString: 1 } }],
    ['port', { port: 0 }],
    ['port of a text', { port: '853' }],
    ['status', { status: '__proto__' }],
    ['date in the future', { last: 4_000_000_000_000 }],
    ['date before its beginning', { since: 2_000_000_000_000 }],
    ['date of no number', { last: null }],
    ['number of failures', { failures: -1 }],
    ['huge number of failures', { failures: 1e300 }],
  ])('leaves out an entry with a wrong %s, and uses the others', (_what, wrong) => {
    put([entry(wrong), null, 7, 'text', [], entry({ port: 1 })]);
    expect(opened().cache.entries()).toEqual([[{ ...TLS, port: 1 }, expect.objectContaining({ status: 'works' })]]);
    expect(warnings).toEqual([expect.stringMatching(/of 6 entries, 5 cannot be used/)]);
  });

  it('brings nothing with it that is not part of an entry', () => {
    writeFileSync(
      file,
      JSON.stringify({ version: 1, servers: [entry({ reason: 'evil', mode: 'evil', extra: 'evil' })] }).replace(
        '"extra"',
        '"__proto__"',
      ),
    );
    const [one] = readCapabilities(file, clock.now(), (message) => warnings.push(message));
    expect(Object.keys(one?.[1] ?? {})).toEqual(['status', 'since', 'last', 'failures']);
    expect(JSON.stringify(one)).not.toContain('evil');
  });

  it('with more entries than are kept fills no more than that', () => {
    put(Array.from({ length: 12_000 }, (_, i) => entry({ port: (i % 60_000) + 1 })));
    expect(opened().cache.entries()).toHaveLength(10_000);
  });

  it('does not lead elsewhere by a link: the link is replaced', async () => {
    const victim = folder.put('victim', 'precious');
    symlinkSync(victim, file);
    const { cache, kept } = opened();
    expect(warnings).toHaveLength(1);
    cache.worked(TLS);
    await kept.flush();
    expect(readFileSync(victim, 'utf8')).toBe('precious');
    expect(lstatSync(file).isFile()).toBe(true);
  });

  it('does not take the place of a named pipe or a device', async () => {
    expect(spawnSync('mkfifo', [file]).status).toBe(0);
    const { cache, kept } = opened();
    cache.worked(TLS);
    await kept.flush();
    expect(warnings.at(-1)).toBe(`the capability file ${file} cannot be written: it is no regular file`);
    expect(lstatSync(file).isFIFO()).toBe(true);
    expect(readdirSync(folder.path)).toEqual(['capabilities.json']);
  });

  it('that cannot be written is a warning, and nothing is left behind', async () => {
    file = join(folder.path, 'missing', 'capabilities.json');
    const { cache, kept } = opened();
    cache.worked(TLS);
    await kept.flush();
    expect(warnings).toEqual([expect.stringMatching(/cannot be written: ENOENT/)]);
    mkdirSync(join(folder.path, 'taken.json'));
    file = join(folder.path, 'taken.json');
    const taken = opened();
    taken.cache.worked(TLS);
    await taken.kept.flush();
    expect(warnings.at(-1)).toMatch(/cannot be written/);
    expect(readdirSync(folder.path)).toEqual(['taken.json']);
  });
});

describe('a broken file of capabilities', () => {
  const depth = 1_000_000;

  it.each([
    ['a version that is nested deep', `{"version":${'['.repeat(depth)}${']'.repeat(depth)}}`],
    ['a version of megabytes', `{"version":"${'x'.repeat(3_000_000)}"}`],
    ['another version', '{"version":2,"servers":[]}'],
    ['no version', '{"servers":[]}'],
  ])('is told in few words: %s', (_what, text) => {
    writeFileSync(file, text);
    expect(opened().cache.entries()).toEqual([]);
    expect(warnings).toEqual([expect.stringMatching(/ is not used: it has (no )?version( 2)?, expected version 1$/)]);
  });

  it('is no failure of the client when the listener for warnings throws, nor when one of the cache does', async () => {
    const emitted = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    try {
      writeFileSync(file, 'broken');
      const onWarning = (): never => {
        throw new Error('mine');
      };
      const client = createClient({ capabilities: { file }, onWarning });
      client.capabilities.onChange(onWarning);
      client.capabilities.worked(TLS);
      folder[Symbol.dispose]();
      await client.close();
      expect(emitted.mock.calls.map(([text]) => String(text))).toEqual([
        expect.stringContaining('is not used: it is not JSON'),
        'onWarning has thrown: Error: mine',
        'a listener of the capability cache has thrown: Error: mine',
        expect.stringContaining('cannot be written'),
        'onWarning has thrown: Error: mine',
      ]);
    } finally {
      emitted.mockRestore();
    }
  });
});
