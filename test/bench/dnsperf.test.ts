import { describe, expect, it } from 'vitest';
import { completedAt, dnsperfWords, parseDnsperf } from './dnsperf.js';

const REPORT = `DNS Performance Testing Tool
[Status] Started at: Sat Nov 21 11:08:40 2026
1000.000000: 400.000000
1000.500000: 800.000000
1001.000000: 600.000000
[Status] Testing complete (time limit)

Statistics:

  Queries sent:         1953
  Queries completed:    1900 (97.29%)
  Queries lost:         53 (2.71%)

  Response codes:       NOERROR 1953 (100.00%)
  Average packet size:  request 37, response 53
  Run time (s):         1.754733
  Queries per second:   1112.989839
`;

describe("dnsperf's report", () => {
  it('is read', () => {
    const { progress: _, ...figures } = parseDnsperf(REPORT);
    expect(figures).toEqual({
      sent: 1953,
      completed: 1900,
      lost: 53,
      perSecond: 1112.989839,
      responseOctets: 53,
      reconnections: 0,
    });
  });

  it('tells connections that were opened again', () => {
    expect(parseDnsperf(`${REPORT}\nConnection Statistics:\n\n  Reconnections:        196\n`).reconnections).toBe(196);
  });

  it('is refused where a figure is missing, which the error names', () => {
    expect(() => parseDnsperf(REPORT.replace(/.*lost.*/, ''))).toThrow('Queries lost');
  });

  it('says how many answers had come when an interval began', () => {
    expect(parseDnsperf(REPORT).progress).toEqual([
      { at: 1000, completed: 0 },
      { at: 1000.5, completed: 200 },
      { at: 1001, completed: 600 },
    ]);
  });

  it('says it between two intervals too, but not beyond them', () => {
    const { progress } = parseDnsperf(REPORT);
    expect(completedAt(progress, 1000.5)).toBe(200);
    expect(completedAt(progress, 1000.75)).toBe(400);
    expect(completedAt(progress, 999.9)).toBeNaN();
    expect(completedAt(progress, 1001.1)).toBeNaN();
  });
});

describe("dnsperf's command line", () => {
  const load = { transport: 'tcp', clients: 20, outstanding: 500 } as const;

  it('has the transport, the port and the load', () => {
    const words = dnsperfWords(load, 5300, 'queries', 0.7).join(' ');
    expect(words).toMatch('-m tcp -s 127.0.0.1 -p 5300 -c 20 -T 1 -q 500 -l 0.7');
    expect(words).not.toMatch(/ -[bQDe] /);
    expect(dnsperfWords({ ...load, transport: 'tls' }, 5300, 'queries', 1)).toContain('dot');
  });

  it('asks for room for answers over UDP, for a rate, and for signatures', () => {
    const words = dnsperfWords({ ...load, transport: 'udp', rate: 20_000, edns: 'DO' }, 5300, 'queries', 1).join(' ');
    expect(words).toMatch(/-b \d+ -Q 20000 -D$/);
  });
});
