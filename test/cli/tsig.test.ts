import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { tsigOf } from '../../src/cli/tsig/query-tsig.js';
import { parseConfig } from '../../src/config/load.js';
import { runCommand } from '../support/run-command.js';
import { temporaryFolder } from '../tls/support.js';

const SECRET = 'MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=';
let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder[Symbol.dispose]());

describe('adotd keys tsig', () => {
  it('prints a new key each time, in the forms of all servers, with one secret', async () => {
    const { status, stdout, stderr } = await runCommand('keys', 'tsig', 'Second.Example');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const secrets = stdout.match(/[A-Za-z0-9+/]{43}=/g) ?? [];
    expect(secrets).toHaveLength(5);
    expect(new Set(secrets).size).toBe(1);
    expect((await runCommand('keys', 'tsig', 'Second.Example')).stdout).not.toContain(secrets[0]);
    const ours = stdout.slice(0, stdout.indexOf('# BIND'));
    const [key] = parseConfig(ours, 'adotd.yaml').tsig;
    expect(key).toMatchObject({ name: 'second.example.', algorithm: 'hmac-sha256', secret: secrets[0] });
  });

  it('has a secret as long as the hash', async () => {
    const lengths: number[] = [];
    for (const algorithm of ['hmac-sha1', 'hmac-sha384', 'hmac-sha512']) {
      const { stdout } = await runCommand('keys', 'tsig', 'a', '--algorithm', algorithm, '--for', 'adotd');
      const { tsig } = parse(stdout) as { tsig: { secret: string }[] };
      lengths.push(Buffer.from(tsig[0]?.secret ?? '', 'base64').length);
    }
    expect(lengths).toEqual([20, 48, 64]);
  });

  it('prints a key of a configuration', async () => {
    const config = join(folder.path, 'adotd.yaml');
    writeFileSync(join(folder.path, 'secret'), SECRET);
    writeFileSync(config, 'tsig: [{ name: A.key, algorithm: hmac-sha512, secret_file: secret }]\n');
    const { stdout } = await runCommand('keys', 'tsig', 'a.key.', '--config', config, '--for', 'dig');
    expect(stdout).toBe(`-y hmac-sha512:a.key.:${SECRET}\n`);
    const missing = await runCommand('keys', 'tsig', 'b.key', '--config', config);
    expect(missing).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/found no key b\.key\. in .*adotd\.yaml/),
    });
  });

  it.each([
    [['tsig'], /found no name, expected one name of a key/],
    [['tsig', 'a', 'b'], /found b, expected one name/],
    [['tsig', 'a', '--for', 'powerdns'], /--for: found powerdns, expected adotd, bind, knot, nsd, dig/],
    [['tsig', 'a', '--algorithm', 'md5'], /--algorithm: found md5, expected hmac-sha1, /],
    [['tsig', 'a', '--json'], /--json: not with adotd keys tsig/],
    [['--for', 'bind'], /--for: expected only behind adotd keys tsig NAME/],
  ])('says what is wrong with %j', async (words, message) => {
    expect(await runCommand('keys', ...words)).toMatchObject({ status: 2, stderr: expect.stringMatching(message) });
  });
});

describe('the key of adotd query', () => {
  it('has the forms of dig', () => {
    const secret = Buffer.from(SECRET, 'base64');
    expect(tsigOf('query', `a.key:${SECRET}`, undefined)).toMatchObject({
      name: 'a.key',
      algorithm: 'hmac-sha256',
      secret,
    });
    expect(tsigOf('query', `HMAC-SHA512:a.key.:${SECRET}`, undefined)).toMatchObject({
      algorithm: 'hmac-sha512',
      secret,
    });
    const file = join(folder.path, 'a.key');
    writeFileSync(file, `key "a.key" {\n\talgorithm hmac-sha384;\n\tsecret "${SECRET}";\n};\n`);
    expect(tsigOf('query', undefined, file)).toMatchObject({ name: 'a.key', algorithm: 'hmac-sha384', secret });
    expect(tsigOf('query', undefined, undefined)).toBeUndefined();
  });

  it.each([
    ['-y', 'a.key'],
    ['-y', 'a.key:!!'],
    ['-y', `a:b:c:${SECRET}`],
    ['-y', `hmac-md5:a.key:${SECRET}`],
    ['-k', '/dev/null'],
    ['--tsig', ':abcd'],
  ])('is refused, and not repeated: %s %s', async (option, value) => {
    const { status, stderr } = await runCommand('query', 'a.test', '@127.0.0.1', '--timeout', '1', option, value);
    expect(stderr).toMatch(/^adotd( query)?: .*(--tsig|TSIG)/);
    expect(status).toBeGreaterThan(0);
    expect(stderr).not.toContain(SECRET);
  });
});
