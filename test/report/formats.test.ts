import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { encodeClientDay } from '../../src/report/client-day.js';
import { compareReports } from '../../src/report/comparison.js';
import { makeReport } from '../../src/report/make-report.js';
import { comparisonCsv, reportCsv } from '../../src/report/report-csv.js';
import { type ReportData, readData } from '../../src/report/report-data.js';
import { comparisonHtml, reportHtml } from '../../src/report/report-html.js';
import { reportJsonSchema } from '../../src/report/report-schema.js';
import { comparisonText, reportText } from '../../src/report/report-text.js';

/** Noon of 2026-11-30. */
const NOON = 1_796_040_000;
const SPAN = { from: NOON - 3600, to: NOON + 3600 };

function dataOf(server: string, queries: readonly number[], stored = true): ReportData {
  const sketches = new Uint8Array(65_536);
  sketches[0] = 1;
  const day = { day: Math.floor(NOON / 86_400), order: 1, mark: '0123456789abcdef', sketches };
  return {
    adotd_evidence: 1,
    server,
    stored,
    minutes: queries.map((count, i) => ({
      at: NOON + i * 60,
      seconds: 60,
      cells: {
        'queries.udp.ipv4': count,
        'queries.tls.ipv6': 2 * count,
        'cpu.udp': 1_000_000,
        'answers.udp.failed': 1,
      },
    })),
    hours: [],
    days: [Buffer.from(encodeClientDay(day)).toString('base64')],
  };
}

const report = makeReport([dataOf('ns1', [10, 20]), dataOf('<script>alert(1)</script>', [30], false)], SPAN);

describe('a report', () => {
  it('has the rows of all sources, and clients with one key once', () => {
    expect(report.figures.queries).toBe(180);
    expect(report.points.map(({ at, queries }) => [at - NOON, queries.udp, queries.tls])).toEqual([
      [0, 40, 80],
      [60, 20, 40],
    ]);
    expect([report.from, report.to, report.step]).toEqual([NOON, NOON + 120, 60]);
    expect(report.clients).toMatchObject([{ day: '2026-11-30', all: 1, keys: 1 }]);
    expect(report.words).toBe(
      'TLS carried 67 % of 180 queries. SERVFAIL was the answer to 3 queries in the clear and to 0 inside TLS. On 2026-11-30 about 1 client asked, about 0 of them inside TLS.',
    );
  });

  it('of a short time long ago is made of hours: minutes are kept for two days', () => {
    const row = (at: number, seconds: number, count: number) => ({ at, seconds, cells: { 'queries.udp.ipv4': count } });
    const hours = [row(NOON - 7200, 3600, 50), row(NOON, 3600, 70)];
    const data = { ...dataOf('ns1', []), minutes: [row(NOON, 60, 7)], hours };
    const long = makeReport([data], { from: NOON - 7200, to: NOON });
    expect([long.step, long.figures.queries]).toEqual([3600, 50]);
    const short = makeReport([data], { from: NOON, to: NOON + 3600 });
    expect([short.step, short.figures.queries]).toEqual([60, 7]);
  });

  it('of a time without rows says that nothing was asked', () => {
    const empty = makeReport([dataOf('ns1', [10])], { from: NOON - 7200, to: NOON - 3600 });
    expect([empty.figures.queries, empty.words]).toEqual([0, 'Nothing was asked in this time.']);
    for (const format of [reportText, reportHtml, reportCsv]) expect(format(empty)).not.toContain('NaN');
  });

  it('in JSON can be read again, and makes the same report', () => {
    const again = makeReport(readData(JSON.stringify(report), 'report.json').sources, SPAN);
    expect(again).toEqual(report);
    expect(readData(JSON.stringify(dataOf('ns1', [1])), 'x')).toEqual({
      sources: [dataOf('ns1', [1])],
      from: NOON,
      to: NOON + 60,
    });
  });

  it.each([
    ['no JSON', '{', /^x: found no JSON/],
    ['other JSON', '{"a": 1}', /^x: found no evidence/],
    [
      'numbers that are none',
      JSON.stringify({ ...dataOf('ns1', []), minutes: [{ at: -1, seconds: 60, cells: {} }] }),
      /minutes\.0\.at/,
    ],
  ])('refuses %s', (_, text, message) => {
    expect(() => readData(text, 'x')).toThrow(message);
  });

  it('in JSON is as its schema says, and so is a comparison', () => {
    const validate = new Ajv2020({ allErrors: true, strict: false }).compile(reportJsonSchema());
    const empty = makeReport([], SPAN);
    for (const value of [report, empty, compareReports(report, report), compareReports(empty, report)]) {
      expect(validate(JSON.parse(JSON.stringify(value))), JSON.stringify(validate.errors)).toBe(true);
    }
    const later = { ...report, figures: { ...report.figures, new_figure: 1 } };
    expect(validate(later), JSON.stringify(validate.errors)).toBe(true);
    const { words: _, ...without } = report;
    expect(validate(without)).toBe(false);
    expect(validate({ ...report, figures: { ...report.figures, queries: -1 } })).toBe(false);
  });

  it('beside another one tells what has changed', () => {
    const [before, after] = [[10], [20, 20]].map((queries) => makeReport([dataOf('ns1', queries)], SPAN));
    const comparison = compareReports(before!, after!);
    const rowOf = (name: string) => comparison.rows.find((row) => row.name === name);
    expect(rowOf('queries')).toEqual({ name: 'queries', unit: '/s', before: 0.5, after: 1, change: 1 });
    expect(rowOf('share of queries: tls')).toMatchObject({ unit: 'share', before: 2 / 3, after: 2 / 3, change: 0 });
    expect(rowOf('CPU a query: udp')).toMatchObject({ unit: 'µs', before: 100_000, after: 50_000, change: -0.5 });
    expect(rowOf('SERVFAIL in the clear')).toMatchObject({ before: 0.1, after: 0.05, change: -0.5 });
    expect(rowOf('first answer of TLS')).toMatchObject({ before: null, after: null, change: null });
    expect(comparison.words).toBe(
      'TLS carried 67 % of all queries before, and 67 % after. SERVFAIL was the answer to 10 % of the queries in the clear before, and to 5.0 % after; inside TLS to 0 % and 0 %.',
    );
    const text = comparisonText(comparison);
    expect(text).toMatch(
      /^before: 2026-11-30T12:00Z to 2026-11-30T12:01Z\nafter: 2026-11-30T12:00Z to 2026-11-30T12:02Z\n/,
    );
    expect(text).toMatch(/^queries, \/s +0\.500 +1\.00 +\+100 %$/m);
    expect(text).not.toContain('first answer');
    expect(comparisonCsv(comparison)).toContain('queries,/s,0.5,1,1\r\n');
    expect(comparisonHtml(comparison)).toContain(
      '<td>CPU a query: udp, µs</td><td>100000</td><td>50000</td><td>-50 %</td>',
    );
    const nothing = compareReports(makeReport([], SPAN), makeReport([], SPAN));
    for (const format of [comparisonText, comparisonCsv, comparisonHtml])
      expect(format(nothing)).not.toMatch(/NaN|Infinity/);
  });

  it('as text names a server without state', () => {
    expect(reportText(report).split('\n').slice(0, 2)).toEqual([
      '2026-11-30T12:00Z to 2026-11-30T12:02Z, servers ns1, <script>alert(1)</script>',
      '<script>alert(1)</script> has no state: what was before its last start is not known.',
    ]);
  });

  it('as CSV has a line for each minute, and a column for each number', () => {
    expect(reportCsv(report)).toBe(
      [
        'time,at,period,queries.udp.ipv4,queries.tls.ipv6,cpu.udp,answers.udp.failed',
        `2026-11-30T12:00:00Z,${NOON},60,40,80,2000000,2`,
        `2026-11-30T12:01:00Z,${NOON + 60},60,20,40,1000000,1`,
        '',
      ].join('\r\n'),
    );
  });

  it('as HTML needs nothing else, and lets nothing in', () => {
    const page = reportHtml(report);
    expect(page).not.toMatch(/<script|https?:|src=|href=|url\(/);
    expect(page).toContain('&lt;script&gt;');
    expect(page).toContain("default-src 'none'");
    expect(page.match(/<svg /g)).toHaveLength(2);
    // Two minutes, two transports; four marks of the legend; one bar for the CPU of UDP.
    expect(page.match(/<rect /g)).toHaveLength(4 + 4 + 1);
    expect(page).toContain('prefers-color-scheme: dark');
    expect(page).not.toContain('NaN');
  });
});
