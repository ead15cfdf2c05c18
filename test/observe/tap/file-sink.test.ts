import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openFileSink } from '../../../src/observe/tap/file-sink.js';
import type { Sink } from '../../../src/observe/tap/outbox.js';
import { systemClock } from '../../../src/session/clock.js';
import { FakeClock } from '../../support/clock.js';
import { recordingLog } from './log.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const line = (text: string, records = 1) => ({ octets: Buffer.from(`${text}\n`), records });

describe('a file that is written to', () => {
  it('is appended to, in order, by its owner and group alone', async () => {
    const path = join(folder, 'log');
    for (const text of ['one', 'two']) {
      const sink = openFileSink({ path, what: 'the query log', log: recordingLog().log, clock: systemClock });
      for (let i = 0; i < 50; i++) sink.write(line(`${text} ${i}`));
      await sink.close();
      expect(sink.takeLost()).toBe(0);
    }
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(lines).toEqual(['one', 'two'].flatMap((text) => Array.from({ length: 50 }, (_, i) => `${text} ${i}`)));
    expect(statSync(path).mode & 0o027).toBe(0);
  });

  it('has its beginning and its end, and what was there before is set aside', async () => {
    const path = join(folder, 'tap');
    const options = { path, what: 'the dnstap file', opening: Buffer.from('<'), closing: Buffer.from('>') };
    for (const text of ['one', 'two']) {
      const sink = openFileSink({ ...options, log: recordingLog().log, clock: systemClock });
      sink.write(line(text));
      await sink.close();
    }
    expect(readFileSync(path, 'utf8')).toBe('<two\n>');
    const [aside] = readdirSync(folder).filter((name) => name !== 'tap');
    expect(aside).toMatch(/^tap\.\d{8}T\d{9}Z$/);
    expect(readFileSync(join(folder, aside ?? ''), 'utf8')).toBe('<one\n>');
  });

  it('is begun anew when it was moved away', async () => {
    const path = join(folder, 'log');
    const clock = new FakeClock();
    const sink = openFileSink({ path, what: 'the query log', log: recordingLog().log, clock });
    sink.write(line('before'));
    await written(path, 'before\n');
    renameSync(path, `${path}.1`);
    // It is looked for once a second.
    clock.advance(999);
    sink.write(line('x'));
    await written(`${path}.1`, 'before\nx\n');
    clock.advance(1);
    sink.write(line('after'));
    await sink.close();
    expect(readFileSync(`${path}.1`, 'utf8')).toBe('before\nx\n');
    expect(readFileSync(path, 'utf8')).toBe('after\n');
  });

  it('goes on, wherever it was moved, when no new one can be begun', async () => {
    const path = join(folder, 'here', 'log');
    mkdirSync(join(folder, 'here'));
    const { log, lines } = recordingLog();
    const clock = new FakeClock();
    const sink = openFileSink({ path, what: 'the query log', log, clock });
    sink.write(line('before'));
    await written(path, 'before\n');
    renameSync(join(folder, 'here'), join(folder, 'there'));
    const moved = join(folder, 'there', 'log');
    for (let i = 1; i <= 3; i++) {
      clock.advance(1000);
      sink.write(line('x'));
      await written(moved, `before\n${'x\n'.repeat(i)}`);
    }
    await sink.close();
    expect(readFileSync(moved, 'utf8')).toBe('before\nx\nx\nx\n');
    expect(sink.takeLost()).toBe(0);
    expect(lines).toEqual([
      `error the query log ${path} cannot be begun anew: no such file or directory; the old one is written on`,
    ]);
  });

  it('that cannot be opened is told at once, with the reason', () => {
    const open = (path: string) => () =>
      openFileSink({ path, what: 'the query log', log: recordingLog().log, clock: systemClock });
    expect(open(join(folder, 'no', 'log'))).toThrow(
      /^the query log .*\/no\/log cannot be written: no such file or directory$/,
    );
    expect(open(folder)).toThrow(/illegal operation on a directory$/);
    writeFileSync(join(folder, 'file'), '');
    expect(open(join(folder, 'file', 'log'))).toThrow(/not a directory$/);
    try {
      open(folder)();
    } catch (error) {
      expect(error).toMatchObject({ code: 'ADOTD_FILE' });
    }
  });

  it('on a full disk is reported once, its lines are counted as lost', async () => {
    const { log, lines } = recordingLog();
    const sink = openFileSink({ path: '/dev/full', what: 'the query log', log, clock: systemClock });
    for (let i = 0; i < 20; i++) sink.write(line('x', 3));
    await sink.close();
    expect(sink.takeLost()).toBe(60);
    expect(lines).toEqual([
      'error the query log /dev/full cannot be written: no space left on device; queries are answered, not logged',
    ]);
  });

  it('takes no more than fits while it is slow', async () => {
    const sink: Sink = openFileSink({
      path: join(folder, 'log'),
      what: 'the query log',
      log: recordingLog().log,
      clock: systemClock,
    });
    const octets = new Uint8Array(1024 * 1024).fill(0x61);
    let given = 0;
    while (sink.hasRoom && given < 100) {
      sink.write({ octets, records: 1 });
      given++;
    }
    // One may be on its way already.
    expect([8, 9]).toContain(given);
    sink.write({ octets, records: 5 });
    sink.lose(2);
    await sink.close();
    expect(sink.takeLost()).toBe(7);
    expect(statSync(join(folder, 'log')).size).toBe(given * octets.length);
  });
});

const written = (path: string, text: string): Promise<void> => expect.poll(() => readFileSync(path, 'utf8')).toBe(text);
