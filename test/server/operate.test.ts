import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Config, configSchema } from '../../src/config/schema.js';
import { silentLog } from '../../src/observe/log.js';
import { operate } from '../../src/server/operate.js';
import { RecentEvents } from '../../src/server/page/recent-events.js';
import { createNotifier } from '../../src/server/process/service-notify.js';
import { createServer, type Server } from '../../src/server/server.js';
import { TICK } from '../../src/server/watch/file-looks.js';
import { zonesOfConfig } from '../../src/server/zones/zone-files.js';
import type { ReloadRequest } from '../../src/server/zones/zone-loader.js';
import { queryUdp } from '../support/query.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const put = (name: string, address: string): void =>
  writeFileSync(join(folder, name), `@ 60 SOA ns h 1 1 1 1 1\n@ 60 NS ns\nns 60 A ${address}\n`);

/** A server of the folder, that nobody has watched from the start until now. `reloaded`: called before others hear of a reload. */
async function serve(config: Config, reloaded: () => void = () => undefined) {
  const served = await createServer({ config, zones: zonesOfConfig, log: silentLog, loader: { thread: false } });
  const server: Server = Object.create(served, {
    reload: {
      async value(request: ReloadRequest) {
        const outcome = await served.reload(request);
        reloaded();
        return outcome;
      },
    },
  });
  const ask = async (name: string) => {
    const { address, port } = server.udp[0] ?? { address: '', port: 0 };
    const { answers = [] } = await queryUdp({ address, udp: port, tcp: port }, name);
    return answers.map((answer) => 'data' in answer && answer.data);
  };
  const begin = () => {
    const log = { ...silentLog, level: 'silent' };
    return operate(server, {
      config,
      configFile: undefined,
      notifier: createNotifier({}),
      log,
      stop() {},
      report: () => undefined,
      events: new RecentEvents(),
    });
  };
  return { server, ask, begin };
}

const configOf = (watch: object): Config =>
  configSchema.parse({
    listen: ['127.0.0.1'],
    port: 0,
    workers: 'embedded',
    tls: { enabled: false },
    zones: { folder },
    watch,
  });

it('what has changed since the start, before it was watched, is loaded; and only that', async () => {
  put('old.test.zone', '192.0.2.1');
  put('same.test.zone', '192.0.2.1');
  const { server, ask, begin } = await serve(configOf({ enabled: true }));
  // The clock of files may be some milliseconds behind.
  await new Promise((resolve) => setTimeout(resolve, 20));
  const since = Date.now() - 10;
  put('old.test.zone', '192.0.2.2');
  put('new.test.zone', '192.0.2.3');
  // A new file that has changed within a tick of the file system is loaded twice: it may have changed again after it was read.
  await new Promise((resolve) => setTimeout(resolve, 2 * TICK));
  const operation = await begin();
  try {
    await operation.catchUp(Date.now() + 60_000);
    expect(server.reloader.tally.done).toBe(0);
    await operation.catchUp(since);
    expect(await Promise.all(['ns.old.test', 'ns.new.test', 'ns.same.test'].map(ask))).toEqual([
      ['192.0.2.2'],
      ['192.0.2.3'],
      ['192.0.2.1'],
    ]);
    expect(server.reloader.tally.done).toBe(1);
  } finally {
    await operation.close();
    await server.close();
  }
});

it('a new file that changes after it was read, and before it is watched, is loaded again', async () => {
  // Then no event tells of a change.
  vi.stubEnv('CHOKIDAR_USEPOLLING', '1');
  put('old.test.zone', '192.0.2.1');
  let isChanged = false;
  const { server, ask, begin } = await serve(configOf({ enabled: true }), () => {
    if (!isChanged) put('new.test.zone', '192.0.2.3');
    isChanged = true;
  });
  const operation = await begin();
  try {
    put('new.test.zone', '192.0.2.2');
    await operation.hangup();
    await expect.poll(() => ask('ns.new.test')).toEqual(['192.0.2.3']);
  } finally {
    vi.unstubAllEnvs();
    await operation.close();
    await server.close();
  }
});

it('nothing is loaded where files are not watched', async () => {
  put('old.test.zone', '192.0.2.1');
  const { server, ask, begin } = await serve(configOf({ enabled: false }));
  put('old.test.zone', '192.0.2.2');
  const operation = await begin();
  try {
    await operation.catchUp(0);
    expect(await ask('ns.old.test')).toEqual(['192.0.2.1']);
  } finally {
    await operation.close();
    await server.close();
  }
});
