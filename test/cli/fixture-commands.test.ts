import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PassThrough, Writable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COMMAND_NAMES } from '../../src/cli/fixture-commands.js';
import { converse } from '../../src/cli/fixture-conversation.js';
import { FollowedZones, readText } from '../../src/cli/fixture-files.js';
import { runCommands } from '../../src/cli/fixture-session.js';
import { FAULTS } from '../../src/fixture/fault-table.js';
import { type RunningServer, type StartOptions, startServer } from '../../src/index.js';
import { queryTcp, queryUdp } from '../support/query.js';
import { randomFrom } from '../zone/random-zone.js';

type Fields = Record<string, unknown>;

/** A fixture whose standard input and output are in memory. */
class Session implements AsyncDisposable {
  readonly input = new PassThrough();
  readonly replies: Fields[] = [];
  readonly done: Promise<void>;
  readonly server: RunningServer;
  #came = (): void => {};

  constructor(server: RunningServer, files: FollowedZones) {
    const output = new PassThrough();
    this.server = server;
    createInterface(output).on('line', (line) => {
      this.replies.push(JSON.parse(line) as Fields);
      this.#came();
    });
    const facts = () => ({ udp: server.udp, pid: 1 });
    this.done = runCommands(converse(this.input, output), { server, files, facts });
  }

  send(...commands: readonly unknown[]): void {
    for (const command of commands) {
      this.input.write(`${typeof command === 'string' ? command : JSON.stringify(command)}\n`);
    }
  }

  /** Replies, once there are so many. */
  async count(count: number): Promise<Fields[]> {
    while (this.replies.length < count) {
      await new Promise<void>((resolve) => {
        this.#came = resolve;
      });
    }
    return this.replies;
  }

  /** The reply to one command. */
  async ask(command: unknown): Promise<Fields> {
    const before = this.replies.length;
    this.send(command);
    return (await this.count(before + 1))[before] ?? {};
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.input.end();
    await this.done;
    await this.server.close();
  }
}

async function open(options: StartOptions = {}, files: Readonly<Record<string, string>> = {}): Promise<Session> {
  const followed = new FollowedZones();
  const zones = Object.fromEntries(
    Object.entries(files).map(([name, file]) => {
      followed.follow(name, file, readText(file));
      return [name, readText(file)];
    }),
  );
  return new Session(await startServer({ tls: false, ...options, zones: { ...options.zones, ...zones } }), followed);
}

const data = async ({ server }: Session, name: string): Promise<unknown[]> =>
  ((await queryUdp(server, name)).answers ?? []).map((answer) => ('data' in answer ? answer.data : undefined));

const ZONES = { 'example.test': 'www A 192.0.2.1' };
const zone = 'example.test';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('the commands of adotd fixture', () => {
  it('set and remove zones, given as text, records or a file', async () => {
    await using session = await open();
    expect(await session.ask({ command: 'set-zone', zone, text: 'www A 192.0.2.1', id: 1 })).toEqual({
      id: 1,
      ok: true,
    });
    expect(await data(session, 'www.example.test')).toEqual(['192.0.2.1']);
    const records = [
      { name: 'www.example.test', type: 'A', ttl: 60, data: '192.0.2.2' },
      { name: 'example.test', type: 'MX', data: { preference: 10, exchange: 'mail.example.test' } },
    ];
    expect(await session.ask({ command: 'set-zone', zone, records })).toEqual({ ok: true });
    expect(await data(session, 'www.example.test')).toEqual(['192.0.2.2']);
    const file = join(folder, 'zone');
    writeFileSync(file, 'www A 192.0.2.3\n');
    expect(await session.ask({ command: 'set-zone', zone, file })).toEqual({ ok: true });
    expect(await data(session, 'www.example.test')).toEqual(['192.0.2.3']);
    expect(await session.ask({ command: 'remove-zone', zone: 'EXAMPLE.test.' })).toEqual({ ok: true });
    expect((await queryUdp(session.server, 'www.example.test')).rcode).toBe('REFUSED');
  });

  it('add and remove records', async () => {
    await using session = await open({ zones: ZONES });
    expect(await session.ask({ command: 'add-record', zone, record: 'www 60 A 192.0.2.2' })).toEqual({ ok: true });
    const record = { name: 'www.example.test', type: 'A', data: '192.0.2.3' };
    expect(await session.ask({ command: 'add-record', zone, record })).toEqual({ ok: true });
    expect((await data(session, 'www.example.test')).sort()).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.3']);
    expect(await session.ask({ command: 'remove-record', zone, record })).toEqual({ ok: true, removed: 1 });
    const rest = { name: 'www.example.test' };
    expect(await session.ask({ command: 'remove-record', zone, record: rest })).toEqual({ ok: true, removed: 2 });
    expect(await session.ask({ command: 'remove-record', zone, record: rest })).toEqual({ ok: true, removed: 0 });
    expect((await queryUdp(session.server, 'www.example.test')).rcode).toBe('NXDOMAIN');
  });

  it('add and clear faults', async () => {
    await using session = await open({ zones: ZONES });
    const faults = [
      { fault: 'rcode', rcode: 'NOTIMP', name: 'www.example.test' },
      { fault: 'truncate', transport: 'udp' },
    ];
    expect(await session.ask({ command: 'add-faults', faults })).toEqual({ ok: true });
    expect(await queryUdp(session.server, 'www.example.test')).toMatchObject({ rcode: 'NOTIMP', flag_tc: true });
    expect(await queryTcp(session.server, 'www.example.test')).toMatchObject({ rcode: 'NOTIMP', flag_tc: false });
    expect(await session.ask({ command: 'clear-faults' })).toEqual({ ok: true });
    expect(await queryUdp(session.server, 'www.example.test')).toMatchObject({ rcode: 'NOERROR', flag_tc: false });
  });

  it('show and clear what was asked, every field of it', async () => {
    await using session = await open({ zones: ZONES, faults: [{ fault: 'truncate', nth: 1 }] });
    await queryUdp(session.server, 'WWW.example.test');
    const { queries } = await session.ask({ command: 'queries', id: 'a' });
    expect(queries).toEqual([
      {
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        transport: 'udp',
        client: { address: '127.0.0.1', port: expect.any(Number) },
        connection: 0,
        tls: null,
        id: 4711,
        name: 'WWW.example.test',
        type: 'A',
        class: 'IN',
        edns: null,
        size: 34,
        rcode: 'NOERROR',
        truncated: false,
        faults: ['truncate'],
      },
    ]);
    expect(await session.ask({ command: 'clear-queries' })).toEqual({ ok: true });
    expect(await session.ask({ command: 'queries' })).toEqual({ ok: true, queries: [] });
  });

  it('wait for a query that came or comes, without holding up later commands', async () => {
    await using session = await open({ zones: ZONES });
    session.send({ command: 'wait-for-query', id: 'wait', match: { name: 'WWW.example.test.', transport: 'udp' } });
    session.send({ command: 'queries', id: 'after' }, { command: 'clear-faults', id: 'too' });
    expect((await session.count(2)).map(({ id }) => id)).toEqual(['after', 'too']);
    await queryTcp(session.server, 'www.example.test');
    await queryUdp(session.server, 'www.example.test');
    expect((await session.count(3))[2]).toMatchObject({ id: 'wait', ok: true, query: { transport: 'udp', type: 'A' } });
    // In their order, where there is nothing to wait for.
    session.send({ command: 'wait-for-query', id: 1 }, { command: 'clear-queries', id: 2 });
    expect((await session.count(5)).slice(3)).toMatchObject([{ id: 1, query: { transport: 'tcp' } }, { id: 2 }]);
  });

  it('wait no longer than they are told', async () => {
    await using session = await open({ zones: ZONES });
    session.send(
      { command: 'wait-for-query', id: 1, timeout: 20 },
      { command: 'wait-for-query', match: { type: 'MX' }, timeout: 40 },
    );
    const replies = await session.count(2);
    const message = 'no query {} came within 20 ms; the last queries: none';
    expect(replies.find(({ id }) => id === 1)).toEqual({
      id: 1,
      ok: false,
      error: { code: 'ADOTD_TIMEOUT', message, line: 1 },
    });
    expect(replies.find(({ id }) => id === undefined)).toMatchObject({ error: { code: 'ADOTD_TIMEOUT', line: 2 } });
  });

  it('wait at most a thousand at a time', async () => {
    await using session = await open();
    session.send(...Array.from({ length: 1001 }, (_, id) => ({ command: 'wait-for-query', id })));
    expect(await session.count(1)).toMatchObject([
      { id: 1000, ok: false, error: { code: 'ADOTD_CONFIG', line: 1001 } },
    ]);
    await queryUdp(session.server, 'a.test');
    const ids = (await session.count(1001)).slice(1).map(({ id }) => id);
    expect(ids).toEqual(Array.from({ length: 1000 }, (_, id) => id));
    expect(await session.ask({ command: 'wait-for-query' })).toMatchObject({ ok: true });
  });

  it('load files anew: zones follow theirs until something else is made of them', async () => {
    const [own, changed, zones] = [join(folder, 'own'), join(folder, 'changed'), join(folder, 'zones')];
    mkdirSync(zones);
    const inFolder = join(zones, 'folder.test.zone');
    const write = (address: string): void => {
      for (const file of [own, changed]) writeFileSync(file, `www A ${address}\n`);
      writeFileSync(inFolder, `@ 60 SOA ns h 1 1 1 1 1\n@ 60 NS ns\nns 60 A 127.0.0.1\nwww 60 A ${address}\n`);
    };
    write('192.0.2.1');
    await using session = await open({ folder: zones }, { 'own.test': own, 'changed.test': changed });
    await session.ask({ command: 'add-record', zone: 'changed.test', record: 'more A 192.0.2.9' });
    write('192.0.2.2');
    expect(await session.ask({ command: 'reload' })).toEqual({ ok: true });
    expect(await data(session, 'www.own.test')).toEqual(['192.0.2.2']);
    expect(await data(session, 'www.changed.test')).toEqual(['192.0.2.1']);
    expect(await data(session, 'www.folder.test')).toEqual(['192.0.2.2']);
    // What has not changed is not loaded: the serial that was supplied is the same.
    const serial = (): Promise<unknown> => queryUdp(session.server, 'own.test', 'SOA').then(({ answers }) => answers);
    const before = await serial();
    expect(await session.ask({ command: 'reload' })).toEqual({ ok: true });
    expect(await serial()).toEqual(before);
  });

  it('load files anew, each zone for itself, and say what was wrong as long as it is', async () => {
    const files = { 'a.test': join(folder, 'a'), 'b.test': join(folder, 'b'), 'c.test': join(folder, 'c') };
    for (const file of Object.values(files)) writeFileSync(file, 'www A 192.0.2.1\n');
    const zones = join(folder, 'zones');
    mkdirSync(zones);
    const soa = '@ 60 SOA ns h 1 1 1 1 1\n@ 60 NS ns\nns 60 A 127.0.0.1\n';
    writeFileSync(join(zones, 'd.test.zone'), soa);
    await using session = await open({ folder: zones }, files);
    writeFileSync(files['a.test'], 'www A 192.0.2.256\n');
    rmSync(files['b.test']);
    writeFileSync(files['c.test'], 'www A 192.0.2.2\n');
    writeFileSync(join(zones, 'd.test.zone'), `${soa}bad A\n`);
    const reply = {
      ok: false,
      error: {
        code: 'ADOTD_ZONE_INVALID',
        message: expect.stringMatching(
          /^a\.test:1:7: .*\ncannot read \S+b: no such file or directory\n\S+d\.test\.zone:4:/,
        ),
        diagnostics: [
          { file: 'a.test', line: 1, column: 7 },
          { file: join(zones, 'd.test.zone'), line: 4 },
        ],
      },
    };
    expect(await session.ask({ command: 'reload' })).toMatchObject(reply);
    expect(await data(session, 'www.a.test')).toEqual(['192.0.2.1']);
    expect(await data(session, 'www.c.test')).toEqual(['192.0.2.2']);
    expect(await session.ask({ command: 'reload' })).toMatchObject(reply);
    for (const file of [files['a.test'], files['b.test']]) writeFileSync(file, 'www A 192.0.2.3\n');
    rmSync(zones, { recursive: true });
    // It stands in the way of all.
    expect(await session.ask({ command: 'reload' })).toMatchObject({
      error: { code: 'ADOTD_FILE', message: expect.stringMatching(/^cannot read the zones folder [^\n]+$/) },
    });
    expect(await session.ask({ command: 'set-zone', zone, text: '' })).toMatchObject({ error: { code: 'ADOTD_FILE' } });
    expect(await data(session, 'www.a.test')).toEqual(['192.0.2.1']);
    mkdirSync(zones);
    expect(await session.ask({ command: 'reload' })).toEqual({ ok: true });
    for (const name of ['www.a.test', 'www.b.test']) expect(await data(session, name)).toEqual(['192.0.2.3']);
    expect((await queryUdp(session.server, zone)).rcode).toBe('REFUSED');
  });

  it('say the facts again, and end all', async () => {
    const session = await open();
    const { udp } = session.server;
    expect(await session.ask({ command: 'facts' })).toEqual({
      ok: true,
      facts: { udp, pid: 1, addresses: ['127.0.0.1'] },
    });
    session.send({ command: 'close', id: 1 }, { command: 'facts' });
    await session.done;
    expect((await session.count(2))[1]).toEqual({ id: 1, ok: true });
    await session.server.close();
    expect(session.replies).toHaveLength(2);
  });
});

describe('what is no command', () => {
  it.each<[string, unknown, string, RegExp]>([
    ['nothing', '', 'CONFIG', /^not JSON.*: found nothing, expected an object such as {"command":"queries"}$/],
    ['half an object', '{"command":"que', 'CONFIG', /^not JSON.*: found {"command":"que, expected/],
    ['two values', '{} {}', 'CONFIG', /^not JSON at column 4: found {} {}, expected/],
    ['a list', [], 'CONFIG', /^found \[\], expected an object/],
    ['null', null, 'CONFIG', /^found null, expected an object/],
    ['no command', {}, 'CONFIG', /^command: missing; expected one of set-zone, remove-zone, add-record, .*, close$/],
    ['one that is mistyped', { command: 'set-zoen' }, 'CONFIG', /^command: found "set-zoen"; did you mean set-zone\?$/],
    ['one that nobody knows', { command: '?' }, 'CONFIG', /^command: found "\?"; expected one of set-zone, /],
    ['one of every object', { command: 'constructor' }, 'CONFIG', /^command: found "constructor"; expected one of/],
    ['one that is a number', { command: 1 }, 'CONFIG', /^command: found 1; expected one of/],
    [
      'a key of no command',
      { command: 'queries', matches: {} },
      'CONFIG',
      /^matches: unknown key; known are command, id$/,
    ],
    [
      'a key that is mistyped',
      { command: 'remove-zone', zoen: '' },
      'CONFIG',
      /^zone: missing.*\nzoen: unknown key; did you mean zone\?$/s,
    ],
    ['a key of every object', '{"command":"queries","__proto__":1}', 'CONFIG', /^__proto__: unknown key/],
    [
      'an id that is none',
      { command: 'queries', id: {} },
      'CONFIG',
      /^id: found {}, expected a number, or text of at most 200/,
    ],
    ['a zone that is no text', { command: 'remove-zone', zone: 1 }, 'CONFIG', /^zone: found 1, expected text$/],
    ['a name that is none', { command: 'set-zone', zone: 'a..b', text: '' }, 'PRESENTATION', /a\.\.b/],
    ['no records', { command: 'set-zone', zone }, 'CONFIG', /^found no records, expected one of text, records, file$/],
    [
      'both',
      { command: 'set-zone', zone, text: '', records: [] },
      'CONFIG',
      /^found text and records, expected one of/,
    ],
    [
      'a file that is not there',
      { command: 'set-zone', zone, file: '/none' },
      'FILE',
      /^cannot read \/none: no such file/,
    ],
    [
      'a record with a key too many',
      { command: 'set-zone', zone, records: [{ name: '', type: 'A', date: 1 }] },
      'CONFIG',
      /^records\[0\]\.date: unknown key; did you mean data\?$/,
    ],
    [
      'a record without a type',
      { command: 'set-zone', zone, records: [{ name: '' }] },
      'CONFIG',
      /^records\[0\]\.type: missing; expected text$/,
    ],
    [
      'what cannot be encoded',
      { command: 'set-zone', zone, records: [{ name: 'a', type: 'NOPE' }] },
      'ZONE_SYNTAX',
      / is no record: /,
    ],
    [
      'a record of another zone',
      { command: 'add-record', zone, record: 'a.test. A 192.0.2.1' },
      'ZONE_INVALID',
      /a\.test/,
    ],
    [
      'a record that is none',
      { command: 'add-record', zone, record: 'www A' },
      'ZONE_SYNTAX',
      /"www A" is no record: /,
    ],
    [
      'a record that is a number',
      { command: 'add-record', zone, record: 1 },
      'CONFIG',
      /^record: found 1, expected a line of a zone file, or/,
    ],
    [
      'a zone that is not there',
      { command: 'add-record', zone: 'b.test', record: 'a A 192.0.2.1' },
      'ZONE_INVALID',
      /^there is no zone b\.test\.$/,
    ],
    [
      'what cannot be removed',
      { command: 'remove-record', zone, record: {} },
      'CONFIG',
      /^record: found {}, expected a line .* or {"name": …} with or/,
    ],
    [
      'the SOA taken away',
      { command: 'remove-record', zone, record: { name: zone, type: 'SOA' } },
      'ZONE_INVALID',
      /SOA/,
    ],
    ['no rules', { command: 'add-faults' }, 'CONFIG', /^faults: missing; expected a list$/],
    [
      'rules that are none',
      { command: 'add-faults', faults: [] },
      'CONFIG',
      /^faults: found \[\], expected at least 1$/,
    ],
    [
      'a rule with a mistake',
      { command: 'add-faults', faults: [{ fault: 'drop' }, { fault: 'dorp' }] },
      'CONFIG',
      /^faults\[1\]\.fault: expected delay, drop/,
    ],
    ['a rule that is none', { command: 'add-faults', faults: [null] }, 'CONFIG', /^faults\[0\]: /],
    [
      'a match of nothing',
      { command: 'wait-for-query', match: { nmae: '' } },
      'CONFIG',
      /^match\.nmae: unknown key; did you mean name\?$/,
    ],
    [
      'a transport that is none',
      { command: 'wait-for-query', match: { transport: 'quic' } },
      'CONFIG',
      /^match\.transport: found "quic", expected udp or tcp or/,
    ],
    [
      'a timeout that is none',
      { command: 'wait-for-query', timeout: -1 },
      'CONFIG',
      /^timeout: found -1, expected at least 0$/,
    ],
  ])('is refused, with the remedy, and nothing has changed: %s', async (_what, command, code, message) => {
    await using session = await open({ zones: ZONES });
    const before = (await queryUdp(session.server, zone, 'SOA')).answers;
    session.server.clearQueries();
    await session.ask({ command: 'clear-queries' });
    const id =
      typeof command === 'object' && command !== null && !Array.isArray(command) && !('id' in command) ? 7 : undefined;
    const sent = id === undefined ? command : { id, ...(command as object) };
    const expected = { ok: false, error: { code: `ADOTD_${code}`, message: expect.stringMatching(message), line: 2 } };
    const reply = await session.ask(sent);
    expect(reply).toMatchObject(id === undefined ? expected : { id, ...expected });
    expect(await session.ask({ command: 'queries' })).toEqual({ ok: true, queries: [] });
    expect((await queryUdp(session.server, zone, 'SOA')).answers).toEqual(before);
    expect(await data(session, 'www.example.test')).toEqual(['192.0.2.1']);
  });

  it('is told with the places of all mistakes of a zone', async () => {
    await using session = await open({ zones: ZONES });
    const text = 'a A 192.0.2.256\nb AAAA 192.0.2.1\nwww A 192.0.2.2';
    expect(await session.ask({ command: 'set-zone', zone, text })).toMatchObject({
      error: {
        code: 'ADOTD_ZONE_INVALID',
        diagnostics: [
          { line: 1, column: 5 },
          { line: 2, column: 8 },
        ],
      },
    });
    expect(await data(session, 'www.example.test')).toEqual(['192.0.2.1']);
  });

  it.each<[string, string, RegExp]>([
    [
      'an id that is deep',
      `{"command":"queries","id":${'['.repeat(1e5)}${']'.repeat(1e5)}}`,
      /^nested deeper than 16 levels$/,
    ],
    [
      'data that are deep',
      `{"command":"set-zone","zone":"","records":[{"name":"","type":"TXT","data":${'['.repeat(1e5)}${']'.repeat(1e5)}}]}`,
      /^nested deeper than 16 levels$/,
    ],
    ['a long name', JSON.stringify({ command: 'set-zone', zone: 'e'.repeat(1e6), text: '' }), /^"eee.{1,7998}…$/s],
    ['a long key', JSON.stringify({ command: 'queries', ['k'.repeat(1e6)]: 1 }), /^k{1,8000}…$/],
    [
      'many mistakes',
      JSON.stringify({ command: 'set-zone', zone, records: Array(20_000).fill({ name: '.' }) }),
      /^records\[0\]\.type: missing; expected text\n.{1,7970}…$/s,
    ],
    [
      'many rules',
      JSON.stringify({ command: 'add-faults', faults: Array(10_001).fill(0) }),
      /^faults: found \[0,0.*at most 10000/,
    ],
    [
      'a long match',
      JSON.stringify({ command: 'wait-for-query', match: { name: 'a'.repeat(1e6) } }),
      /^match\.name: found "aaa.*…, expected a domain name$/,
    ],
  ])('is told shortly, however long or deep it is: %s', async (_what, line, message) => {
    await using session = await open();
    const { error } = await session.ask(line);
    expect(error).toMatchObject({ message: expect.stringMatching(message) });
    expect(JSON.stringify(error).length).toBeLessThan(20_000);
    expect(await session.ask({ command: 'queries' })).toMatchObject({ ok: true });
  });

  it('is no zone of very many lines', async () => {
    await using session = await open();
    const text = '  www A 192.0.2.1\n'.repeat(300_000);
    expect(await session.ask({ command: 'set-zone', zone, text })).toEqual({ ok: true });
  });

  it('is any other values: none ends it', async () => {
    const seed = Date.now() >>> 0;
    const random = randomFrom(seed);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
    const odd = [
      null,
      true,
      -1,
      0,
      1.5,
      2 ** 53,
      -1e300,
      '',
      '.',
      '..',
      '\0',
      '\ud800',
      '*',
      '\\',
      '\\256',
      'ä'.repeat(80),
      'IN',
      [],
      [[]],
      {},
    ];
    const names = ['example.test', 'www.example.test.', '.', 'constructor', '__proto__', 'a'.repeat(70)];
    const types = [
      'A',
      'AAAA',
      'TXT',
      'SOA',
      'SRV',
      'MX',
      'OPT',
      'CAA',
      'DNSKEY',
      'NSEC',
      'UNKNOWN_5',
      'TYPE65',
      'constructor',
      'toString',
    ];
    const value = (depth = 0): unknown => {
      const kind = random();
      if (kind < 0.5 || depth > 3) return pick(random() < 0.6 ? [...names, ...types] : odd);
      if (kind < 0.7) return Array.from({ length: Math.floor(random() * 3) }, () => value(depth + 1));
      const keys = [
        'name',
        'type',
        'data',
        'ttl',
        'class',
        'fault',
        'rcode',
        'nth',
        'answer',
        'transport',
        'preference',
        'exchange',
        'flags',
        'x',
      ];
      return Object.fromEntries(keys.filter(() => random() < 0.3).map((key) => [key, value(depth + 1)]));
    };
    const record = (): unknown => ({ name: pick(names), type: pick(types), ...(random() < 0.8 && { data: value() }) });
    const rule = (): unknown => ({
      fault: pick(Object.keys(FAULTS)),
      ...(random() < 0.7 && { [pick(['nth', 'name', 'type', 'octets', 'answer'])]: value() }),
    });
    await using session = await open({ zones: ZONES });
    for (let round = 0; round < 1500; round++) {
      session.send({
        command: pick(COMMAND_NAMES.filter((name) => name !== 'close')),
        ...(random() < 0.8 && { zone: pick(names) }),
        ...(random() < 0.3 && { text: pick(['', 'www A 192.0.2.1', '@ NS', pick(names)]) }),
        ...(random() < 0.3 && { records: [record(), record()] }),
        ...(random() < 0.4 && { record: random() < 0.8 ? record() : value() }),
        ...(random() < 0.3 && { faults: [rule()] }),
        ...(random() < 0.2 && { match: value() }),
        ...(random() < 0.3 && { timeout: 0 }),
        ...(random() < 0.1 && { id: value() }),
      });
    }
    session.send({ command: 'clear-faults', id: 'last' });
    await Promise.race([session.done, session.count(1501)]).catch((error: unknown) => {
      throw new Error(`seed ${seed}`, { cause: error });
    });
    // Waits may be answered behind it.
    expect(
      session.replies.filter(({ id }) => id === 'last'),
      `seed ${seed}`,
    ).toMatchObject([{ ok: true }]);
  });

  it('is a line without an end, of which no more is kept than a command may have', async () => {
    await using session = await open();
    for (let i = 0; i < 160; i++) session.input.write(Buffer.alloc(65_536, '['));
    const message = 'longer than 8388608 octets, what follows of it was not read; give a long zone as "file"';
    expect(await session.count(1)).toEqual([{ ok: false, error: { code: 'ADOTD_CONFIG', message, line: 1 } }]);
    session.input.write('\n');
    expect(await session.ask({ command: 'queries' })).toEqual({ ok: true, queries: [] });
    expect(session.replies).toHaveLength(2);
  });

  it('is any other octets: each line gets a reply, and the next command is run', async () => {
    const seed = Date.now() >>> 0;
    const random = randomFrom(seed);
    const pick = (count: number): number => Math.floor(random() * count);
    await using session = await open({ zones: ZONES });
    const samples = [
      { command: 'set-zone', zone, text: 'www A 192.0.2.1\n@ MX 10 mail' },
      {
        command: 'set-zone',
        zone,
        records: [{ name: 'www.example.test', type: 'SRV', ttl: 1, data: { port: 1, target: 'a' } }],
      },
      { command: 'add-record', zone, record: 'www 60 TXT "a" \\# 1 00' },
      { command: 'remove-record', zone, record: { name: 'www.example.test', type: 'A', data: '192.0.2.1' } },
      { command: 'add-faults', faults: [{ fault: 'delay', milliseconds: 1, nth: [1] }] },
      { command: 'wait-for-query', match: { name: 'a', type: 'A' }, timeout: 0 },
      { command: 'remove-zone', zone, id: 1 },
    ].map((command) => Buffer.from(JSON.stringify(command)));
    let sent = 0;
    for (let round = 0; round < 1500; round++) {
      let line = Buffer.from(samples[pick(samples.length)]!);
      if (random() < 0.2) line = Buffer.from(Array.from({ length: pick(200) }, () => pick(256)));
      for (let times = pick(4); times > 0 && line.length > 1; times--) {
        const at = pick(line.length);
        // Another octet, or one that JSON or zones know; a piece taken out; a piece twice.
        const kind = pick(4);
        if (kind === 0) line[at] = pick(256);
        else if (kind === 1) line[at] = '"{}[]:,\\ 09-.eA@'.charCodeAt(pick(16));
        else if (kind === 2) line = Buffer.concat([line.subarray(0, at), line.subarray(at + 1 + pick(8))]);
        else line = Buffer.concat([line.subarray(0, at), line.subarray(pick(at + 1))]);
      }
      session.input.write(Buffer.concat([line, Buffer.from('\n')]));
      sent += 1 + line.filter((octet) => octet === 0x0a).length;
    }
    session.send({ command: 'queries', id: 'last' });
    const replies = await session.count(sent + 1).catch((error: unknown) => {
      throw new Error(`seed ${seed}: ${error}`);
    });
    expect(
      replies.find(({ id }) => id === 'last'),
      `seed ${seed}`,
    ).toMatchObject({ ok: true });
    const codes = replies.flatMap(({ ok, error }) => (ok ? [] : [Reflect.get(error as object, 'code')]));
    for (const code of codes) expect(code, `seed ${seed}`).toMatch(/^ADOTD_[A-Z_]+$/);
    expect(codes.length, `seed ${seed}`).toBeGreaterThan(300);
    expect(codes.length, `seed ${seed}`).toBeLessThan(sent);
  });
});

describe('a conversation', () => {
  it('has the replies to thousands of commands in their order', async () => {
    await using session = await open({ zones: ZONES });
    const commands = Array.from({ length: 6000 }, (_, id) =>
      id % 500 === 0 ? { command: 'add-record', zone, record: `r${id} A 192.0.2.1`, id } : { command: 'queries', id },
    );
    session.input.write(commands.map((command) => `${JSON.stringify(command)}\n`).join(''));
    const replies = await session.count(6000);
    expect(replies.map(({ id }) => id)).toEqual(commands.map(({ id }) => id));
    expect(replies.every(({ ok }) => ok)).toBe(true);
    expect(await data(session, 'r5500.example.test')).toEqual(['192.0.2.1']);
  });

  it('answers queries between commands', async () => {
    await using session = await open({ zones: ZONES });
    session.input.write('{"command":"queries"}\n'.repeat(20_000));
    await session.count(1);
    await queryUdp(session.server, 'www.example.test');
    expect(session.replies.length).toBeLessThan(20_000);
  });

  it('is over when the input ends, whatever waits', async () => {
    const session = await open({ zones: ZONES });
    session.send({ command: 'wait-for-query', timeout: 3_600_000 }, { command: 'queries' });
    await session.count(1);
    session.input.write('{"command":"queries"}\n'.repeat(20_000));
    session.input.end('{"command":"set-zone"');
    await session.done;
    await session.server.close();
    expect(session.replies.length).toBeLessThan(20_000);
  });

  it('takes no more commands than fit while nobody reads the replies, and is over when the reader is gone', async () => {
    const [input, written] = [new PassThrough(), [] as (() => void)[]];
    const output = new Writable({ write: (_chunk, _encoding, done) => void written.push(done) });
    output.on('error', () => {});
    const server = await startServer({ tls: false });
    const conversation = converse(input, output);
    const done = runCommands(conversation, { server, files: new FollowedZones(), facts: () => ({}) });
    const line = Buffer.from(`{"command":"clear-queries","id":"${'a'.repeat(150)}"}\n`.repeat(5000));
    let taken = 0;
    while (!input.isPaused()) {
      if (!input.write(line)) await nextTurn();
      taken += line.length;
      expect(taken).toBeLessThan(40 << 20);
    }
    expect(taken).toBeGreaterThan(10 << 20);
    while (written.length === 0) await nextTurn();
    expect(written).toHaveLength(1);
    expect(conversation.over).toBe(false);
    output.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    await done;
    await server.close();
  });
});
