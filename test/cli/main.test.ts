import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { adotd, MAIN, type Ran } from '../support/cli.js';

/** Runs the command by a shell: `"$0" "$1"` is the command, `$2` a folder that is empty. */
async function byShell(script: string): Promise<Ran> {
  const folder = mkdtempSync(join(tmpdir(), 'adotd-'));
  const child = spawn('bash', ['-c', script, process.execPath, MAIN, folder], { timeout: 30_000 });
  const [stdout, stderr] = [text(child.stdout), text(child.stderr)];
  const [status] = (await once(child, 'close')) as [number | null];
  rmSync(folder, { recursive: true, force: true });
  return { status, stdout: await stdout, stderr: await stderr };
}

describe('the command, where it cannot do its work', () => {
  const serve = '"$0" "$1" serve --port 0 --tls-port 0 --log-level silent --zones';
  it.each([
    [
      'standard output is full',
      `${serve} "$2" --certs "$2" >/dev/full`,
      'cannot write to standard output: no space left on device',
    ],
    [
      'standard output is full',
      '"$0" "$1" schema >/dev/full',
      'cannot write to standard output: no space left on device',
    ],
    [
      'its folder is gone',
      `cd "$2" && rmdir "$2" && ${serve} /proc/sys/net`,
      'the working directory does not exist any more: start in another one [ADOTD_FILE]',
    ],
    [
      'no more files may be open than modules take',
      `ulimit -n 127 && ${serve} "$2"`,
      'only 127 files may be open, expected at least 128: raise it (ulimit -n; LimitNOFILE of systemd) [ADOTD_LISTEN]',
    ],
    [
      'no more files may be open than threads take',
      `ulimit -n 160 && ${serve} "$2" --certs "$2" --workers 32`,
      'too many open files: raise the limit (ulimit -n; LimitNOFILE of systemd), or lower `workers` [ADOTD_LISTEN]',
    ],
  ])('ends with one clear line when %s: %s', async (_, script, line) => {
    expect(await byShell(script)).toEqual({ status: 1, stdout: '', stderr: `adotd: ${line}\n` });
  });
});

describe('the command line', () => {
  it.each([
    [[], 2, /^usage: adotd VERB/],
    [['serv'], 2, /^adotd: unknown verb serv; did you mean serve\?\n$/],
    [['frobnicate'], 2, /^adotd: unknown verb frobnicate; see adotd --help\n$/],
    [['toString'], 2, /^adotd: unknown verb toString/],
    [['serve'], 2, /^adotd serve: nothing to serve; give --zones DIR, --zone NAME=FILE or --config FILE\n$/],
    [['serve', '--prot', '1'], 2, /^adotd serve: unknown option --prot; did you mean --port\?\n$/],
    [['serve', '--zones', 'zones', '--port'], 2, /^adotd serve: --port: found nothing, expected a value\n$/],
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
    [['serve', 'zones'], 2, /^adotd serve: unexpected zones; zones are given by --zones DIR or --zone NAME=FILE\n$/],
    [['check'], 2, /^adotd check: nothing to check; give a file, a folder or --zone NAME=FILE\n$/],
    [['check', '--format', 'xml', 'zones'], 2, /--format: found xml, expected text or json/],
    [['check', '--limit', '0', 'zones'], 2, /--limit: found 0, expected a number of at least 1/],
    [['schema', 'extra'], 2, /^adotd schema: unexpected extra; see adotd schema --help\n$/],
    [['query', 'a.test', 'A', '@'], 2, /^adotd query: no server behind @; give an address or a name\n$/],
    [
      ['query', 'a.test', '--timeout', '-1'],
      2,
      /^adotd query: --timeout: found -1, expected a value; one that begins with a dash is written --timeout=-1\n$/,
    ],
    [['query', 'a.test', '--timeout=-1'], 2, /^adotd query: --timeout: found -1, expected seconds, above 0\n$/],
    [
      ['serve', '--zones', 'a', '--zones', 'b'],
      2,
      /^adotd serve: --zones: found a and b, expected one value; put the zone files into one folder, or list them in a configuration \(zones.files\)\n$/,
    ],
    [['serve', '--config=a', '--config', 'b'], 2, /--config: found a and b, expected one value; write all of it into/],
    [
      ['serve', '--zones', 'a', '--port', '1', '--port=1'],
      2,
      /--port: found 1 and 1, expected one value; every address/,
    ],
    [['serve', '--zones', 'a', '--tls-port', '1', '--tls-port', '2'], 2, /--tls-port: found 1 and 2, expected one/],
    [['serve', '--zones', 'a', '--log-level', 'info', '--log-level', 'warn'], 2, /value; give the option once\n$/],
    [['fixture', '--zones', 'a', '--zones', 'b'], 2, /one folder, or give each by --zone NAME=FILE\n$/],
    [['ctl', 'status', '--socket', 'a', '--socket', 'b'], 3, /^adotd ctl: --socket: found a and b, expected one value/],
    [['check', 'zones', '--format', 'text', '--format', 'json'], 2, /--format: found text and json, expected one/],
    [['query', 'a.test', '--port', '1', '--port', '2'], 2, /^adotd query: --port: found 1 and 2, expected one value/],
    [['probe', '192.0.2.1', '--zone', 'a', '--zone', 'b'], 2, /^adotd probe: --zone: found a and b, expected one/],
    [['keys', '--config', 'a', '--config', 'b'], 2, /^adotd keys: --config: found a and b, expected one value/],
    [['serve', '--strict=yes', '--zones', 'a'], 2, /^adotd serve: --strict: found yes, expected no value\n$/],
    [['serve', '-port', '53'], 2, /^adotd serve: unknown option -port; did you mean --port\?\n$/],
    [
      ['serve', '-l', '::1'],
      2,
      /^adotd serve: unknown option -l; did you mean --listen or --log-format or --log-level\?\n$/,
    ],
    [['check', '-x', 'zones'], 2, /^adotd check: unknown option -x; see adotd check --help\n$/],
    [['help', 'serv'], 2, /^adotd: unknown verb serv; did you mean serve\?\n$/],
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
    [['check', '-h'], /--print/],
    [['schema', '--help'], /JSON Schema/],
    [['help', 'check'], /^usage: adotd check/],
    ...[['--version'], ['-V'], ['-v'], ['version'], ['serve', '--version'], ['query', '-v']].map(
      (words): [string[], RegExp] => [words, /^adotd \d+\.\d+\.\d+\n$/],
    ),
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
