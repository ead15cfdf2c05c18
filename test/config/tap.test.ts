import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseConfig, readConfig } from '../../src/config/load.js';

describe('query log and dnstap in the configuration', () => {
  it('are off unless they are asked for', () => {
    const { query_log: queryLog, dnstap } = parseConfig('', 'adotd.yaml');
    expect(queryLog).toEqual({ enabled: false, sample: 1 });
    expect(dnstap).toEqual({ sample: 1, messages: ['query', 'response'] });
  });

  it('name files beside the configuration', () => {
    const folder = mkdtempSync(join(tmpdir(), 'adotd-'));
    try {
      const file = join(folder, 'adotd.yaml');
      writeFileSync(file, 'query_log: {enabled: true, file: q.log}\ndnstap: {socket: /run/tap.sock}\n');
      expect(readConfig(file)).toMatchObject({
        query_log: { file: join(folder, 'q.log') },
        dnstap: { socket: '/run/tap.sock' },
      });
      writeFileSync(file, 'dnstap: {file: tap.fstrm}\n');
      expect(readConfig(file).dnstap.file).toBe(join(folder, 'tap.fstrm'));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.each([
    ['dnstap: {socket: a, file: b}', /^adotd.yaml:1:9: dnstap: found .*, expected socket or file, not both$/],
    ['dnstap: {messages: []}', /^adotd.yaml:1:20: dnstap.messages: found \[\], expected at least 1 entry$/],
    [
      'dnstap: {messages: [queries]}',
      /^adotd.yaml:1:21: dnstap.messages\[0\]: found "queries", expected query or response$/,
    ],
    ['query_log: {sample: 0}', /^adotd.yaml:1:21: query_log.sample: found 0, expected at least 1$/],
    ['dnstap: {sokcet: a}', /^adotd.yaml:1:10: dnstap.sokcet: unknown key; did you mean socket\?$/],
  ])('have mistakes told: %s', (text, message) => {
    expect(() => parseConfig(text, 'adotd.yaml')).toThrow(message);
  });
});
