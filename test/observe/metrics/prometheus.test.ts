import { describe, expect, it } from 'vitest';
import { createFacts, createOutcome, Kind } from '../../../src/answer/facts.js';
import { Counters } from '../../../src/observe/counters/counters.js';
import { acceptedFormat, metricsText } from '../../../src/observe/metrics/prometheus.js';
import { HandshakeEnd, SessionEnd, SessionPath } from '../../../src/session/session-end.js';
import { TransportEvent } from '../../../src/transport/transport.js';
import { emptyCatalog } from '../../support/catalog.js';
import { metricsInput, zoneFacts } from '../input.js';

const CLIENT = Uint8Array.of(192, 0, 2, 1);

const lines = (text: string, start: string): string[] => text.split('\n').filter((line) => line.startsWith(start));

describe('metrics as text', () => {
  it('show a counter with its help, its type and a series for each combination of labels', () => {
    const counters = new Counters();
    const facts = createFacts(emptyCatalog());
    counters.count(facts, { ...createOutcome(), kind: Kind.ANSWER, qtype: 1 }, 30, 46);
    facts.clientLength = 16;
    counters.count(facts, { ...createOutcome(), kind: Kind.ANSWER, qtype: 28 }, 30, 58);
    const text = metricsText(metricsInput({ counters }));
    expect(lines(text, '# HELP adotd_requests_total')).toHaveLength(1);
    expect(lines(text, '# TYPE adotd_requests_total')).toEqual(['# TYPE adotd_requests_total counter']);
    expect(lines(text, 'adotd_requests_total')).toEqual([
      'adotd_requests_total{transport="udp",family="ipv4"} 1',
      'adotd_requests_total{transport="udp",family="ipv6"} 1',
      'adotd_requests_total{transport="tcp",family="ipv4"} 0',
      'adotd_requests_total{transport="tcp",family="ipv6"} 0',
      'adotd_requests_total{transport="starttls",family="ipv4"} 0',
      'adotd_requests_total{transport="starttls",family="ipv6"} 0',
      'adotd_requests_total{transport="tls",family="ipv4"} 0',
      'adotd_requests_total{transport="tls",family="ipv6"} 0',
    ]);
    expect(text).toContain('adotd_queries_total{transport="udp",type="AAAA"} 1\n');
    expect(text).toContain('adotd_responses_total{transport="udp",rcode="NOERROR"} 2\n');
  });

  it('show a histogram with buckets that add up', () => {
    const counters = new Counters();
    for (const milliseconds of [5, 10, 50, 20_000_000]) {
      counters.sessionClosed(SessionPath.TLS, SessionEnd.IDLE, milliseconds, 1, CLIENT);
    }
    const text = metricsText(metricsInput({ counters }));
    const series = lines(text, 'adotd_session_duration_seconds').filter((line) => line.includes('path="tls"'));
    expect(series.slice(0, 3)).toEqual([
      'adotd_session_duration_seconds_bucket{path="tls",le="0.01"} 2',
      'adotd_session_duration_seconds_bucket{path="tls",le="0.1"} 3',
      'adotd_session_duration_seconds_bucket{path="tls",le="1"} 3',
    ]);
    expect(series.slice(-3)).toEqual([
      'adotd_session_duration_seconds_bucket{path="tls",le="+Inf"} 4',
      'adotd_session_duration_seconds_sum{path="tls"} 20000.065',
      'adotd_session_duration_seconds_count{path="tls"} 4',
    ]);
  });

  it('show all series of what is known from the start, so that their first change is seen', () => {
    const counters = new Counters();
    const before = metricsText(metricsInput({ counters })).split('\n').length;
    counters.event(TransportEvent.TCP_ERROR);
    counters.handshakeEnded(SessionPath.TLS, HandshakeEnd.ALERT, 1, CLIENT);
    const agreed = { version: 'TLSv1.4', cipher: 'NEW', group: 'x25519', isDot: true, isNamed: false };
    counters.agreed(SessionPath.TLS, agreed, CLIENT);
    counters.sessionClosed(SessionPath.STARTTLS, SessionEnd.EVICTED, 1, 1, CLIENT);
    counters.count(createFacts(emptyCatalog()), { ...createOutcome(), kind: Kind.REFUSED, rcode: 5 }, 30, 30);
    expect(metricsText(metricsInput({ counters })).split('\n').length).toBe(before);
  });

  it('show a RCODE without a mnemonic only once it was sent, and no more than the counters have words for', () => {
    const counters = new Counters();
    const facts = createFacts(emptyCatalog());
    for (let rcode = 0; rcode < 4096; rcode++) {
      counters.count(facts, { ...createOutcome(), kind: Kind.ERROR, rcode }, 30, 30);
    }
    const text = metricsText(metricsInput({ counters }));
    expect(text).toContain('adotd_responses_total{transport="udp",rcode="RCODE11"} 1\n');
    expect(lines(text, 'adotd_responses_total{transport="udp"')).toHaveLength(24);
    expect(lines(text, 'adotd_responses_total{transport="tcp"')).toHaveLength(13);
  });

  it('escape what a zone or a file may be called', () => {
    const zones = [zoneFacts('a\\"b\\\\c\\.test.\n')];
    const text = metricsText(metricsInput({ zones, certificates: [{ file: 'c:\\x "y"', notAfter: 1, valid: false }] }));
    expect(text).toContain('adotd_zone_serial{zone="a\\\\\\"b\\\\\\\\c\\\\.test.\\n"} 2026112101\n');
    expect(text).toContain('adotd_certificate_expiry_timestamp_seconds{file="c:\\\\x \\"y\\""} 1\n');
  });

  it('differ in OpenMetrics by the family of counters, units, whole bounds and the end', () => {
    const text = metricsText(metricsInput(), 'openmetrics');
    expect(text).toContain('# TYPE adotd_requests counter\n');
    expect(text).toContain('# UNIT adotd_respond_duration_seconds seconds\n');
    expect(text).toContain('# UNIT process_cpu_seconds seconds\n');
    expect(text).toContain('process_cpu_seconds_total 1.5\n');
    expect(text).toContain('adotd_request_size_bytes_bucket{transport="udp",le="32.0"} 0\n');
    expect(text.endsWith('\n# EOF\n')).toBe(true);
    expect(metricsText(metricsInput())).not.toMatch(/# EOF|# UNIT|le="32\.0"/);
  });

  it('leave out what is not known, and write what has no limit', () => {
    const input = metricsInput();
    const process = { ...input.process, openDescriptors: undefined, maxDescriptors: Number.POSITIVE_INFINITY };
    const text = metricsText({ ...input, process });
    expect(lines(text, 'process_open_fds')).toEqual([]);
    expect(lines(text, 'process_max_fds')).toEqual(['process_max_fds +Inf']);
  });
});

describe('the format', () => {
  it.each([
    [undefined, 'prometheus'],
    ['*/*', 'prometheus'],
    ['text/plain;version=0.0.4;q=0.5,*/*;q=0.1', 'prometheus'],
    ['application/openmetrics-text;version=1.0.0,text/plain;q=0.5', 'openmetrics'],
  ])('for Accept %j is %s', (accept, format) => {
    expect(acceptedFormat(accept)).toBe(format);
  });
});

describe('zones', () => {
  const zones = [
    zoneFacts('a.test.', { records: 1, imageBytes: 10 }),
    zoneFacts('b.test.', { records: 2, imageBytes: 20, state: 'kept' }),
    zoneFacts('c.test.', { records: 0, imageBytes: 0, state: 'failed', serial: undefined }),
  ];

  it('have series of their own up to the limit, and are in the sums beyond', () => {
    const text = metricsText(metricsInput({ zones }, 1));
    expect(lines(text, 'adotd_zone_')).toHaveLength(7);
    expect(lines(text, 'adotd_zone_served')).toEqual(['adotd_zone_served{zone="a.test."} 1']);
    expect(lines(text, 'adotd_zones')).toEqual([
      'adotd_zones{state="served"} 1',
      'adotd_zones{state="kept"} 1',
      'adotd_zones{state="failed"} 1',
      'adotd_zones_without_series 2',
    ]);
    expect(lines(text, 'adotd_records')).toEqual(['adotd_records 3']);
    expect(lines(text, 'adotd_image_bytes')).toEqual(['adotd_image_bytes 30']);
    expect(lines(metricsText(metricsInput({ zones }, 0)), 'adotd_zone_')).toEqual([]);
  });

  it('that failed have no serial; those that are kept do', () => {
    const text = metricsText(metricsInput({ zones }));
    expect(lines(text, 'adotd_zone_served').map((line) => line.slice(-1))).toEqual(['1', '0', '0']);
    expect(lines(text, 'adotd_zone_serial')).toHaveLength(2);
    expect(text).not.toMatch(/undefined|NaN/);
  });
});
