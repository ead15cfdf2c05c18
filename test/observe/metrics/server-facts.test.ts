import { describe, expect, it } from 'vitest';
import { processFacts } from '../../../src/observe/metrics/process-facts.js';
import { sessionFacts } from '../../../src/observe/metrics/server-facts.js';
import { createBench } from '../../session/support.js';

describe('what is shown of sessions', () => {
  it('is what the session manager does and advertises, at every load', () => {
    const bench = createBench({}, undefined, { connections: 20, connectionsPerClient: 100 });
    for (let open = 1; open <= 20; open++) {
      bench.open();
      const facts = sessionFacts(bench.limits, bench.manager.settings, 'ready');
      expect(facts).toMatchObject({ open, limit: 20, idleTime: bench.manager.idleTime });
      const session = bench.open();
      session?.gone();
      expect(facts.keepalive).toBe(bench.manager.shedding ? 0 : bench.manager.idleTime);
    }
    expect(sessionFacts(bench.limits, bench.manager.settings, 'ready')).toMatchObject({
      idleTime: 2_000,
      keepalive: 0,
    });
  });

  it('asks clients to close while the server drains', () => {
    const bench = createBench();
    bench.open();
    expect(sessionFacts(bench.limits, bench.manager.settings, 'draining')).toMatchObject({ open: 1, keepalive: 0 });
    bench.manager.stop();
    expect(bench.manager.shedding).toBe(true);
  });
});

describe('what is shown of the process', () => {
  it('is what the system says', () => {
    const facts = processFacts();
    expect(facts.cpuSeconds).toBeGreaterThan(0);
    expect(facts.residentBytes).toBeGreaterThan(10_000_000);
    expect(Math.abs(facts.startedAt + process.uptime() - Date.now() / 1000)).toBeLessThan(5);
    if (process.platform !== 'linux') return;
    expect(facts.openDescriptors).toBeGreaterThan(2);
    expect(facts.maxDescriptors).toBeGreaterThan(facts.openDescriptors ?? 0);
  });
});
