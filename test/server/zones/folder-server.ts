/** Servers, embedded and without TLS, of a folder that each test has anew. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { readConfig } from '../../../src/config/load.js';
import type { Config } from '../../../src/config/schema.js';
import { silentLog } from '../../../src/observe/log.js';
import { createServer, type Server } from '../../../src/server/server.js';
import { zonesOfConfig } from '../../../src/server/zones/zone-files.js';
import { ZONE } from './keeper-support.js';

interface FolderServers {
  /** Those that the end of the test closes. */
  readonly running: Server[];
  /** A path in the folder. */
  at(...names: readonly string[]): string;
  put(name: string, text: string): void;
  /** Starts a server, which ends with the test. `isReread`: a reload reads adotd.yaml again. */
  serve(isReread?: boolean): Promise<Server>;
}

/** Before each test, makes a folder with a.zone and this adotd.yaml. */
export function folderServers(config: string): FolderServers {
  let folder: string;
  const running: Server[] = [];
  const at = (...names: readonly string[]): string => join(folder, ...names);
  const put = (name: string, text: string): void => writeFileSync(at(name), text);
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'adotd-server-'));
    put('adotd.yaml', config);
    put('a.zone', ZONE);
  });
  afterEach(async () => {
    for (const server of running.splice(0)) await server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    running,
    at,
    put,
    async serve(isReread = false) {
      const path = at('adotd.yaml');
      const read = (): Config => readConfig(path);
      const configFile = { path, read, places: () => () => ({ file: path, line: 1, column: 1 }) };
      const server = await createServer({
        config: read(),
        zones: zonesOfConfig,
        log: silentLog,
        loader: { thread: false },
        ...(isReread && { configFile }),
      });
      running.push(server);
      return server;
    },
  };
}
