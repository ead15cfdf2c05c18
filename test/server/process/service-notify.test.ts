import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createNotifier, type Notifier, type NotifierOptions } from '../../../src/server/process/service-notify.js';
import type { Libc } from '../../../src/transport/libc.js';

interface Sent {
  readonly text: string;
  /** The address without its family. */
  readonly to: string;
  readonly family: number;
}

/** The calls of the C library that a notifier makes; `errors` are what the next calls of sendto() end in. */
function fakeSystem(errors: string[] = []) {
  const sent: Sent[] = [];
  const open = new Set<number>();
  let code = '';
  const calls = {
    socket: (family: number, type: number) => {
      expect([family, type & 0xf]).toEqual([1, 2]);
      open.add(9);
      return 9;
    },
    sendto: (fd: number, octets: Uint8Array, length: number, _flags: number, to: Uint8Array, toLength: number) => {
      expect(open.has(fd)).toBe(true);
      code = errors.shift() ?? '';
      if (code !== '') return -1;
      const address = Buffer.from(to.subarray(0, toLength));
      sent.push({
        text: Buffer.from(octets.subarray(0, length)).toString(),
        to: address.subarray(2).toString('latin1'),
        family: address.readUInt16LE(0),
      });
      return length;
    },
    close: (fd: number) => {
      open.delete(fd);
      return 0;
    },
    errno: () => code,
  };
  const unused = (): never => {
    throw new Error('not a call of a notifier');
  };
  const system = new Proxy(calls as Partial<Libc> as Libc, {
    get: (target, name) => Reflect.get(target, name) ?? unused,
  });
  return { system, sent, open, texts: () => sent.map(({ text }) => text) };
}

const PATH = '/run/systemd/notify';

let notifier: Notifier | undefined;
/** A notifier that is closed after the test. */
function notifies(env: NodeJS.ProcessEnv, options: NotifierOptions): Notifier {
  notifier = createNotifier(env, options);
  return notifier;
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  notifier?.close();
  notifier = undefined;
  vi.useRealTimers();
});

describe('a notifier without a service manager', () => {
  it('does nothing, and finds nothing wrong with that', () => {
    const { system, sent, open } = fakeSystem();
    const idle = notifies({ WATCHDOG_USEC: '1000000' }, { system });
    expect(idle.obstacle).toBeUndefined();
    idle.ready('answers');
    idle.reloading();
    idle.stopping('');
    vi.advanceTimersByTime(10_000);
    expect(sent).toEqual([]);
    expect(open.size).toBe(0);
  });
});

describe('a notifier', () => {
  it('says what systemd wants to know', () => {
    const { system, texts } = fakeSystem();
    const { ready, reloading, stopping, status } = notifies({ NOTIFY_SOCKET: PATH }, { system });
    const before = process.hrtime.bigint() / 1000n;
    ready('2 zones');
    reloading();
    ready('3 zones');
    status('loading: 40 %');
    stopping('finishing 3 sessions');
    const [first, second = '', ...rest] = texts();
    expect(first).toBe('READY=1\nSTATUS=2 zones');
    const [, microseconds = ''] = /^RELOADING=1\nMONOTONIC_USEC=([0-9]+)$/.exec(second) ?? [];
    expect(BigInt(microseconds) - before).toBeGreaterThanOrEqual(0n);
    expect(rest).toEqual([
      'READY=1\nSTATUS=3 zones',
      'STATUS=loading: 40 %',
      'STOPPING=1\nSTATUS=finishing 3 sessions',
    ]);
  });

  it('names a socket by its path, ended by a NUL', () => {
    const { system, sent } = fakeSystem();
    notifies({ NOTIFY_SOCKET: PATH }, { system }).status('x');
    expect(sent).toEqual([{ text: 'STATUS=x', family: 1, to: `${PATH}\0` }]);
  });

  it('names an abstract socket by a NUL and its name', () => {
    const { system, sent } = fakeSystem();
    notifies({ NOTIFY_SOCKET: '@manager' }, { system }).status('x');
    expect(sent).toEqual([{ text: 'STATUS=x', family: 1, to: '\0manager' }]);
  });

  it('lets no status begin an assignment of its own', () => {
    const { system, texts } = fakeSystem();
    notifies({ NOTIFY_SOCKET: PATH }, { system }).status('zone a\nMAINPID=1\r\n b ');
    expect(texts()).toEqual(['STATUS=zone a MAINPID=1 b']);
  });

  it('takes its variables out of the environment', () => {
    const env = { NOTIFY_SOCKET: PATH, WATCHDOG_USEC: '1', WATCHDOG_PID: '2', HOME: '/' };
    notifies(env, { system: fakeSystem().system });
    expect(env).toEqual({ HOME: '/' });
  });

  it('frees its socket once, and says nothing after that', () => {
    const { system, sent, open } = fakeSystem();
    const closing = notifies({ NOTIFY_SOCKET: PATH, WATCHDOG_USEC: '2000000' }, { system });
    closing.close();
    closing.close();
    closing.ready('too late');
    vi.advanceTimersByTime(10_000);
    expect(open.size).toBe(0);
    expect(sent).toEqual([]);
  });
});

describe('a notifier that cannot notify', () => {
  const cases: [string, string, RegExp][] = [
    ['another family', 'vsock:2:1234', /^NOTIFY_SOCKET is "vsock:2:1234", expected a path or @name$/],
    ['a relative path', 'run/notify', /expected a path or @name$/],
    ['a path that no socket can have', `/${'x'.repeat(107)}`, /^NOTIFY_SOCKET has 108 octets, expected 107 at most$/],
  ];
  it.each(cases)('says so: %s', (_, name, reason) => {
    const { system, sent } = fakeSystem();
    const mute = notifies({ NOTIFY_SOCKET: name }, { system });
    mute.ready('answers');
    expect(mute.obstacle).toMatch(reason);
    expect(sent).toEqual([]);
  });

  it('says so, and what to do: no calls of the C library', () => {
    const mute = notifies({ NOTIFY_SOCKET: PATH }, { system: 'the optional package koffi is not installed' });
    expect(mute.obstacle).toBe(
      'the optional package koffi is not installed; a unit without notifications has Type=exec',
    );
    mute.ready('answers');
  });

  it('says so once where nobody listens, and goes on', () => {
    const { system, texts } = fakeSystem(['ENOENT', 'ECONNREFUSED']);
    const failed = vi.fn();
    const { ready, status } = notifies({ NOTIFY_SOCKET: PATH }, { system, failed });
    ready('answers');
    status('a');
    status('b');
    expect(failed.mock.calls).toEqual([[`NOTIFY_SOCKET ${PATH}: ENOENT`]]);
    expect(texts()).toEqual(['STATUS=b']);
  });

  it('waits for a manager that is busy, and keeps the order', () => {
    const { system, texts } = fakeSystem(['EAGAIN', 'EAGAIN', 'EINTR', 'ENOBUFS']);
    const failed = vi.fn();
    const { ready, status } = notifies({ NOTIFY_SOCKET: PATH }, { system, failed });
    ready('answers');
    status('a');
    expect(texts()).toEqual([]);
    vi.advanceTimersByTime(1000);
    expect(texts()).toEqual(['READY=1\nSTATUS=answers', 'STATUS=a']);
    expect(failed).not.toHaveBeenCalled();
  });

  it('keeps no more than a few datagrams for it, the last ones', () => {
    const { system, texts } = fakeSystem(Array.from({ length: 100 }, () => 'EAGAIN'));
    const { status, close } = notifies({ NOTIFY_SOCKET: PATH }, { system });
    for (let index = 0; index < 100; index++) status(String(index));
    close();
    expect(texts()).toEqual(Array.from({ length: 16 }, (_, index) => `STATUS=${84 + index}`));
  });
});

describe('the watchdog', () => {
  const signs = (texts: readonly string[]): number => texts.filter((text) => text === 'WATCHDOG=1').length;

  it('gets signs of life twice as often as it asks for, once the server is ready', () => {
    const { system, texts } = fakeSystem();
    const { ready, close } = notifies({ NOTIFY_SOCKET: PATH, WATCHDOG_USEC: '3000000' }, { system });
    vi.advanceTimersByTime(60_000);
    expect(signs(texts())).toBe(0);
    ready('answers');
    ready('answers again');
    vi.advanceTimersByTime(6000);
    expect(signs(texts())).toBe(4);
    close();
    vi.advanceTimersByTime(6000);
    expect(signs(texts())).toBe(4);
  });

  it('gets none while the server is not healthy', () => {
    const { system, texts } = fakeSystem();
    let healthy = false;
    const env = { NOTIFY_SOCKET: PATH, WATCHDOG_USEC: '2000000', WATCHDOG_PID: '77' };
    notifies(env, { system, pid: 77, healthy: () => healthy }).ready('answers');
    vi.advanceTimersByTime(5000);
    expect(signs(texts())).toBe(0);
    healthy = true;
    vi.advanceTimersByTime(5000);
    expect(signs(texts())).toBe(5);
  });

  it.each([
    ['is for another process', { WATCHDOG_USEC: '2000000', WATCHDOG_PID: '76' }],
    ['is no number', { WATCHDOG_USEC: 'soon' }],
    ['is 0', { WATCHDOG_USEC: '0' }],
    ['is not there', {}],
  ])('gets none where it %s', (_, env) => {
    const { system, texts } = fakeSystem();
    notifies({ NOTIFY_SOCKET: PATH, ...env }, { system, pid: 77 }).ready('answers');
    vi.advanceTimersByTime(60_000);
    expect(texts()).toEqual(['READY=1\nSTATUS=answers']);
  });

  it('waits for weeks where it asks for weeks', () => {
    const { system, texts } = fakeSystem();
    notifies({ NOTIFY_SOCKET: PATH, WATCHDOG_USEC: '99999999999999' }, { system }).ready('answers');
    vi.advanceTimersByTime(60_000);
    expect(signs(texts())).toBe(0);
  });
});
