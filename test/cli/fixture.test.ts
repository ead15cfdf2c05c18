import { type ChildProcess, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { COMMAND_NAMES } from '../../src/cli/fixture/commands.js';
import { exchange } from '../../src/client/session/exchange.js';
import { textToType } from '../../src/client/wire/mnemonics.js';
import { readFaults } from '../../src/fixture/faults/fault-file.js';
import { startServer } from '../../src/index.js';
import { textOf } from '../repository/files.js';
import { adotd, ROOT } from '../support/cli.js';
import { SEED } from '../support/seed.js';
import { randomFrom } from '../zone/random-zone.js';

const MAIN = join(ROOT, 'dist/cli/main.js');
const ZONE = '@ SOA ns1 hostmaster 1 2h 1h 2w 5m\n@ NS ns1\nns1 A 127.0.0.1\nwww A 192.0.2.80\n';
const LINE = z.strictObject({
  address: z.string(),
  udp: z.number(),
  tcp: z.number(),
  tls: z.number(),
  ca: z.string(),
  ds: z.array(z.string()),
  pins: z.array(z.string()),
  tlsa: z.array(z.string()),
  pid: z.number(),
});

let folder: string;
let zone: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-'));
  mkdirSync(join(folder, 'tmp'));
  zone = join(folder, 'example.test.zone');
  writeFileSync(zone, ZONE);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Starts the command with a pipe for its standard input; its temporary files go to `folder`/tmp. */
async function fixture(...words: readonly string[]): Promise<{ child: ChildProcess; line: z.infer<typeof LINE> }> {
  const env = { ...process.env, TMPDIR: join(folder, 'tmp') };
  const child = spawn(process.execPath, [MAIN, 'fixture', ...words], { stdio: ['pipe', 'pipe', 'inherit'], env });
  const [text] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { child, line: LINE.parse(JSON.parse(text)) };
}

/** Starts the command for a conversation; `next` is the next reply. */
async function started(...words: readonly string[]) {
  const env = { ...process.env, TMPDIR: join(folder, 'tmp') };
  const stdio: ['pipe', 'pipe', 'inherit'] = ['pipe', 'pipe', 'inherit'];
  const child = spawn(process.execPath, [MAIN, 'fixture', ...words], { stdio, env, cwd: folder });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => JSON.parse((await lines.next()).value);
  LINE.parse(await next());
  return { child, next };
}

async function ended(child: ChildProcess): Promise<unknown> {
  const [status] = child.exitCode === null ? await once(child, 'close') : [child.exitCode];
  // Everything temporary would be there.
  expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
  return status;
}

describe('adotd fixture', () => {
  it('says where it answers and whom to trust, until its standard input is closed', async () => {
    const { child, line } = await fixture('--zone', `example.test=${zone}`);
    expect(line).toMatchObject({ address: '127.0.0.1', tcp: line.udp, pid: child.pid });
    const question = { name: 'www.example.test', type: textToType('A') ?? 0, class: 1 };
    const data = { message: { answers: [expect.objectContaining({ data: '192.0.2.80' })] } };
    const plain = { transport: 'udp', server: { address: line.address, port: line.udp } } as const;
    expect(await exchange(question, plain)).toMatchObject(data);
    const secure = { transport: 'tls', server: { address: line.address, port: line.tls } } as const;
    const verifications = [
      { kind: 'ca', ca: line.ca },
      { kind: 'pin', pins: line.pins },
    ] as const;
    for (const verification of verifications)
      expect(await exchange(question, { ...secure, tls: { verification } })).toMatchObject(data);
    expect(line.tlsa).toEqual([
      `3 1 1 ${Buffer.from(line.pins[0] ?? '', 'base64')
        .toString('hex')
        .toUpperCase()}`,
    ]);
    child.stdin?.end();
    expect(await ended(child)).toBe(0);
  });

  it('ends with the program that started it, however that ends', async () => {
    // The parent starts the command with a pipe to its standard input, says where it is, and is killed.
    const words = JSON.stringify([MAIN, 'fixture', '--zone', `example.test=${zone}`]);
    const program = `require('child_process').spawn(process.execPath, ${words}, { stdio: ['pipe', 'inherit', 'inherit'] })`;
    const parent = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [text] = (await once(createInterface(parent.stdout), 'line')) as [string];
    const { pid } = LINE.parse(JSON.parse(text));
    expect(() => process.kill(pid, 0)).not.toThrow();
    // Standard output is the fixture's too: it is closed when both have ended. (The process may go on as a zombie.)
    const closed = once(parent, 'close');
    parent.kill('SIGKILL');
    expect(await closed).toEqual([null, 'SIGKILL']);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('ends at %s', async (signal) => {
    const { child } = await fixture('--zone', `example.test=${zone}`);
    child.kill(signal);
    expect(await ended(child)).toBe(0);
  });

  it('is certified by other names, and goes on without a standard input, when told to', async () => {
    const { child, line } = await fixture('--zone', `example.test=${zone}`, '--tls-name', 'DNS', '--detached');
    child.stdin?.end();
    const question = { name: 'www.example.test', type: textToType('A') ?? 0, class: 1 };
    const server = { address: line.address, port: line.tls };
    for (let turn = 0; turn < 2; turn++) {
      const tls = { verification: { kind: 'ca', ca: line.ca, name: 'dns' } } as const;
      expect(await exchange(question, { transport: 'tls', server, tls })).toMatchObject({ message: { rcode: 0 } });
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    child.kill();
    expect(await ended(child)).toBe(0);
  });

  it('leaves TLS out, serves folders, listens where it is told, and writes the authority', async () => {
    const plain = await fixture('--zones', folder, '--no-tls', '--listen', '::1');
    expect(plain.line).toMatchObject({ address: '::1', tls: 0, ca: '', pins: [], tlsa: [] });
    plain.child.stdin?.end();
    expect(await ended(plain.child)).toBe(0);
    const file = join(folder, 'ca.pem');
    const { child, line } = await fixture('--zones', folder, '--ca-file', file);
    expect(readFileSync(file, 'latin1')).toBe(line.ca);
    expect(new X509Certificate(line.ca).ca).toBe(true);
    child.stdin?.end();
    expect(await ended(child)).toBe(0);
    expect(existsSync(file)).toBe(true);
  });

  it('lets go wrong what a file of faults says, and says what is wrong in that', async () => {
    const faults = join(folder, 'faults.yaml');
    writeFileSync(faults, '- { fault: rcode, rcode: SERVFAIL, name: www.example.test }\n');
    const { child, line } = await fixture('--zone', `example.test=${zone}`, '--faults', faults);
    const question = { name: 'www.example.test', type: textToType('A') ?? 0, class: 1 };
    const server = { address: line.address, port: line.udp };
    expect(await exchange(question, { transport: 'udp', server })).toMatchObject({ message: { rcode: 2 } });
    child.stdin?.end();
    expect(await ended(child)).toBe(0);
    writeFileSync(faults, '- { fault: explode }\n');
    const ran = await adotd('fixture', '--zone', `example.test=${zone}`, '--faults', faults);
    const message = expect.stringMatching(/^\S+faults\.yaml:1:5: fault: expected delay, /);
    expect(ran).toMatchObject({ status: 1, stdout: '', stderr: message });
    writeFileSync(faults, 'fault: drop\n');
    expect(() => readFaults(faults)).toThrow(/^\S+faults\.yaml:1:1: expected a list of rules/);
    writeFileSync(faults, '- {');
    expect(() => readFaults(faults)).toThrow(/^\S+faults\.yaml:1:\d+: not YAML: /);
  });

  it('says where the mistakes of a zone are', async () => {
    const broken = join(folder, 'broken.db');
    writeFileSync(broken, `${ZONE}bad A 192.0.2.256\n`);
    const { status, stdout, stderr } = await adotd('fixture', '--no-tls', '--zone', `example.test=${broken}`);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^example\.test:5:7: /m);
  });

  it.each([
    [['--zone', 'example.test'], 2, 'adotd fixture: --zone: found example.test, expected NAME=FILE\n'],
    [
      ['--zone', 'a.test=package.json', '--zone', 'a.test=package.json'],
      2,
      'adotd fixture: --zone: a.test is given twice, expected each zone once\n',
    ],
    [['--seed', 'x'], 2, 'adotd fixture: --seed: found x, expected a number from 0 to 999999999\n'],
    [
      ['example.test'],
      2,
      'adotd fixture: unexpected example.test; zones are given by --zone NAME=FILE, a command to run behind --\n',
    ],
    [['--zones', '.', '--port', '70000'], 2, 'adotd fixture: --port: found 70000, expected a number from 0 to 65535\n'],
    [['--zone', 'a.test=no/file'], 1, 'adotd: cannot read no/file: no such file or directory [ADOTD_FILE]\n'],
  ])('refuses %j', async (words, status, stderr) => {
    expect(await adotd('fixture', ...words)).toEqual({ status, stdout: '', stderr });
  });

  it('does what its standard input says, one line for each', async () => {
    const { child, next } = await started();
    const commands = [
      { command: 'set-zone', zone: 'example.test', text: 'www A 192.0.2.1', id: 1 },
      { command: 'set-zone', zone: 'example.test', file: zone, id: 2 },
      { command: 'set-zone', zone: 'example.test', text: 'www A 192.0.2.256', id: 3 },
      { command: 'wait-for-query', match: { transport: 'tls' }, id: 'later' },
      { command: 'facts', id: 4 },
    ];
    // In pieces that are not lines.
    const text = Buffer.from(commands.map((command) => `${JSON.stringify(command)}\n`).join(''));
    for (let at = 0; at < text.length; at += 50) child.stdin.write(text.subarray(at, at + 50));
    expect([await next(), await next()]).toEqual([
      { id: 1, ok: true },
      { id: 2, ok: true },
    ]);
    expect(await next()).toMatchObject({
      id: 3,
      ok: false,
      error: { code: 'ADOTD_ZONE_INVALID', line: 3, diagnostics: [{ file: 'example.test', line: 1, column: 7 }] },
    });
    const { facts } = (await next()) as { facts: { address: string; tls: number; ca: string; addresses: string[] } };
    expect(facts).toMatchObject({ address: '127.0.0.1', addresses: ['127.0.0.1'], pid: child.pid });
    const tls = { verification: { kind: 'ca', ca: facts.ca } } as const;
    const server = { address: facts.address, port: facts.tls };
    const question = { name: 'www.example.test', type: textToType('A') ?? 0, class: 1 };
    await exchange(question, { transport: 'tls', server, tls });
    expect(await next()).toMatchObject({ id: 'later', query: { transport: 'tls', tls: { version: 'TLSv1.3' } } });
    child.stdin.write('{"command":"close","id":5}\n{"command":"queries"}\n');
    expect(await next()).toEqual({ id: 5, ok: true });
    expect(await ended(child)).toBe(0);
  });

  it('draws chance from the seed', async () => {
    const rule = { fault: 'rcode', probability: 0.5 } as const;
    const codes = async ({ address, udp: port }: { readonly address: string; readonly udp: number }) => {
      const question = { name: 'www.example.test', type: textToType('A') ?? 0, class: 1 };
      let text = '';
      for (let i = 0; i < 24; i++) {
        text += (await exchange(question, { transport: 'udp', server: { address, port } })).message.rcode;
      }
      return text;
    };
    /** What a server of this process draws. */
    const expected = async (seed: number): Promise<string> => {
      await using server = await startServer({ zones: { 'example.test': ZONE }, faults: [rule], seed });
      return await codes(server);
    };
    const { child, next } = await started('--seed', '7', '--zone', `example.test=${zone}`);
    child.stdin.write(`${JSON.stringify({ command: 'add-faults', faults: [rule] })}\n{"command":"facts"}\n`);
    await next();
    const { facts } = (await next()) as { facts: { address: string; udp: number } };
    const drawn = await codes(facts);
    expect(drawn).toBe(await expected(7));
    expect(drawn).not.toBe(await expected(8));
    child.stdin.end();
    expect(await ended(child)).toBe(0);
  });

  it('ends with its standard input in the middle of a command, and in that of a wait', async () => {
    const { child, next } = await started();
    child.stdin.write('{"command":"wait-for-query","timeout":3600000}\n{"command":"queries"}\n');
    await next();
    child.stdin.end('{"command":"set-zone","zone":"example.test","text":"www A');
    expect(await ended(child)).toBe(0);
  });

  it('ends when nobody reads its standard output any more', async () => {
    const { child } = await started();
    child.stdout.destroy();
    // The first may still fit into the pipe.
    const asking = setInterval(() => child.stdin.write('{"command":"facts"}\n'), 10);
    child.stdin.on('error', () => {});
    expect(await ended(child)).toBe(0);
    clearInterval(asking);
  });

  it('ends with its standard input although its standard output is full', async () => {
    const { child } = await started();
    child.stdout.pause();
    // More than a pipe and what Node.js reads ahead: the replies have a kilobyte each.
    child.stdin.write('{"command":"facts"}\n'.repeat(20_000));
    while (child.stdout.readableLength < child.stdout.readableHighWaterMark) await nextTurn();
    child.stdin.end();
    const [status] = (await once(child, 'exit')) as [number];
    expect(status).toBe(0);
    child.stdout.destroy();
  });

  it('outlives any octets, and 10 MB without a newline', async () => {
    const random = randomFrom(SEED);
    const { child, next } = await started();
    const octets = Buffer.from(Array.from({ length: 100_000 }, () => Math.floor(random() * 256)));
    const count = octets.filter((octet) => octet === 0x0a).length;
    child.stdin.write(Buffer.concat([octets, Buffer.from('\n'), Buffer.alloc(10_000_000, '{'), Buffer.from('\n')]));
    for (let i = 0; i <= count; i++) {
      expect(await next(), `seed ${SEED}`).toMatchObject({ ok: false, error: { code: 'ADOTD_CONFIG', line: i + 1 } });
    }
    const message = expect.stringMatching(/^longer than 8388608 octets, .*; give a long zone as "file"$/);
    expect(await next()).toEqual({ ok: false, error: { code: 'ADOTD_CONFIG', message, line: count + 2 } });
    child.stdin.write('{"command":"queries"}\n');
    expect(await next()).toEqual({ ok: true, queries: [] });
    child.stdin.end();
    expect(await ended(child)).toBe(0);
  });

  it('does what its handbook shows', async () => {
    const text = textOf('docs/testing.md');
    const lines = (/^```jsonl\n(.*?)^```$/ms.exec(text)?.[1] ?? '').split('\n').filter((line) => line !== '');
    const commands = lines.map((line) => JSON.parse(line) as { command: string });
    expect([...new Set(commands.map(({ command }) => command))].sort()).toEqual([...COMMAND_NAMES].sort());
    const { stdout: help } = await adotd('fixture', '--help');
    for (const name of COMMAND_NAMES) expect(help).toContain(name);
    const { child, next } = await started();
    for (const [index, line] of lines.entries()) {
      child.stdin.write(`${line}\n`);
      if (commands[index]?.command !== 'wait-for-query') expect(await next(), line).toMatchObject({ ok: true });
    }
    expect(await ended(child)).toBe(0);
  });

  it('takes settings from a configuration, which its options override, and zones with errors when told to', async () => {
    mkdirSync(join(folder, 'more'), { recursive: true });
    writeFileSync(join(folder, 'more/more.test.zone'), ZONE);
    const config = join(folder, 'adotd.yaml');
    writeFileSync(
      config,
      'listen: ["::1"]\nport: 1\ntls: { padding: never }\nzones: { folder: more }\nedns: { version: 1 }\n',
    );
    const misspelt = await adotd('fixture', '--config', config);
    expect(misspelt).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^\S+adotd\.yaml:5:1: edns: unknown key/),
    });
    // The last key is one of an earlier version.
    writeFileSync(
      config,
      'listen: ["::1"]\nport: 1\ntls: { padding: never }\nzones: { folder: more }\nstarttls: { record_per_message: true }\n',
    );
    const broken = join(folder, 'broken.db');
    writeFileSync(broken, 'bad A 192.0.2.256\n');
    const { child, line } = await fixture(
      '--config',
      config,
      '--port',
      '0',
      '--zone',
      `bad.test=${broken}`,
      '--lenient',
    );
    expect(line).toMatchObject({ address: '::1', tls: expect.any(Number), ca: expect.stringContaining('CERTIFICATE') });
    const ask = (name: string): ReturnType<typeof exchange> => {
      const question = { name, type: textToType('A') ?? 0, class: 1 };
      return exchange(question, { transport: 'udp', server: { address: line.address, port: line.udp } });
    };
    expect(await ask('www.more.test')).toMatchObject({ message: { rcode: 0, answers: [{ data: '192.0.2.80' }] } });
    expect(await ask('www.bad.test')).toMatchObject({ message: { rcode: 2 } });
    child.stdin?.end();
    expect(await ended(child)).toBe(0);
  });
});
