import { describe, expect, it } from 'vitest';
import { configPlaces, readConfig } from '../../../src/config/load.js';
import { silentLog } from '../../../src/observe/log.js';
import { controlView } from '../../../src/server/control/control-view.js';
import { createServer, type Server } from '../../../src/server/server.js';
import { zonesOfConfig } from '../../../src/server/zones/zone-files.js';
import { statusWithTies } from '../../../src/server/zones/zone-ties.js';
import { askUdp } from '../../support/ask.js';
import { buildQuery, decodeMessage } from '../../support/message.js';
import { folderServers } from './folder-server.js';
import { changes, imageOf, withSerial, ZONE } from './keeper-support.js';

const CONFIG = `listen: [127.0.0.1]
port: 0
tls: { enabled: false }
workers: embedded
state: { folder: state }
remotes: [{ name: one, addresses: [127.0.0.1] }]
zones:
  files: [{ name: a.test, file: a.zone }]
  secondary: [{ zones: [s.test], from: [one] }]
  policies: [{ zones: [a.test], serial: increment }]
`;

const { running, at, put, serve } = folderServers(CONFIG);

async function ask({ udp }: Server, name: string) {
  const { rcode, answer } = decodeMessage((await askUdp({ port: udp[0]!.port }, buildQuery({ name })))!);
  return [rcode, ...answer.map(({ text }) => text)];
}

function whole(pieces: Iterator<string> | undefined): string {
  let text = '';
  for (let piece = pieces?.next(); piece && !piece.done; piece = pieces?.next()) text += piece.value;
  return text;
}

describe('a server with a state folder', () => {
  it('answers, as soon as it is ready, what it acknowledged before', async () => {
    const first = await serve();
    await first.keeper.change('a.test.', changes('+x 60 A 192.0.2.2'));
    expect(await ask(first, 'ns.s.test.')).toEqual([2]);
    const image = imageOf('s.test', withSerial(5));
    await first.keeper.adopt('s.test.', { image, differences: undefined, sourceSerial: 5 });
    expect(await ask(first, 'x.a.test.')).toEqual([0, '192.0.2.2']);
    await first.close();
    running.length = 0;
    const second = await serve();
    expect(await ask(second, 'x.a.test.')).toEqual([0, '192.0.2.2']);
    expect(await ask(second, 'ns.s.test.')).toEqual([0, '192.0.2.1']);
    expect(second.keeper.get('s.test.')).toMatchObject({ serial: 5, role: 'secondary' });
  });

  it('says of each zone where it comes from, and prints it as it is served', async () => {
    const server = await serve();
    await server.keeper.change('a.test.', changes('+x 60 A 192.0.2.2'));
    const status = await statusWithTies(server.loaded, server.keeper, server.life);
    expect(status).toMatchObject([
      { name: 'a.test.', serial: 2, state: 'served', ties: { role: 'file', sourceSerial: 1, history: 1, pending: 0 } },
      {
        name: 's.test.',
        file: '',
        state: 'failed',
        ties: { role: 'secondary', state: 'empty', history: 0, journal: 0 },
      },
    ]);
    expect(status[0]?.ties?.journal).toBeGreaterThan(0);
    await server.keeper.adopt('s.test.', {
      image: imageOf('s.test', withSerial(5)),
      differences: undefined,
      sourceSerial: 4,
      origin: 'one',
    });
    expect(await statusWithTies(server.loaded, server.keeper, server.life, 'S.test')).toMatchObject([
      {
        name: 's.test.',
        serial: 5,
        state: 'served',
        records: 3,
        ties: { sourceSerial: 4, origin: 'one', state: 'served' },
      },
    ]);
    const context = {
      version: '',
      since: 0,
      config: undefined,
      watching: () => false,
      logLevel: { get: () => '', set: () => undefined },
      drain: () => undefined,
      report: () => undefined,
      top: () => {
        throw new Error('nobody asks');
      },
      reload: server.reload,
    };
    const { dump } = controlView(server, context);
    expect(whole(dump('a.test.'))).toContain('x.a.test. 60 IN A 192.0.2.2');
    expect(whole(dump('s.test.'))).toContain(' 5 ');
    expect(dump('b.test.')).toBeUndefined();
  });

  it('takes zones that are in no file for served: a policy may name them', async () => {
    const server = await serve();
    server.keeper.declare('member.test.', 'secondary');
    const { policyMistakes } = server.zones;
    expect(policyMistakes).toEqual([]);
    put('adotd.yaml', CONFIG.replace('  policies: [', '  policies: [{ zones: [s.test, member.test] }, '));
    const path = at('adotd.yaml');
    const read = () => readConfig(path);
    await server.close();
    running.length = 0;
    const again = await createServer({
      config: read(),
      configFile: { path, read, places: () => configPlaces(path) },
      zones: zonesOfConfig,
      log: silentLog,
      loader: { thread: false },
    });
    running.push(again);
    expect(again.zones.policyMistakes.map(({ message }) => message)).toEqual([expect.stringContaining('member.test.')]);
    // A secondary that no catalog has brought would go with the reload.
    again.keeper.declare('member.test.', 'catalog-consumed');
    expect((await again.reload()).errors).toEqual([]);
  });

  it('merges an edited file on reload, and announces the version', async () => {
    const server = await serve();
    await server.keeper.change('a.test.', changes('+x 60 A 192.0.2.2'));
    const told: unknown[] = [];
    server.keeper.onPublished((zone, serial) => told.push([zone, serial]));
    put('a.zone', `${ZONE}new 60 A 192.0.2.3\n`);
    const { errors } = await server.reload();
    expect(errors).toEqual([]);
    expect([await ask(server, 'x.a.test.'), await ask(server, 'new.a.test.')]).toEqual([
      [0, '192.0.2.2'],
      [0, '192.0.2.3'],
    ]);
    expect(told).toEqual([['a.test.', 3]]);
  });

  it('refuses the folder of another server, and leaves it free when it cannot start', async () => {
    await serve();
    await expect(serve()).rejects.toMatchObject({ code: 'ADOTD_STATE' });
    await running.splice(0)[0]?.close();
    put('adotd.yaml', CONFIG.replace('port: 0', 'port: 1').replace('127.0.0.1]\nport', '192.0.2.1]\nport'));
    await expect(serve()).rejects.toMatchObject({ code: 'ADOTD_LISTEN' });
    put('adotd.yaml', CONFIG);
    await expect(serve()).resolves.toBeDefined();
  });
});
