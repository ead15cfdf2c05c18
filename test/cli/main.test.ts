import { describe, expect, it } from 'vitest';
import { adotd } from '../support/cli.js';

describe('the command line', () => {
  it.each([
    [[], 2, /^usage: adotd VERB/],
    [['serv'], 2, /^adotd: unknown verb serv; did you mean serve\?\n$/],
    [['frobnicate'], 2, /^adotd: unknown verb frobnicate; see adotd --help\n$/],
    [['toString'], 2, /^adotd: unknown verb toString/],
    [['serve'], 2, /^adotd serve: nothing to serve; give --zones DIR or --config FILE\n$/],
    [['serve', '--prot', '1'], 2, /^adotd serve: unknown option --prot; did you mean --port\?\n$/],
    [['serve', '--zones', 'zones', '--port'], 2, /^adotd serve: Option '--port <value>' argument missing\n$/],
    [['serve', '--zones', 'zones', '--port', 'dns'], 2, /^adotd serve: --port: found "dns", expected a number\n$/],
    [
      ['serve', '--zones', 'zones', '--port', '70000'],
      2,
      /^adotd serve: --port: found 70000, expected at most 65535\n$/,
    ],
    [
      ['serve', '--zones', 'zones', '--listen', 'localhost'],
      2,
      /--listen: found "localhost", expected an IPv4 or IPv6/,
    ],
    [
      ['serve', '--zones', 'zones', '--workers', 'all'],
      2,
      /--workers: found "all", expected auto, embedded or a number/,
    ],
    [['serve', '--zones', 'zones', '--log-level', 'loud'], 2, /--log-level: found "loud", expected fatal or error/],
    [['serve', 'zones'], 2, /^adotd serve: unexpected zones; zones are given by --zones DIR\n$/],
    [['check'], 2, /^adotd check: nothing to check; give a file or a folder\n$/],
    [['check', '--format', 'xml', 'zones'], 2, /--format: found xml, expected text or json/],
    [['check', '--limit', '0', 'zones'], 2, /--limit: found 0, expected a number of at least 1/],
    [['schema', '--pretty'], 2, /^adotd schema: unknown option --pretty/],
  ] as const)('answers %j with status %i and one clear line', async (words, status, message) => {
    const ran = await adotd(...words);
    expect(ran.stderr).toMatch(message);
    expect(ran.stdout).toBe('');
    expect(ran.status).toBe(status);
  });

  it.each([
    [['--help'], /adotd VERB --help/],
    [['serve', '--help'], /--listen ADDRESS/],
    [['check', '-h'], /--dump-image/],
    [['schema', '--help'], /JSON Schema/],
    [['--version'], /^adotd \d+\.\d+\.\d+\n$/],
  ])('prints for %j what it says on standard output', async (words, text) => {
    const ran = await adotd(...words);
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    expect(ran.stdout).toMatch(text);
  });

  it('prints a JSON Schema', async () => {
    const ran = await adotd('schema');
    expect(ran.status).toBe(0);
    expect(JSON.parse(ran.stdout)).toMatchObject({ type: 'object', properties: { port: { maximum: 65_535 } } });
  });
});
