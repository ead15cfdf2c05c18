import { describe, expect, it } from 'vitest';
import { TextOutput } from '../../src/observe/text-output.js';
import { FakeClock } from '../support/clock.js';

/** A reader with room for so many octets, or a system that refuses to write. */
function reader(room: number) {
  const state = { room, text: '', refusal: undefined as Error | undefined, asked: 0 };
  const write = (octets: Uint8Array): number => {
    state.asked++;
    if (state.refusal) throw state.refusal;
    const count = Math.min(octets.length, state.room);
    state.room -= count;
    state.text += Buffer.from(octets.subarray(0, count)).toString();
    return count;
  };
  return { state, write };
}

describe('text for a slow reader', () => {
  it('is written at once while there is room, and later when there is room again', () => {
    const { state, write } = reader(5);
    const clock = new FakeClock();
    const output = new TextOutput(write, { clock });
    const done: string[] = [];
    for (const text of ['one\n', 'two\n', 'three\n']) output.write(text, () => done.push(text));
    expect(state.text).toBe('one\nt');
    expect(done).toEqual(['one\n']);
    expect(output.waits).toBe(true);
    state.room = 1000;
    clock.advance(100);
    expect(state.text).toBe('one\ntwo\nthree\n');
    expect(done).toHaveLength(3);
    expect(output.waits).toBe(false);
    expect(clock.timers).toBe(0);
  });

  it('is lost beyond the limit, as a whole, and counted; what comes next is told how many', () => {
    const { state, write } = reader(0);
    const output = new TextOutput(write, { clock: new FakeClock(), limit: 9 });
    output.recovered = (lost) => output.write(`${lost} lost\n`);
    for (const text of ['one\n', 'two\n', 'three\n', 'f\n', 'i\n']) output.write(text);
    expect(output.lost).toBe(3);
    state.room = 1000;
    output.write('next\n');
    expect(state.text).toBe('one\ntwo\n3 lost\nnext\n');
    expect(output.lost).toBe(3);
  });

  it('is taken though it is longer than the limit, if nothing waits', () => {
    const { state, write } = reader(1);
    const output = new TextOutput(write, { clock: new FakeClock(), limit: 4 });
    output.write('long text\n');
    output.write('x\n');
    expect(output.lost).toBe(1);
    state.room = 100;
    output.write('y\n');
    expect(state.text).toBe('long text\ny\n');
    output.write('');
    expect(output.lost).toBe(1);
  });

  it('waits when the system refuses it, and is not tried for each text', () => {
    const { state, write } = reader(1000);
    const clock = new FakeClock();
    const output = new TextOutput(write, { clock });
    state.refusal = new Error('ENOSPC: no space left on device');
    for (let i = 0; i < 100; i++) output.write(`${i}\n`);
    expect(state.asked).toBe(1);
    state.refusal = undefined;
    clock.advance(100);
    expect(state.text).toMatch(/^0\n1\n(.*\n)*99\n$/);
    output.write('after\n');
    expect(state.text).toMatch(/after\n$/);
  });

  it('is given up when the system refuses it and somebody wants to know', () => {
    const { state, write } = reader(1000);
    const failures: unknown[] = [];
    const output = new TextOutput(write, { clock: new FakeClock(), failed: (error) => failures.push(error) });
    state.refusal = new Error('EPIPE: broken pipe');
    output.write('a');
    expect(failures).toEqual([state.refusal]);
    expect(output.waits).toBe(false);
    expect(output.lost).toBe(1);
  });

  it('is written at the end if its reader still reads, and given up if not', () => {
    const slow = reader(0);
    const output = new TextOutput(
      (octets) => {
        slow.state.room = 1;
        return slow.write(octets);
      },
      { clock: new FakeClock() },
    );
    output.write('slow\n');
    output.finish();
    expect(slow.state.text).toBe('slow\n');
    const stuck = new TextOutput(reader(0).write, { clock: new FakeClock() });
    stuck.write('stuck\n');
    stuck.finish();
    expect(stuck.waits).toBe(true);
  });
});
