import { describe, expect, it } from 'vitest';
import { cpuBetween, parseKilobytes, parseSchedstat, parseStat, parseWaits, readCpu, readMemory } from './proc.js';

describe('what a server costs, from /proc', () => {
  it('is read behind a name with blanks and parentheses', () => {
    const text = '4711 (my (odd) name) S 17 4711 4711 0 -1 4194304 1 2 3 4 250 50 7 8 20 0 3 0 1 2 3';
    expect(parseStat(text)).toEqual({ parent: 17, userTicks: 250, systemTicks: 50 });
  });

  it('is in microseconds where the scheduler counts nanoseconds', () => {
    expect(parseSchedstat('123456789 42 7\n')).toBeCloseTo(123_456.789);
  });

  it('has waits apart from the switches that a thread did not want', () => {
    const text = 'Name:\tnode\nvoluntary_ctxt_switches:\t1234\nnonvoluntary_ctxt_switches:\t99\n';
    expect(parseWaits(text)).toBe(1234);
    expect(parseWaits('Name:\tnode\n')).toBe(0);
  });

  it('is in octets where the system counts kibibytes, and nothing where a field is missing', () => {
    const text = 'Rss:     2048 kB\nPss:      100 kB\nPss_Anon:  40 kB\n';
    expect(parseKilobytes(text, 'Pss')).toBe(102_400);
    expect(parseKilobytes(text, 'VmRSS')).toBe(0);
  });

  it('is split into user and kernel by the ticks, of the exact total', () => {
    const before = { total: 1_000_000, userTicks: 10, systemTicks: 20, waits: 3 };
    const cpu = cpuBetween(before, { total: 1_500_000, userTicks: 20, systemTicks: 50, waits: 7 });
    expect(cpu).toEqual({ total: 500_000, user: 125_000, system: 375_000, wakeUps: 4 });
  });

  it('is not split when no tick has passed', () => {
    const reading = { total: 5, userTicks: 1, systemTicks: 1, waits: 0 };
    const { user, system, total } = cpuBetween(reading, { ...reading, total: 10 });
    expect([total, user, system]).toEqual([5, Number.NaN, Number.NaN]);
  });

  it.runIf(process.platform === 'linux')('is known of a process that runs', () => {
    const before = readCpu(process.pid);
    for (const end = performance.now() + 50; performance.now() < end; );
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    const { total, wakeUps } = cpuBetween(before, readCpu(process.pid));
    expect(total).toBeGreaterThan(1000);
    expect(wakeUps).toBeGreaterThan(0);
    expect(readMemory(process.pid, 'Pss')).toBeGreaterThan(1 << 20);
  });
});
