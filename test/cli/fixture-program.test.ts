import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adotd, ROOT } from '../support/cli.js';

const MAIN = join(ROOT, 'dist/cli/main.js');

let folder: string;
let zone: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-'));
  zone = `example.test=${join(folder, 'zone')}`;
  writeFileSync(join(folder, 'zone'), 'www A 192.0.2.80\n');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A program that asks for www.example.test and ends with status 7. */
const PROGRAM = `
  const { Resolver } = require('node:dns').promises;
  const resolver = new Resolver();
  resolver.setServers([process.env.ADOTD_ADDRESS + ':' + process.env.ADOTD_PORT]);
  resolver.resolve4('www.example.test').then((addresses) => {
    console.log(JSON.stringify({ addresses, words: process.argv.slice(1), env: process.env }));
    process.exitCode = 7;
  });
`;

describe('adotd fixture -- COMMAND', () => {
  it('runs the command beside the server, tells it where that is, and ends with its status', async () => {
    const file = join(folder, 'ca.pem');
    const ran = await adotd(
      'fixture',
      '--zone',
      zone,
      '--ca-file',
      file,
      '--',
      process.execPath,
      '-e',
      PROGRAM,
      '--',
      '--help',
    );
    expect({ ...ran, stdout: '' }).toEqual({ status: 7, stdout: '', stderr: '' });
    const { addresses, words, env } = JSON.parse(ran.stdout);
    expect([addresses, words]).toEqual([['192.0.2.80'], ['--help']]);
    expect(env).toMatchObject({
      ADOTD_ADDRESS: '127.0.0.1',
      ADOTD_TLS_PORT: expect.stringMatching(/^\d+$/),
      ADOTD_CA: readFileSync(file, 'utf8'),
      ADOTD_CA_FILE: file,
      ADOTD_PINS: expect.stringMatching(/^[\w+/]{43}=$/),
      ADOTD_TLSA: expect.stringMatching(/^3 1 1 [0-9A-F]{64}$/),
    });
  });

  it('tells nothing of TLS where there is none', async () => {
    const { stdout } = await adotd(
      'fixture',
      '--no-tls',
      '--',
      process.execPath,
      '-p',
      'Object.keys(process.env).join()',
    );
    const told = stdout.match(/ADOTD_\w+/g)?.filter((name) => process.env[name] === undefined);
    expect(told).toEqual(['ADOTD_ADDRESS', 'ADOTD_PORT']);
  });

  it('tells the DS records of zones that it signs', async () => {
    const words = ['--zone', zone, '--dnssec', 'bogus', '--', process.execPath, '-p', 'process.env.ADOTD_DS'];
    expect((await adotd('fixture', ...words)).stdout).toMatch(/^example\.test\. 300 IN DS \d+ 13 2 [0-9A-F]{64}\n$/);
    expect(await adotd('fixture', '--dnssec', 'no')).toMatchObject({
      status: 2,
      stderr: 'adotd fixture: --dnssec: found no, expected one of valid, expired, bogus, unsigned\n',
    });
  });

  it('ends as a shell would when the command cannot be run, or is killed', async () => {
    const run = (...words: string[]) => adotd('fixture', '--', ...words);
    expect(await run('/nonexistent/command')).toEqual({
      status: 127,
      stdout: '',
      stderr: 'adotd fixture: cannot run /nonexistent/command: no such file or directory\n',
    });
    expect(await run(join(folder, 'zone'))).toMatchObject({
      status: 126,
      stderr: expect.stringMatching(/permission denied/),
    });
    expect(await run('sh', '-c', 'kill -KILL $$')).toMatchObject({ status: 137 });
  });

  it.each([
    [['--'], 'found nothing behind --, expected a command to run'],
    [['--detached', '--', 'true'], '--detached: a command behind -- ends the server already; leave one of them out'],
    [['true'], 'unexpected true; zones are given by --zone NAME=FILE, a command to run behind --'],
  ])('refuses %j', async (words, message) => {
    expect(await adotd('fixture', ...words)).toEqual({ status: 2, stdout: '', stderr: `adotd fixture: ${message}\n` });
  });

  it('runs no command when a zone has errors', async () => {
    const bad = join(folder, 'bad');
    writeFileSync(bad, 'www A 192.0.2.800\n');
    const ran = await adotd('fixture', '--zone', `example.test=${bad}`, '--', 'echo', 'ran');
    expect(ran).toMatchObject({ status: 1, stdout: '', stderr: expect.stringMatching(/^example\.test:1:7: /) });
  });

  it('hands signals on', async () => {
    const script = `process.on('SIGTERM', () => process.exit(3)); console.log('ready'); setTimeout(() => {}, 60_000)`;
    const child = spawn(process.execPath, [MAIN, 'fixture', '--', process.execPath, '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(createInterface(child.stdout), 'line');
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([3, null]);
  });
});
