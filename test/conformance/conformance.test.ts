import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningServer, startServer } from '../../src/index.js';
import { askTcp, askUdp } from '../support/ask.js';
import { type Engine, engineOf, settingsOf, type TestTransport } from '../support/engine.js';
import { type Case, queryOf } from './case.js';
import { AREAS, FOLDER, readCases, zoneFile } from './files.js';
import { judge } from './judge.js';

/** Milliseconds to wait for an answer that is not to come. */
const SILENCE = 150;

interface Way {
  readonly name: string;
  readonly transport: TestTransport;
  ask(which: Case, query: Uint8Array): Promise<Uint8Array | undefined> | Uint8Array | undefined;
}

for (const area of AREAS) {
  for (const file of readdirSync(join(FOLDER, area)).filter((name) => name.endsWith('.yaml'))) {
    const { origin, zones, failed, config, cases } = readCases(join(FOLDER, area, file));
    describe(`${area}: ${basename(file, '.yaml')}`, () => {
      let engine: Engine;
      let server: RunningServer;
      beforeAll(async () => {
        const texts = zones.map((zone) => ({
          file: zone,
          text: readFileSync(zoneFile(zone), 'latin1'),
          failed: failed.includes(zone),
        }));
        engine = engineOf(texts, settingsOf(config));
        server = await startServer({ files: zones.map(zoneFile), config, lenient: failed.length > 0 });
      });
      afterAll(async () => server?.close());

      const patience = (which: Case): number | undefined => (which.silence ? SILENCE : undefined);
      const ways: readonly Way[] = [
        { name: 'respond()', transport: 'udp', ask: (_which, query) => engine.ask(query, 'udp') },
        { name: 'respond()', transport: 'tcp', ask: (_which, query) => engine.ask(query, 'tcp') },
        { name: 'respond()', transport: 'tls', ask: (_which, query) => engine.ask(query, 'tls') },
        { name: 'UDP', transport: 'udp', ask: (which, query) => askUdp({ port: server.udp }, query, patience(which)) },
        { name: 'TCP', transport: 'tcp', ask: (which, query) => askTcp({ port: server.tcp }, query, patience(which)) },
      ];
      it.each(cases)('$name ($clause)', async (which) => {
        const query = queryOf(which.query, origin);
        const over = which.over ?? ['udp', 'tcp'];
        for (const way of ways.filter(({ transport }) => over.includes(transport))) {
          const response = await way.ask(which, query);
          const where = `${which.query}: ${way.name} as ${way.transport}`;
          expect(judge(which, way.transport, origin, query, response), where).toEqual([]);
        }
      });
    });
  }
}
