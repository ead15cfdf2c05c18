import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/load.js';
import { createTap, type Tap } from '../../../src/observe/tap/tap.js';
import { recordingResponder } from '../../../src/server/plane/recording-responder.js';
import type { Clock } from '../../../src/session/clock.js';
import { engineOf, zoneOf } from '../../answer/support.js';
import { FakeClock } from '../../support/clock.js';
import { buildQuery } from '../../support/message.js';
import { until } from '../../support/patience.js';
import { recordingLog } from './log.js';

let folder: string;
let tap: Tap | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-'));
});
afterEach(async () => {
  await tap?.stop();
  tap = undefined;
  rmSync(folder, { recursive: true });
});

function tapOf(text: string, clock?: Clock): Tap {
  tap = createTap(parseConfig(text, 'adotd.yaml'), clock);
  if (!tap) throw new Error('there is no tap');
  return tap;
}

/** A thread that answers for example.test and tells the tap. */
function thread(to: Tap, random?: () => number) {
  const { responder, facts } = engineOf({ 'example.test': zoneOf('www A 192.0.2.80') });
  const recording = recordingResponder(responder, to.thread(), random);
  const out = new Uint8Array(1232);
  facts.client.set([192, 0, 2, 1]);
  return (name: string): number => {
    const query = buildQuery({ name });
    return recording.respond(query, 0, query.length, facts, out, 0, out.length);
  };
}

describe('the tap', () => {
  it('is not there unless something is to be told', () => {
    expect(createTap(parseConfig('', 'adotd.yaml'))).toBeUndefined();
    expect(createTap(parseConfig('query_log: {file: x}', 'adotd.yaml'))).toBeUndefined();
    expect(createTap(parseConfig('dnstap: {sample: 2}', 'adotd.yaml'))).toBeUndefined();
  });

  it('writes a line for every query of every thread', async () => {
    const file = join(folder, 'queries');
    const tap = tapOf(`query_log: {enabled: true, file: ${file}}`);
    const threads = [thread(tap), thread(tap), thread(tap)];
    tap.start(recordingLog().log);
    threads.forEach((ask, i) => {
      for (let j = 0; j < 100; j++) ask(`n${i}-${j}.example.test.`);
    });
    await tap.stop();
    const lines: { qname: string; zone: string; rcode: string }[] = readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(300);
    expect(new Set(lines.map(({ qname }) => qname)).size).toBe(300);
    for (const line of lines)
      expect(line).toMatchObject({ zone: 'example.test.', rcode: 'NXDOMAIN', client: '192.0.2.1' });
    expect(tap.status).toEqual({ records: 300, dropped: 0, queryLogLost: 0, dnstapLost: 0 });
  });

  it('writes to the log where there is no file', async () => {
    const tap = tapOf('query_log: {enabled: true}');
    const ask = thread(tap);
    const seen: object[] = [];
    const log = { ...recordingLog().log, info: (fields: object) => void seen.push(fields) };
    tap.start(log);
    ask('www.example.test.');
    await until('a line', () => seen.length > 0);
    expect(seen).toEqual([
      expect.objectContaining({ qname: 'www.example.test.', rcode: 'NOERROR', kind: 'answer', flags: 'aa' }),
    ]);
  });

  it('counts and reports what is too much, and answers on', async () => {
    const file = join(folder, 'queries');
    // While time stands still, the last reading is never cut short.
    const tap = tapOf(`query_log: {enabled: true, file: ${file}}`, new FakeClock());
    const ask = thread(tap);
    const { log, lines } = recordingLog();
    tap.start(log);
    // In one turn of the event loop: nobody reads the ring meanwhile.
    for (let i = 0; i < 20_000; i++) expect(ask(`n${i}.example.test.`)).toBeGreaterThan(0);
    await tap.stop();
    const { records, dropped } = tap.status;
    expect(records + dropped).toBe(20_000);
    expect(dropped).toBeGreaterThan(0);
    expect(readFileSync(file, 'utf8').trimEnd().split('\n')).toHaveLength(records);
    expect(lines).toEqual([
      `warn queries were answered, but not all recorded: ${dropped} came faster than they can be read`,
    ]);
  });

  it('says whose fault it is', async () => {
    const { log, lines } = recordingLog();
    const tap = tapOf(`query_log: {enabled: true, file: /dev/full}\ndnstap: {socket: ${join(folder, 'sock')}}`);
    const ask = thread(tap);
    tap.start(log);
    for (let i = 0; i < 10; i++) ask('www.example.test.');
    await tap.stop();
    expect(tap.status).toEqual({ records: 10, dropped: 0, queryLogLost: 10, dnstapLost: 10 });
    expect(lines.at(-1)).toBe(
      'warn queries were answered, but not all recorded: 10 were not taken by the file of the query log, or by standard error, 10 were not taken by the reader or the file of dnstap',
    );
  });

  it('samples one of N in the mean, for each target by itself', async () => {
    const tap = tapOf(
      `query_log: {enabled: true, sample: 10, file: ${join(folder, 'q')}}\ndnstap: {sample: 4, file: ${join(folder, 'd')}}`,
      new FakeClock(),
    );
    let state = 1;
    const ask = thread(tap, () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647);
    tap.start(recordingLog().log);
    for (let i = 0; i < 20; i++) {
      for (let j = 0; j < 1000; j++) ask('www.example.test.');
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    await tap.stop();
    expect(tap.status.dropped).toBe(0);
    const logged = readFileSync(join(folder, 'q'), 'utf8').trimEnd().split('\n').length;
    expect(logged).toBeGreaterThan(1800);
    expect(logged).toBeLessThan(2200);
    const frames = frameCount(readFileSync(join(folder, 'd')));
    expect(frames).toBeGreaterThan(2 * 4600);
    expect(frames).toBeLessThan(2 * 5400);
  });

  it('does not begin with a file that cannot be written, or a path that no socket can have', () => {
    const file = join(folder, 'no', 'log');
    expect(() => tapOf(`query_log: {enabled: true, file: ${file}}`).start(recordingLog().log)).toThrow(
      /cannot be written: no such file or directory/,
    );
    expect(() => tapOf(`dnstap: {file: ${file}}`).start(recordingLog().log)).toThrow(/^the dnstap file .*no such file/);
    const long = `/${'x'.repeat(107)}`;
    expect(() => tapOf(`dnstap: {socket: ${long}}`).start(recordingLog().log)).toThrow(
      /^dnstap.socket: found a path of 108 octets .*, a Unix socket's has at most 107$/,
    );
  });

  it('that was never started can be stopped', async () => {
    const tap = tapOf('query_log: {enabled: true}');
    thread(tap)('www.example.test.');
    await tap.stop();
  });
});

/** Data frames between START and STOP. */
function frameCount(octets: Buffer): number {
  let frames = 0;
  for (let at = 0; at < octets.length; ) {
    const length = octets.readUInt32BE(at);
    if (length > 0) frames++;
    at += length > 0 ? 4 + length : 8 + octets.readUInt32BE(at + 4);
  }
  return frames;
}
