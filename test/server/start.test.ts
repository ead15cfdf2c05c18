import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type StartOptions, startServer } from '../../src/index.js';
import { queryTcp, queryUdp } from '../support/query.js';

/** A zone with one address to tell its versions apart. */
const zone = (address: string): string => `
$TTL 300
@    SOA ns1 hostmaster 1 7200 3600 1209600 300
     NS ns1
ns1  A 192.0.2.1
www  A ${address}
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const put = (name: string, text: string): void => writeFileSync(join(folder, name), text);
const address = async (server: Parameters<typeof queryUdp>[0], name: string): Promise<unknown[]> =>
  ((await queryUdp(server, name)).answers ?? []).map((answer) => ('data' in answer ? answer.data : undefined));

describe('startServer', () => {
  it.each(['127.0.0.1', '::1'])('answers from a zone given as text, over UDP and TCP, on %s', async (listen) => {
    await using server = await startServer({ zones: { 'example.test': zone('192.0.2.80') }, listen: [listen] });
    expect(server.address).toBe(listen);
    expect(server.udp).toBe(server.tcp);
    for (const query of [queryUdp, queryTcp]) {
      const { answers, flag_aa: authoritative } = await query(server, 'www.example.test');
      expect(answers).toEqual([expect.objectContaining({ name: 'www.example.test', data: '192.0.2.80', ttl: 300 })]);
      expect(authoritative).toBe(true);
    }
  });

  it('listens on several addresses with one port', async () => {
    await using server = await startServer({ zones: { 'a.test': zone('192.0.2.7') }, listen: ['127.0.0.1', '::1'] });
    for (const host of ['127.0.0.1', '::1']) {
      expect((await queryUdp({ ...server, address: host }, 'www.a.test')).rcode).toBe('NOERROR');
      expect((await queryTcp({ ...server, address: host }, 'www.a.test')).rcode).toBe('NOERROR');
    }
  });

  it('runs several servers at once, each with its own zones', async () => {
    const servers = await Promise.all(
      ['192.0.2.10', '192.0.2.11', '192.0.2.12'].map((a) => startServer({ zones: { 'example.test': zone(a) } })),
    );
    const answers = await Promise.all(servers.map((server) => address(server, 'www.example.test')));
    expect(answers).toEqual([['192.0.2.10'], ['192.0.2.11'], ['192.0.2.12']]);
    await Promise.all(servers.map((server) => server.close()));
  });

  it('serves a folder and files, named by their SOA or their file', async () => {
    put('one.test.zone', zone('192.0.2.1'));
    put('not-a-zone.txt', 'no zone');
    put('two', `$ORIGIN two.test.\n${zone('192.0.2.2')}`);
    await using server = await startServer({ folder, files: [join(folder, 'two')] });
    expect(await address(server, 'www.one.test')).toEqual(['192.0.2.1']);
    expect(await address(server, 'www.two.test')).toEqual(['192.0.2.2']);
    expect((await queryUdp(server, 'three.test')).rcode).toBe('REFUSED');
  });

  it('rejects with the place of every mistake in a zone', async () => {
    put('bad.test.zone', '@ SOA a b 1 2 3 4 5\n  NS a\na A 192.0.2.256\n');
    put('good.test.zone', zone('192.0.2.1'));
    await expect(startServer({ folder })).rejects.toMatchObject({
      code: 'ADOTD_ZONE_INVALID',
      diagnostics: expect.arrayContaining([
        expect.objectContaining({ severity: 'error', file: join(folder, 'bad.test.zone'), line: 3 }),
      ]),
    });
  });

  it('answers SERVFAIL for a bad zone and serves the others when lenient', async () => {
    put('bad.test.zone', 'this is no zone\n');
    put('good.test.zone', zone('192.0.2.1'));
    await using server = await startServer({ folder, lenient: true });
    expect((await queryUdp(server, 'www.bad.test')).rcode).toBe('SERVFAIL');
    expect(await address(server, 'www.good.test')).toEqual(['192.0.2.1']);
  });

  it('loads zones anew: changed, new, gone and broken ones', async () => {
    for (const name of ['changed', 'gone', 'broken']) put(`${name}.test.zone`, zone('192.0.2.1'));
    await using server = await startServer({ folder });
    put('changed.test.zone', zone('192.0.2.2'));
    put('new.test.zone', zone('192.0.2.3'));
    put('broken.test.zone', 'broken');
    rmSync(join(folder, 'gone.test.zone'));
    await server.reload();
    expect(await address(server, 'www.changed.test')).toEqual(['192.0.2.2']);
    expect(await address(server, 'www.new.test')).toEqual(['192.0.2.3']);
    expect(await address(server, 'www.broken.test')).toEqual(['192.0.2.1']);
    expect((await queryUdp(server, 'www.gone.test')).rcode).toBe('REFUSED');
  });

  it('keeps answering when the folder is gone at a reload', async () => {
    put('a.test.zone', zone('192.0.2.1'));
    await using server = await startServer({ folder });
    rmSync(folder, { recursive: true });
    await expect(server.reload()).rejects.toMatchObject({
      code: 'ADOTD_FILE',
      message: expect.stringContaining(folder),
    });
    expect(await address(server, 'www.a.test')).toEqual(['192.0.2.1']);
  });

  it('frees its ports when closed, more than once if asked to', async () => {
    const first = await startServer({ zones: { 'a.test': zone('192.0.2.1') } });
    await first.close();
    await first.close();
    await using second = await startServer({ zones: { 'a.test': zone('192.0.2.2') }, port: first.udp });
    expect(second.udp).toBe(first.udp);
    expect(await address(second, 'www.a.test')).toEqual(['192.0.2.2']);
  });

  it('finds a port that is free for TCP too', async () => {
    const servers = await Promise.all(Array.from({ length: 30 }, () => startServer({})));
    for (const server of servers) expect(server.udp).toBe(server.tcp);
    await Promise.all(servers.map((server) => server.close()));
  });

  it.each<[string, StartOptions, string, RegExp]>([
    ['a port that is no number', { port: 70_000 }, 'ADOTD_CONFIG', /^port: found 70000, expected at most 65535$/],
    [
      'an unknown key',
      { config: { udp: { paylod: 1 } } },
      'ADOTD_CONFIG',
      /udp\.paylod: unknown key; did you mean payload/,
    ],
    ['a host name', { listen: ['localhost'] }, 'ADOTD_CONFIG', /expected an IPv4 or IPv6 address/],
    [
      'an address of somebody else',
      { listen: ['192.0.2.1'] },
      'ADOTD_LISTEN',
      /no network interface has the address 192/,
    ],
    ['a folder that is not there', { folder: '/nonexistent/zones' }, 'ADOTD_FILE', /no such file or directory/],
    ['a file that is not there', { files: ['/nonexistent/a.zone'] }, 'ADOTD_ZONE_INVALID', /no such file or directory/],
    [
      'a record that cannot be read',
      { zones: { 'a.test': 'ns 60 A 192.0.2.1\nwww 60 A 192.0.2.\n' } },
      'ADOTD_ZONE_INVALID',
      /^a\.test:2:10: found "192\.0\.2\."/,
    ],
    ['an NSID of odd digits', { config: { nsid: '0x123' } }, 'ADOTD_CONFIG', /even number of hexadecimal digits/],
  ])('rejects %s', async (_what, options, code, message) => {
    await expect(startServer(options)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('takes settings by the keys of adotd.yaml', async () => {
    const config = { any: 'full', hostname: 'test-host' };
    await using server = await startServer({ zones: { 'a.test': zone('192.0.2.1') }, config });
    expect((await queryTcp(server, 'a.test', 'ANY')).answers?.map((answer) => answer.type).sort()).toEqual([
      'NS',
      'SOA',
    ]);
  });
});
